import { BpttError, formatShape } from '../errors.ts';
import { input, sameShape, type Shape, type Value } from '../graph/index.ts';
import type { Initializer, ParameterGroup } from '../layers/layer.ts';
import { resolveCellOptions, type Cell, type CellOptions, type CellOptionValues, type CellParameterOptions } from './cell.ts';
import { resolveSize, traceCell, type AffineCall, type WeightSource } from './trace.ts';

/**
 * 'single': one bias per gate (and one for a recurrent call without x); 'double': every recurrent product has one too, as in PyTorch and cuDNN;
 * false: none.
 */
export type BiasMode = 'single' | 'double' | false;

/** A weight that a cell needs. */
export interface CellParameter {
  /** "weight_ih", "weight_hh", "bias_ih", "bias_hh", or the cell's own name for it. */
  readonly name: string;
  readonly shape: Shape;
  readonly group: ParameterGroup;
  /** Gate blocks, side by side on the last axis; absent for the cell's own parameters. */
  readonly gates?: readonly { readonly name: string; readonly size: number }[] | undefined;
  readonly initializer?: Initializer | number | undefined;
  /** Whether it lies on disk as [out, in]. */
  readonly transposed: boolean;
}

/** What a cell turns out to need for given sizes: found by applying its equations once to placeholders. */
export interface CellSpecification {
  readonly cell: Cell;
  readonly inputSize: number;
  readonly units: number;
  readonly bias: BiasMode;
  readonly options: CellOptionValues<CellOptions>;
  /** All gates, in order of first use: the order of the blocks in every weight, in memory and on disk. */
  readonly gates: readonly string[];
  readonly parameters: readonly CellParameter[];
  readonly state: Readonly<Record<string, number>>;
  readonly outputSize: number;
  /** Features of what meets the recurrent weights; undefined for a cell without recurrent products. */
  readonly recurrentSize: number | undefined;
  /** Whether the equations mark a candidate. */
  readonly candidate: boolean;
  /** Whether there are two biases, bias_ih and bias_hh, and whatever adds a gate's block of one adds that of the other too: their sum is then enough. */
  readonly jointBiases: boolean;
}

/** Which weights each gate was seen to use. */
interface GateUse {
  input: boolean;
  recurrent: boolean;
  inputBias: boolean;
  recurrentBias: boolean;
}

/** A weight source that gives placeholders and remembers what it was asked for. */
class Recorder implements WeightSource {
  readonly gates = new Map<string, GateUse>();
  readonly own = new Map<string, { parameter: CellParameter; value: Value }>();
  recurrentSize: number | undefined;
  /** Calls that add one of a gate's two biases. */
  loneBiases = 0;
  private readonly cell: Cell;
  private readonly rows: number;
  private readonly units: number;
  private readonly bias: BiasMode;

  constructor(cell: Cell, rows: number, units: number, bias: BiasMode) {
    this.cell = cell;
    this.rows = rows;
    this.units = units;
    this.bias = bias;
  }

  affine({ gate, x, recurrent, transform }: AffineCall): Value {
    const use = this.gates.get(gate) ?? { input: false, recurrent: false, inputBias: false, recurrentBias: false };
    this.gates.set(gate, use);
    use.input ||= x !== undefined;
    use.recurrent ||= recurrent !== undefined;
    use.inputBias ||= this.bias !== false && x !== undefined;
    use.recurrentBias ||= hasRecurrentBias(this.bias, x, recurrent);
    if (!x || !recurrent) this.loneBiases++;
    const product = input(`${this.cell.name}.${gate}`, [this.rows, this.units], 'float32');
    if (recurrent) this.measure(gate, recurrent);
    if (x) transform(product, { gate, weight: 'input' });
    if (recurrent) transform(product, { gate, weight: 'recurrent' });
    return product;
  }

  /** All recurrent operands meet blocks of one weight. */
  private measure(gate: string, { shape }: Value): void {
    const size = shape[1]!;
    this.recurrentSize ??= size;
    if (size === this.recurrentSize) return;
    throw new BpttError('ERR_BPTT_SHAPE', `cell "${this.cell.name}": affine('${gate}', …): expected a recurrent operand of shape [N, ${this.recurrentSize}] as the ones before,`
      + ` received [N, ${size}]; products of other sizes are written with parameter() and matmul()`, { expected: this.recurrentSize, received: size });
  }

