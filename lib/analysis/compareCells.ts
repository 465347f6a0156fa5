import { requireInteger, requireNumber, wrongType } from '../checks.ts';
import { cellNames, findCell } from '../cells/index.ts';
import type { Cell } from '../cells/index.ts';
import { BpttError, checkOptions, nearest } from '../errors.ts';
import { recurrent } from '../layers/index.ts';
import type { Layer } from '../layers/layer.ts';
import type { Model } from '../model/index.ts';
import { Trainer } from '../training/index.ts';
import type { TrainerOptions, TrainingData } from '../training/index.ts';
import { createFreshModelCheck } from './inside.ts';
import { formatTable } from './table.ts';

export interface CompareCellsOptions {
  /** Names of cells, or cells. Default LSTM and GRU. */
  readonly cells?: readonly (string | { readonly name: string })[] | undefined;
  /** Makes a new model around the recurrent layer that `layer({ units, … })` gives. Every model gets the same seed if you give one. */
  readonly model: (layer: (options: { readonly units: number } & Readonly<Record<string, unknown>>) => Layer) => Model;
  /** Loss, optimizer, clipping and so on of every training. */
  readonly training: TrainerOptions;
  readonly epochs: number;
  /** What the cells are judged by; default the training data. */
  readonly validation?: TrainingData | undefined;
  /** How much worse than the best a loss may be, relative to it, to count as similar. Default 0.02. */
  readonly tolerance?: number | undefined;
}

/** One cell of a comparison. */
export interface CellResult {
  readonly cell: string;
  readonly parameters: number;
  /** Of training. */
  readonly seconds: number;
  /** On the validation data after the last epoch. */
  readonly loss: number;
}

export interface CellComparison {
  readonly kind: 'cells';
  readonly results: readonly CellResult[];
  /** The cell with the fewest parameters among those whose loss is similar to the best. */
  readonly pick: string;
  readonly reason: string;
  /** A table of the results with the pick. */
  readonly text: string;
}

function asCell(candidate: string | { readonly name: string }): Cell {
  const name = typeof candidate === 'string' ? candidate : candidate?.name;
  if (typeof name !== 'string') throw wrongType('compareCells', 'every cell', 'a cell or the name of one', candidate);
  const found = findCell(name);
  if (found && (typeof candidate === 'string' || candidate === found)) return found;
  const hint = nearest(name, cellNames());
  throw new BpttError('ERR_BPTT_OPTION', `compareCells: unknown cell "${name}"${hint ? `; did you mean "${hint}"?` : ''} (cells: ${cellNames().join(', ')})`, { expected: cellNames(), received: candidate });
}

function choose(results: readonly CellResult[], tolerance: number): Pick<CellComparison, 'pick' | 'reason'> {
  const best = results.reduce((a, b) => (b.loss < a.loss ? b : a));
  const similar = results.filter(({ loss }) => loss <= best.loss + tolerance * Math.abs(best.loss));
  const { cell } = similar.reduce((a, b) => (b.parameters < a.parameters ? b : a));
  if (similar.length === 1) return { pick: cell, reason: `${cell} has the lowest loss, and no other comes within ${tolerance * 100}% of it` };
  const names = similar.map((each) => each.cell).join(' and ');
  return { pick: cell, reason: `${names} are similar (within ${tolerance * 100}% of the best loss), and ${cell} has the fewest parameters of them` };
}

type ModelOfLayer = CompareCellsOptions['model'];

/** One new model for each cell, with its cell in it. */
function makeModels(make: ModelOfLayer, cells: readonly Cell[]): Model[] {
  const requireFresh = createFreshModelCheck();
  return cells.map((cell) => {
    let used = false;
    const model = requireFresh('compareCells: model', make((settings) => {
      const layer: Layer = recurrent(cell, settings as never);
      return Object.freeze({
        ...layer,
        build(...args: Parameters<Layer['build']>) {
          used = true;
          return layer.build(...args);
        },
      });
    }));
    if (used) return model;
    throw new BpttError('ERR_BPTT_OPTION', `compareCells: model: expected a model with a layer of ${cell.name} in it, received one without; build it around what the function is given: model: (layer) => sequential([layer({ units }), …], …)`,
      { expected: cell.name, received: model.definition.layers.map(({ kind }) => kind) });
  });
}

/**
 * Trains one model for each cell on the same data and picks one: the smallest of those that are about as good as the best. It is the recipe "LSTM first, then
 * GRU, and GRU if they are similar".
 *
 * ```ts
 * const { text, pick } = await compareCells(data, {
 *   cells: ['lstm', 'gru'], epochs: 5, validation, training: { loss: crossEntropy(), optimizer: adam() },
 *   model: (layer) => sequential([embedding({ size: 32 }), layer({ units: 64 }), dense({ units: vocabulary.size })], { input: vocabulary, seed: 1 }),
 * });
 * ```
 * @throws (as a rejection) ERR_BPTT_OPTION for unknown cells and options, and, before anything is trained, for a `model` that makes no use of `layer` or gives one model twice;
 * ERR_BPTT_RANGE or ERR_BPTT_TYPE for what does not fit; what training throws.
 */
export async function compareCells(data: TrainingData, options: CompareCellsOptions): Promise<CellComparison> {
  checkOptions('compareCells', options, ['cells', 'model', 'training', 'epochs', 'validation', 'tolerance']);
  const { model: make, training, validation } = options;
  if (typeof make !== 'function') throw wrongType('compareCells', 'model', 'a function that makes a model around a layer', make);
  const asked: unknown = options.cells ?? ['lstm', 'gru'];
  if (!Array.isArray(asked)) throw wrongType('compareCells', 'cells', 'a list of cells or of their names', asked);
  const chosen = asked.map(asCell);
  if (chosen.length === 0) throw new BpttError('ERR_BPTT_OPTION', 'compareCells: expected at least one cell, received none', { received: options.cells });
  const twice = chosen.find((cell, i) => chosen.indexOf(cell) !== i);
  if (twice) throw new BpttError('ERR_BPTT_OPTION', `compareCells: expected each cell once, received "${twice.name}" twice; leave one out`, { received: options.cells });
  const epochs = requireInteger('compareCells', 'epochs', options.epochs, 1);
  const tolerance = requireNumber('compareCells', 'tolerance', options.tolerance ?? 0.02, 0, Number.MAX_VALUE);
  const results: CellResult[] = [];
  const trainers = makeModels(make, chosen).map((model) => new Trainer(model, training));
  for (const [i, cell] of chosen.entries()) {
    const trainer = trainers[i]!;
    const before = performance.now();
    await trainer.fit(data, { epochs });
    const seconds = (performance.now() - before) / 1000;
    const { loss } = await trainer.evaluate(validation ?? data);
    results.push({ cell: cell.name, parameters: trainer.model.parameterCount, seconds, loss });
  }
  const decision = choose(results, tolerance);
  const table = formatTable(['Cell', 'Parameters', 'Seconds', 'Loss', ''], results.map(({ cell, parameters, seconds, loss }) => (
    [cell, parameters.toLocaleString('en-US'), seconds.toFixed(2), loss.toFixed(4), cell === decision.pick ? '◀' : ''])));
  return { kind: 'cells', results, ...decision, text: `${table}\n${decision.pick}: ${decision.reason}.` };
}
