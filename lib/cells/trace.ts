import { BpttError, formatShape } from '../errors.ts';
import { sameShape, type Shape, type Value } from '../graph/index.ts';
import type { Cell, CellOptions, CellOptionValues, CellParameterOptions, CellSize, CellStep, CellTools } from './cell.ts';

/** The sizes and values that one application of the equations works on. */
export interface CellSituation {
  readonly cell: Cell;
  readonly units: number;
  readonly biased: boolean;
  readonly options: CellOptionValues<CellOptions>;
  /** [N, C]. */
  readonly x: Value;
  /** [N, size] each. */
  readonly state: Readonly<Record<string, Value>>;
}

/** One call of `affine`, its operands told apart. */
export interface AffineCall {
  readonly gate: string;
  readonly x?: Value | undefined;
  readonly recurrent?: Value | undefined;
}

/** Where gates and weights come from: placeholders while a cell is being measured, slices of the weights when it is built. */
export interface WeightSource {
  affine(call: AffineCall): Value;
  parameter(name: string, shape: Shape, options: CellParameterOptions): Value;
}

export function resolveSize(size: CellSize, units: number, inputSize: number): number {
  return size === 'units' ? units : size === 'input' ? inputSize : size;
}

function readCall(situation: CellSituation, gate: string, operands: readonly Value[]): AffineCall {
  const { cell, x, units } = situation;
  const where = `cell "${cell.name}": affine('${gate}', …)`;
  if (operands.length === 0) throw new BpttError('ERR_BPTT_GRAPH', `${where}: expected at least one operand, received none`);
  const others = operands.filter((operand) => operand !== x);
  if (others.length > 1 || operands.length - others.length > 1) {
    throw new BpttError('ERR_BPTT_GRAPH', `${where}: expected x and one recurrent operand at most, received ${operands.length} operands, which would share one weight;`
      + ' give each product a gate of its own and add them', { received: operands.length });
  }
  const recurrent = others[0];
  const expected = [x.shape[0]!, units];
  if (recurrent && !sameShape(recurrent.shape, expected)) {
    throw new BpttError('ERR_BPTT_SHAPE', `${where}: expected a recurrent operand of shape [N, ${units}], received [N, ${recurrent.shape.slice(1).join(', ')}];`
      + ' products of other sizes are written with parameter() and matmul()', { expected, received: recurrent.shape });
  }
  return { gate, x: operands.length > others.length ? x : undefined, recurrent };
}

/** What one application of the equations gave. */
export interface TracedStep {
  readonly output: Value;
  /** The states as they go on. */
  readonly next: Readonly<Record<string, Value>>;
  /** Empty for a cell that shows none. */
  readonly gates: Readonly<Record<string, Value>>;
}

function requireNames({ cell, state }: CellSituation, step: CellStep): void {
  const expected = ['output', ...Object.keys(state)];
  const received = Object.keys(step).filter((name) => name !== 'gates');
  if (expected.length === received.length && expected.every((name) => received.includes(name))) return;
  throw new BpttError('ERR_BPTT_GRAPH', `cell "${cell.name}": expected the equations to give { ${expected.join(', ')} }, received { ${received.join(', ')} }`,
    { expected, received });
}

function requireRowsOfFeatures({ cell, x }: CellSituation, what: string, value: Value): void {
  if (value.shape.length === 2 && value.shape[0] === x.shape[0] && value.type === 'float32') return;
  throw new BpttError('ERR_BPTT_SHAPE', `cell "${cell.name}": expected ${what} of shape [N, features], received ${value.type} ${formatShape(value.shape)}`,
    { expected: [x.shape[0], 'features'], received: value.shape });
}

function checkStep(situation: CellSituation, step: CellStep): TracedStep {
  requireNames(situation, step);
  const { output, gates = {}, ...rest } = step;
  const next = rest as Readonly<Record<string, Value>>;
  for (const [name, before] of Object.entries(situation.state)) {
    const after = next[name]!;
    if (sameShape(after.shape, before.shape) && after.type === before.type) continue;
    throw new BpttError('ERR_BPTT_SHAPE', `cell "${situation.cell.name}": expected the next ${name} of shape ${formatShape(before.shape)}, received ${formatShape(after.shape)}`,
      { expected: before.shape, received: after.shape });
  }
  requireRowsOfFeatures(situation, 'an output', output);
  for (const [name, gate] of Object.entries(gates)) requireRowsOfFeatures(situation, `the gate ${name}`, gate);
  return { output, next, gates };
}

/** Applies a cell's equations once and checks what they give. */
export function traceCell(situation: CellSituation, weights: WeightSource): TracedStep {
  const { cell, x, state, units, biased, options } = situation;
  const tools: CellTools = {
    x,
    units,
    biased,
    options,
    affine: (gate, ...operands) => weights.affine(readCall(situation, gate, operands)),
    parameter: (name, shape, settings = {}) => weights.parameter(name, shape.map((size) => resolveSize(size, units, x.shape[1]!)), settings),
  };
  return checkStep(situation, cell.equations({ ...state, ...tools } as CellTools & Readonly<Record<string, Value>>));
}
