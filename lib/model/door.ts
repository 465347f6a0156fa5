import { BpttError, checkOptions, describe } from '../errors.ts';
import { pack } from '../data/pack.ts';
import type { DataSpecification, Packed } from '../data/pack.ts';
import { isData } from '../data/tensor.ts';
import type { Data } from '../data/tensor.ts';
import type { RunArray } from '../runtime/runtime.ts';
import type { InputSize, JoinedInputs, Signature } from './builder.ts';
import { featureSizes } from './symbolic.ts';
import type { InputDefinition } from './symbolic.ts';

/** Data of one input, or of several by name. */
export type InputData = Data | Readonly<Record<string, Data>>;
/** Valid steps of each row: of every input over time, or by input. */
export type LengthsData = ArrayLike<number> | Readonly<Record<string, ArrayLike<number>>>;

/** Checked data of a whole run. */
export interface PackedInputs {
  readonly signature: Signature;
  readonly packed: Readonly<Record<string, Packed>>;
  /** What the program is fed: "input/<name>" and "lengths/<name>". */
  readonly feeds: Record<string, RunArray>;
}

export interface DoorOptions {
  /** Names the model in messages. */
  readonly owner: string;
  readonly inputs: readonly InputDefinition[];
  /** Inputs whose rows must have the same valid steps. */
  readonly joined: readonly JoinedInputs[];
  /** Floats in float64. */
  readonly double: boolean;
  /** What copies numbers and looks at them on the way; default JavaScript does. */
  readonly copyFinite?: DataSpecification['copyFinite'];
  /** Gives the array for an input's float32 numbers, zeros unless every one of them is going to be written; default a new one. */
  readonly take?: ((input: string, length: number, filled: boolean) => Float32Array) | undefined;
}

/** What data for `input` must look like. */
export function specificationOf({ owner, double, take, copyFinite }: DoorOptions, input: InputDefinition): DataSpecification {
  return {
    copyFinite,
    take: take && ((length, filled) => take(input.name, length, filled)),
    owner: `${owner}, input "${input.name}"`, time: input.time, double,
    type: input.features === null ? 'int32' : 'float32',
    sizes: featureSizes(input),
    bound: input.tokens ?? undefined,
  };
}

/** Data by name. @throws ERR_BPTT_DATA, ERR_BPTT_OPTION for names that are missing or unknown. */
export function byName(owner: string, kind: 'input' | 'target', given: unknown, names: readonly string[]): Record<string, Data> {
  if (isData(given)) {
    if (names.length === 1) return { [names[0]!]: given };
    throw new BpttError('ERR_BPTT_DATA', `${owner}: expected ${kind}s by name ({ ${names.join(', ')} }), received ${describe(given)}`, { expected: names, received: given });
  }
  if (typeof given !== 'object' || given === null) {
    throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected nested arrays, { data, shape }, or ${kind}s by name ({ ${names.join(', ')} }), received ${describe(given)}`,
      { expected: names, received: given });
  }
  checkOptions(`${owner}, ${kind}s by name`, given, names);
  const missing = names.find((name) => !(name in given));
  if (missing === undefined) return given as Record<string, Data>;
  throw new BpttError('ERR_BPTT_DATA', `${owner}: expected data for the ${kind} "${missing}", received none`, { expected: names, received: Object.keys(given) });
}

function lengthsOf(lengths: LengthsData | undefined, { name, time }: InputDefinition): ArrayLike<number> | undefined {
  if (lengths === undefined || !time) return undefined;
  if (Array.isArray(lengths) || ArrayBuffer.isView(lengths)) return lengths as ArrayLike<number>;
  return (lengths as Readonly<Record<string, ArrayLike<number>>>)[name];
}

/**
 * Checks and copies the data of one run.
 * @param round whether T of ragged data may be rounded up, so that fewer programs are compiled.
 * @throws what `pack` throws; ERR_BPTT_SHAPE when inputs differ in their rows, or those that are joined in their steps; ERR_BPTT_OPTION for lengths that nobody would read.
 */
export function packInputs(options: DoorOptions, given: unknown, lengths: LengthsData | undefined, round: boolean): PackedInputs {
  const { owner, inputs } = options;
  const data = byName(owner, 'input', given, inputs.map(({ name }) => name));
  checkLengths(options, lengths);
  const packed: Record<string, Packed> = {};
  const sizes: Record<string, InputSize> = {};
  const feeds: Record<string, RunArray> = {};
  for (const input of inputs) {
    const one = pack(data[input.name]!, specificationOf(options, input), { lengths: lengthsOf(lengths, input), round });
    packed[input.name] = one;
    sizes[input.name] = { steps: one.steps, ragged: one.lengths !== null };
    feeds[`input/${input.name}`] = one.data;
    if (one.lengths) feeds[`lengths/${input.name}`] = one.lengths;
  }
  const [first, ...others] = inputs;
  const { rows } = packed[first!.name]!;
  const different = others.find(({ name }) => packed[name]!.rows !== rows);
  if (!different) checkJoined(options, packed);
  if (!different) return { signature: { rows, inputs: sizes }, packed, feeds };
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected the same rows in every input, received ${rows} in "${first!.name}" and ${packed[different.name]!.rows} in "${different.name}"`,
    { expected: rows, received: packed[different.name]!.rows });
}

function checkJoined({ owner, joined }: DoorOptions, packed: Readonly<Record<string, Packed>>): void {
  for (const { layer, inputs: [first, ...others] } of joined) {
    const one = packed[first!]!;
    for (const name of others) {
      const other = packed[name]!;
      for (let row = 0; row < one.rows; row++) {
        const [expected, received] = [one.lengths?.[row] ?? one.longest, other.lengths?.[row] ?? other.longest];
        if (expected === received) continue;
        throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected as many steps in row ${row} of "${name}" as of "${first!}", for the layer "${layer}" joins them step by step, `
          + `received ${received} and ${expected}; give both the same lengths`, { expected, received });
      }
    }
  }
}

function checkLengths({ owner, inputs }: DoorOptions, lengths: LengthsData | undefined): void {
  if (lengths === undefined) return;
  const timed = inputs.filter(({ time }) => time).map(({ name }) => name);
  if (timed.length === 0) throw new BpttError('ERR_BPTT_OPTION', `${owner}: lengths need an input over time, and the model has none; leave them out`, { received: lengths });
  if (typeof lengths !== 'object' || lengths === null) {
    throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected lengths as an array, one for each row, received ${describe(lengths)}`, { expected: 'array', received: lengths });
  }
  if (!Array.isArray(lengths) && !ArrayBuffer.isView(lengths)) checkOptions(`${owner}, lengths by input`, lengths, timed);
}

/** One text for everything that a program depends on. */
export function signatureKey({ rows, inputs }: Signature): string {
  return `${rows}|${Object.entries(inputs).map(([name, { steps, ragged }]) => `${name}:${steps}${ragged ? 'r' : ''}`).join('|')}`;
}

/** Whether two signatures of one model are one program's. */
export function isSameSignature(one: Signature, other: Signature): boolean {
  return one.rows === other.rows && Object.keys(one.inputs).every((name) => {
    const { steps, ragged } = one.inputs[name]!;
    return steps === other.inputs[name]!.steps && ragged === other.inputs[name]!.ragged;
  });
}