  parameter(name: string, shape: Shape, { group, initializer, transposed = false }: CellParameterOptions): Value {
    const known = this.own.get(name);
    if (known && sameShape(known.parameter.shape, shape)) return known.value;
    if (known || /^(?:weight|bias)_(?:ih|hh)$/.test(name)) {
      throw new BpttError('ERR_BPTT_GRAPH', `cell "${this.cell.name}": parameter "${name}" of shape ${formatShape(shape)}: the name is taken`
        + (known ? ` by one of shape ${formatShape(known.parameter.shape)}` : ' by the gates'), { received: shape });
    }
    const value = input(`${this.cell.name}.${name}`, shape, 'float32');
    this.own.set(name, { parameter: { name, shape, group: group ?? (shape.length > 1 ? 'recurrent' : 'bias'), initializer, transposed }, value });
    return value;
  }
}

/** Whether a call of `affine` adds the gate's recurrent bias. */
export function hasRecurrentBias(bias: BiasMode, x: Value | undefined, recurrent: Value | undefined): boolean {
  return bias !== false && (x === undefined || (bias === 'double' && recurrent !== undefined));
}

function gateParameters({ gates, recurrentSize }: Recorder, units: number, inputSize: number): CellParameter[] {
  const blocks = (use: keyof GateUse): { name: string; size: number }[] => (
    [...gates].filter(([, uses]) => uses[use]).map(([name]) => ({ name, size: units })));
  const stacked = (name: string, group: ParameterGroup, leading: Shape, use: keyof GateUse): CellParameter => {
    const inside = blocks(use);
    return { name, shape: [...leading, inside.length * units], group, gates: inside, transposed: leading.length > 0 };
  };
  return [
    stacked('weight_ih', 'input', [inputSize], 'input'),
    stacked('weight_hh', 'recurrent', [recurrentSize ?? units], 'recurrent'),
    stacked('bias_ih', 'bias', [], 'inputBias'),
    stacked('bias_hh', 'bias', [], 'recurrentBias'),
  ].filter(({ gates: inside }) => inside!.length > 0);
}

/** @throws ERR_BPTT_GRAPH when the cell says where the bias of a gate begins that its equations do not have. */
function requireGateBiases(cell: Cell, options: CellOptionValues<CellOptions>, { gates }: Recorder): void {
  const unknown = Object.keys(cell.gateBias(options)).find((gate) => !gates.has(gate));
  if (unknown === undefined) return;
  throw new BpttError('ERR_BPTT_GRAPH', `cell "${cell.name}": gateBias says where the bias of the gate "${unknown}" begins, and the equations have no such gate (gates: ${[...gates.keys()].join(', ')})`,
    { expected: [...gates.keys()], received: unknown });
}

/**
 * The weights, gates and state sizes of a cell for `inputSize` features and `units`. Weights are [in, out]: weight_ih [C, G·H], weight_hh [R, G·H],
 * bias_ih and bias_hh [G·H], each with the gates that use it; R, the size of the recurrent operands, is H for most cells.
 * @throws ERR_BPTT_GRAPH or ERR_BPTT_SHAPE when the equations do not fit together; ERR_BPTT_OPTION for a wrong option value.
 */
export function cellSpecification<State extends string, Options extends CellOptions>(
  measured: Cell<State, Options>, inputSize: number, units: number, settings: { readonly bias?: BiasMode; readonly options?: Readonly<Record<string, unknown>> } = {},
): CellSpecification {
  const cell: Cell = measured;
  const bias = settings.bias ?? 'single';
  const options = resolveCellOptions(cell, settings.options ?? {});
  const rows = 1;
  const state = Object.fromEntries(Object.entries(cell.state).map(([name, size]) => [name, resolveSize(`cell "${cell.name}": state "${name}"`, size, { units, input: inputSize, options })]));
  const recorder = new Recorder(cell, rows, units, bias);
  const placeholders = Object.fromEntries(Object.entries(state).map(([name, size]) => [name, input(`${cell.name}.${name}`, [rows, size], 'float32')]));
  const x = input(`${cell.name}.x`, [rows, inputSize], 'float32');
  const traced = traceCell({ cell, units, biased: bias !== false, options, x, state: placeholders }, recorder);
  requireGateBiases(cell, options, recorder);
  return {
    cell, inputSize, units, bias, options, state, candidate: traced.candidate,
    gates: [...recorder.gates.keys()],
    parameters: [...gateParameters(recorder, units, inputSize), ...[...recorder.own.values()].map(({ parameter }) => parameter)],
    outputSize: traced.output.shape[1]!,
    recurrentSize: recorder.recurrentSize,
    jointBiases: bias === 'double' && recorder.gates.size > 0 && recorder.loneBiases === 0,
  };
}
