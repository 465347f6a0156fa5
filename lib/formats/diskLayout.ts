import { BpttError, formatShape, nearest } from '../errors.ts';
import type { StoredTensor, TensorFile } from './safetensors.ts';

/** What the file needs to know of a weight. */
export interface DiskParameter {
  readonly diskName: string;
  /** Whether it lies on disk in PyTorch's order: the last axis first, then the one before it, then the others (a matrix with its axes exchanged). */
  readonly diskTransposed: boolean;
  readonly shape: readonly number[];
  /** Blocks side by side on the last axis, if it has any. */
  readonly gates?: readonly { readonly name: string; readonly size: number }[] | undefined;
  readonly view: Float32Array | Float64Array;
}

/**
 * A bias that a recurrence keeps for fewer gates than PyTorch writes (one bias per gate instead of two): on disk it is padded with zeros to the gates
 * of weight_hh; on the way back, what stands in the padding is added to bias_ih.
 */
interface PaddedBias {
  readonly diskName: string;
  readonly size: number;
  readonly blocks: readonly { readonly offset: number; readonly size: number; readonly owner: DiskParameter | undefined; readonly ownerOffset: number; readonly isOwn: boolean }[];
}

const biasName = /^(.*)\bweight_hh(_l\d+(?:_reverse)?)$/;

function gateOffset(parameter: DiskParameter | undefined, gate: string): number | undefined {
  let offset = 0;
  for (const { name, size } of parameter?.gates ?? []) {
    if (name === gate) return offset;
    offset += size;
  }
  return undefined;
}

/** The padded biases of all recurrences: one for each weight_hh whose gates all have a bias somewhere, but not all in bias_hh. */
function paddedBiases(parameters: readonly DiskParameter[]): PaddedBias[] {
  const byName = new Map(parameters.map((parameter) => [parameter.diskName, parameter]));
  return parameters.flatMap((weight): PaddedBias[] => {
    const match = biasName.exec(weight.diskName);
    const input = match ? byName.get(`${match[1]!}bias_ih${match[2]!}`) : undefined;
    if (!match || !weight.gates || !input?.gates) return [];
    const diskName = `${match[1]!}bias_hh${match[2]!}`;
    const own = byName.get(diskName);
    let offset = 0;
    const blocks = weight.gates.map(({ name, size }) => {
      const ownOffset = gateOffset(own, name);
      const owner = ownOffset === undefined ? input : own;
      const block = { offset, size, owner: gateOffset(owner, name) === undefined ? undefined : owner, ownerOffset: gateOffset(owner, name) ?? 0, isOwn: ownOffset !== undefined };
      offset += size;
      return block;
    });
    return blocks.every(({ isOwn }) => isOwn) ? [] : [{ diskName, size: offset, blocks }];
  });
}

/** [places, inputs, outputs] to [outputs, inputs, places]: of a matrix there is one place. */
function reordered(source: ArrayLike<number>, [places, inputs, outputs]: readonly [number, number, number]): Float32Array {
  const result = new Float32Array(places * inputs * outputs);
  for (let place = 0; place < places; place++) {
    for (let row = 0; row < inputs; row++) {
      const from = (place * inputs + row) * outputs;
      for (let column = 0; column < outputs; column++) result[(column * inputs + row) * places + place] = source[from + column]!;
    }
  }
  return result;
}

function sizesOf({ shape }: DiskParameter): [number, number, number] {
  return [shape.slice(0, -2).reduce((product, size) => product * size, 1), shape.at(-2) ?? 1, shape.at(-1) ?? 1];
}

function inDiskOrder(parameter: DiskParameter): Float32Array {
  return parameter.diskTransposed ? reordered(parameter.view, sizesOf(parameter)) : Float32Array.from(parameter.view);
}

function inMemoryOrder(parameter: DiskParameter, data: Float32Array): Float32Array {
  const [places, inputs, outputs] = sizesOf(parameter);
  return parameter.diskTransposed ? reordered(data, [outputs, inputs, places]) : data;
}

function diskShape({ shape, diskTransposed }: DiskParameter): readonly number[] {
  return diskTransposed ? [shape.at(-1)!, shape.at(-2)!, ...shape.slice(0, -2)] : shape;
}

