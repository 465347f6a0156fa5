/** Every cell of the library, forward and backward at one shape, beside `lstm` in proportion to its multiplications: what a cell pays for being itself. */
import * as cells from '../../lib/cells/index.ts';
import type { Cell } from '../../lib/cells/index.ts';
import { compile, countOpcodes, decodeProgram } from '../../lib/compiler/index.ts';
import { recurrent } from '../../lib/layers/index.ts';
import type { Context } from '../support/context.ts';
import { measure, timed } from '../support/interleave.ts';
import { buildGraph, compareWithReference, formatSize, LayerWork, type LayerSource } from '../support/layerWork.ts';
import { middleSize } from '../support/shapes.ts';

/** How much longer than `lstm` a cell may take for as many multiplications. */
const most = 1.35;

interface Candidate extends LayerSource {
  readonly name: string;
  /** Elements of the matrices that a step multiplies with. */
  readonly multiplications: number;
}

function candidate(cell: Cell, options: Readonly<Record<string, unknown>> = {}): Candidate {
  const { parameters } = cells.cellSpecification(cell, middleSize.features, middleSize.units, { options });
  const matrices = parameters.filter(({ shape }) => shape.length === 2);
  return {
    name: [cell.name, ...Object.entries(options).map(([name, value]) => `${name} ${String(value)}`)].join(', '),
    multiplications: matrices.reduce((sum, { shape }) => sum + shape[0]! * shape[1]!, 0),
    make: (units) => recurrent(cell, { units, ...options } as never),
  };
}

/** Every cell as it comes, and again for each word of its options that is not the default. */
function candidates(): Candidate[] {
  const all = Object.entries(cells).filter(([name, value]) => name.endsWith('Cell') && typeof value === 'object').map(([, value]) => value as unknown as Cell);
  const choices = (cell: Cell): Record<string, string>[] => Object.entries(cell.options).flatMap(([name, declared]) => (
    Array.isArray(declared) ? (declared as readonly string[]).slice(1).map((word) => ({ [name]: word })) : []));
  return [...all.flatMap((cell) => [candidate(cell), ...choices(cell).map((options) => candidate(cell, options))]), candidate(cells.lstmCell as Cell, { projection: middleSize.units / 2 })];
}

/** Products and maps at each step of the loops: "1+1 products, 1+1 maps" forwards and backwards. */
function stepWork(source: LayerSource): string {
  const { scope, inputs, outputs } = buildGraph(source, middleSize, 'train');
  const layouts = [[...scope.variables.values()].map(({ variable }) => variable)];
  const { instructions } = decodeProgram(compile({ inputs, outputs, assignments: [] }, { layouts }).bytes);
  const counts = instructions.filter(({ opcode }) => opcode === 'scan').map((loop) => countOpcodes((loop).body) as Readonly<Record<string, number | undefined>>);
  const words = new Map([['gemm', 'products'], ['map', 'maps'], ...counts.flatMap((each) => Object.keys(each)).filter((opcode) => opcode !== 'gemm' && opcode !== 'map').map((opcode) => [opcode, opcode] as const)]);
  return [...words].map(([opcode, word]) => `${counts.map((each) => each[opcode] ?? 0).join('+')} ${word}`).join(', ');
}

/** Runs the suite. */
export async function runCells(context: Context): Promise<void> {
  const { runtime, isa, options } = context;
  const standard = candidate(cells.lstmCell as Cell);
  for (const threads of options.threads) {
    context.setThreads(threads);
    for (const each of candidates()) {
      const name = `${each.name} ${formatSize(middleSize)}`;
      await context.attempt('cells', name, async () => {
        const difference = compareWithReference(runtime, each, middleSize, 'train');
        const [own, lstm] = [new LayerWork(runtime, each, middleSize, 'train'), new LayerWork(runtime, standard, middleSize, 'train')];
        const { ours, others, rounds, discarded, loaded } = await measure([timed(() => own.run()), timed(() => lstm.run())], options.effort, context.watch);
        const share = each.multiplications / standard.multiplications;
        const flops = 6 * middleSize.steps * middleSize.rows * each.multiplications;
        const { gflops, peakShare } = await context.speed(flops, ours.milliseconds, threads);
        const ratio = others[0]!.ratio * share;
        context.emit({
          suite: 'cells', name, threads, isa, ours: { ...ours, gflops }, ratio, peakShare, bound: 'arithmetic', rounds, discarded, loaded, difference,
          peer: { name: 'lstm by multiplications', version: `× ${share.toFixed(2)}`, milliseconds: others[0]!.milliseconds * share, spread: others[0]!.spread },
          note: `${(1 / ratio).toFixed(2)} × its time${1 / ratio > most ? `, above ${most}` : ''}; a step: ${stepWork(each)}`,
        });
      });
    }
  }
}
