import { requireBoolean, requireChoice, requireNumber, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe, formatShape } from '../errors.ts';
import { multiply, sameShape, type Shape, type Value } from '../graph/index.ts';
import type { ParameterGroup } from '../layers/layer.ts';
import type { Affine, Cell, CellOptions, CellOptionValues, CellParameterOptions, CellSize, CellSizes, CellStep, CellTools, GateProduct } from './cell.ts';

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
  /** [N, units]; multiplies what the equations mark as candidate. */
  readonly candidateMask?: Value | undefined;
}

type Transform = (product: Value, place: GateProduct) => Value;

/** One call of `affine`, its operands told apart. */
export interface AffineCall {
  readonly gate: string;
  readonly x?: Value | undefined;
  readonly recurrent?: Value | undefined;
  /** What happens to each product before it is added. */
  readonly transform: Transform;
}

/** Where gates and weights come from: placeholders while a cell is being measured, slices of the weights when it is built. */
export interface WeightSource {
  affine(call: AffineCall): Value;
  parameter(name: string, shape: Shape, options: CellParameterOptions): Value;
}

/** @throws ERR_BPTT_SHAPE when a cell computes something that is no size. */
export function resolveSize(owner: string, size: CellSize, sizes: CellSizes): number {
  const found = typeof size === 'function' ? size(sizes) : size === 'units' ? sizes.units : size === 'input' ? sizes.input : size;
  if (Number.isSafeInteger(found) && found >= 1) return found;
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected a size of 1 or more, received ${describe(found)}`, { expected: 'size', received: found });
}

function readCall({ cell, x }: CellSituation, gate: string, operands: readonly Value[]): Omit<AffineCall, 'transform'> {
  const where = `cell "${cell.name}": affine('${gate}', …)`;
  if (operands.length === 0) throw new BpttError('ERR_BPTT_GRAPH', `${where}: expected at least one operand, received none`);
  const others = operands.filter((operand) => operand !== x);
  if (others.length > 1 || operands.length - others.length > 1) {
    throw new BpttError('ERR_BPTT_GRAPH', `${where}: expected x and one recurrent operand at most, received ${operands.length} operands, which would share one weight;`
      + ' give each product a gate of its own and add them', { received: operands.length });
  }
  const recurrent = others[0];
  if (recurrent && !(recurrent.shape.length === 2 && recurrent.shape[0] === x.shape[0] && recurrent.type === 'float32')) {
    throw new BpttError('ERR_BPTT_SHAPE', `${where}: expected a recurrent operand of shape [N, features], received ${recurrent.type} ${formatShape(recurrent.shape)}`,
      { expected: [x.shape[0], 'features'], received: recurrent.shape });
  }
  return { gate, x: operands.length > others.length ? x : undefined, recurrent };
}

function checkedTransform({ cell }: CellSituation, transform: Transform): Transform {
  return (product, place) => {
    const result = transform(product, place);
    if (sameShape(result.shape, product.shape) && result.type === product.type) return result;
    throw new BpttError('ERR_BPTT_SHAPE', `cell "${cell.name}": affineThrough: expected ${formatShape(product.shape)} again, received ${result.type} ${formatShape(result.shape)}`,
      { expected: product.shape, received: result.shape });
  };
}

/** Drops what the equations mark as candidate, and remembers that they do. */
class CandidateMark {
  found = false;
  private readonly situation: CellSituation;

  constructor(situation: CellSituation) {
    this.situation = situation;
  }

  mark(value: Value): Value {
    const { cell, x, units, candidateMask } = this.situation;
    this.found = true;
    if (!sameShape(value.shape, [x.shape[0]!, units])) {
      throw new BpttError('ERR_BPTT_SHAPE', `cell "${cell.name}": candidate: expected [N, ${units}], received ${formatShape(value.shape)}`, { expected: [x.shape[0], units], received: value.shape });
    }
    return candidateMask ? multiply(value, candidateMask) : value;
  }
}

const groups = ['input', 'recurrent', 'output', 'bias', 'embedding', 'state'] as const satisfies readonly ParameterGroup[];

/** @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for settings that nobody would read. */
function checkParameterOptions(owner: string, settings: CellParameterOptions): void {
  checkOptions(owner, settings, ['group', 'initializer', 'transposed']);
  const { group, initializer, transposed } = settings;
  if (group !== undefined) requireChoice(owner, 'group', group, groups);
  if (transposed !== undefined) requireBoolean(owner, 'transposed', transposed);
  if (typeof initializer === 'number') requireNumber(owner, 'initializer', initializer, -Number.MAX_VALUE, Number.MAX_VALUE);
  else if (initializer !== undefined && typeof initializer?.fill !== 'function') throw wrongType(owner, 'initializer', 'a number or an initializer such as glorotUniform()', initializer);
}

/** What one application of the equations gave. */
export interface TracedStep {
  readonly output: Value;
  /** The states as they go on. */
  readonly next: Readonly<Record<string, Value>>;
  /** Empty for a cell that shows none. */
  readonly gates: Readonly<Record<string, Value>>;
  /** Whether the equations mark a candidate. */
  readonly candidate: boolean;
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

function checkStep(situation: CellSituation, step: CellStep): Omit<TracedStep, 'candidate'> {
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
  const sizes: CellSizes = { units, input: x.shape[1]!, options };
  const affineOf = (transform: Transform): Affine => (gate, ...operands) => weights.affine({ ...readCall(situation, gate, operands), transform });
  const mark = new CandidateMark(situation);
  const tools: CellTools = {
    x,
    units,
    biased,
    options,
    affine: affineOf((product) => product),
    affineThrough: (transform) => affineOf(checkedTransform(situation, transform)),
    candidate: (value) => mark.mark(value),
    parameter: (name, shape, settings = {}) => {
      const owner = `cell "${cell.name}": parameter "${name}"`;
      checkParameterOptions(owner, settings);
      return weights.parameter(name, shape.map((size) => resolveSize(owner, size, sizes)), settings);
    },
  };
  const step = checkStep(situation, cell.equations({ ...state, ...tools } as CellTools & Readonly<Record<string, Value>>));
  return { ...step, candidate: mark.found };
}