/** The tensors of a weights file, float32, under their names on disk. */
export function toDisk(parameters: readonly DiskParameter[]): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const parameter of parameters) {
    tensors.set(parameter.diskName, { shape: diskShape(parameter), data: inDiskOrder(parameter) });
  }
  for (const { diskName, size, blocks } of paddedBiases(parameters)) {
    const data = new Float32Array(size);
    for (const { offset, size: length, owner, ownerOffset, isOwn } of blocks) {
      if (isOwn) data.set(owner!.view.subarray(ownerOffset, ownerOffset + length), offset);
    }
    tensors.set(diskName, { shape: [size], data });
  }
  return tensors;
}

function checkNames(source: string, expected: readonly string[], found: readonly string[]): void {
  const missing = expected.find((name) => !found.includes(name));
  const extra = found.find((name) => !expected.includes(name));
  const problem = missing === undefined ? extra : missing;
  if (problem === undefined) return;
  const hint = nearest(problem, missing === undefined ? expected : found.filter((name) => !expected.includes(name)));
  const words = missing === undefined ? `holds "${problem}", which the model does not have` : `expected a tensor "${problem}", found none`;
  throw new BpttError('ERR_BPTT_FORMAT', `${source}: ${words}${hint ? ` (near: "${hint}")` : ''}; weights and model.json must be of one model`,
    { expected, received: found });
}

function float32Of(source: string, name: string, tensor: StoredTensor, shape: readonly number[]): Float32Array {
  if (!(tensor.data instanceof Float32Array)) {
    throw new BpttError('ERR_BPTT_FORMAT', `${source}: tensor "${name}": expected float32, received ${tensor.data.constructor.name}; convert the weights to float32`,
      { expected: 'F32', received: tensor.data.constructor.name });
  }
  if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
    throw new BpttError('ERR_BPTT_FORMAT', `${source}: tensor "${name}": expected shape ${formatShape(shape)}, received ${formatShape(tensor.shape)}; weights and model.json must be of one model`,
      { expected: shape, received: tensor.shape });
  }
  const wrong = tensor.data.find((weight) => !Number.isFinite(weight));
  if (wrong === undefined) return tensor.data;
  throw new BpttError('ERR_BPTT_FORMAT', `${source}: tensor "${name}": expected finite numbers, received ${wrong}; the file is damaged: write it again or restore it`,
    { expected: 'finite', received: wrong });
}

/** A padded bias's numbers go to bias_hh where it has the gate, else onto bias_ih. */
function addPadding(source: string, bias: PaddedBias, data: Float32Array, numbers: ReadonlyMap<DiskParameter, Float32Array>): void {
  for (const { offset, size, owner, ownerOffset, isOwn } of bias.blocks) {
    const target = owner ? numbers.get(owner) : undefined;
    for (let i = 0; i < size; i++) {
      const value = data[offset + i]!;
      if (target) target[ownerOffset + i] = isOwn ? value : target[ownerOffset + i]! + value;
      else if (value !== 0) throw new BpttError('ERR_BPTT_FORMAT', `${source}: tensor "${bias.diskName}" has a bias at ${offset + i}, where this cell has none; add it to the layer's other bias, or set it to 0`, { expected: 0, received: value });
    }
  }
}

/**
 * The numbers of every parameter, as they lie in memory.
 * @throws ERR_BPTT_FORMAT when a tensor is missing, left over, or of another type or shape.
 */
export function fromDisk<P extends DiskParameter>(file: TensorFile, parameters: readonly P[], source: string): Map<P, Float32Array> {
  const padded = paddedBiases(parameters);
  const paddedNames = new Set(padded.map(({ diskName }) => diskName));
  const plain = parameters.filter(({ diskName }) => !paddedNames.has(diskName));
  checkNames(source, [...plain.map(({ diskName }) => diskName), ...paddedNames], [...file.tensors.keys()]);
  const numbers = new Map<P, Float32Array>();
  for (const parameter of parameters) numbers.set(parameter, new Float32Array(parameter.shape.reduce((product, size) => product * size, 1)));
  for (const parameter of plain) {
    const data = float32Of(source, parameter.diskName, file.tensors.get(parameter.diskName)!, diskShape(parameter));
    numbers.set(parameter, inMemoryOrder(parameter, data));
  }
  for (const bias of padded) {
    addPadding(source, bias, float32Of(source, bias.diskName, file.tensors.get(bias.diskName)!, [bias.size]), numbers);
  }
  return numbers;
}
