import { wrongType } from '../checks.ts';
import { BpttError, formatShape } from '../errors.ts';
import { elementCount, sameShape } from '../graph/index.ts';
import type { Shape, Variable } from '../graph/index.ts';
import type { ParameterGroup, ParameterOptions } from '../layers/layer.ts';
import { uniformSource } from '../random.ts';
import type { FloatArray } from '../data/tensor.ts';
import type { VariableStore } from '../runtime/runtime.ts';

/** A weight of a model. */
export interface Parameter {
  /** Path of its layer and its name there: "lstm/weight_ih_l0". */
  readonly name: string;
  /** What it is called on disk: "lstm.weight_ih_l0". */
  readonly diskName: string;
  /** Whether it lies on disk in PyTorch's order: the last axis first, then the one before it, then the others. */
  readonly diskTransposed: boolean;
  readonly group: ParameterGroup;
  readonly shape: Shape;
  readonly count: number;
  readonly variable: Variable;
  /** The live memory, row-major. Write through `model.setParameter`. */
  readonly view: FloatArray;
}

/** A parameter before there is memory for it. */
export interface DeclaredParameter {
  readonly variable: Variable;
  readonly options: ParameterOptions;
  /** The layer of the model that it belongs to. */
  readonly layer: string;
  /** Path of the layer within the model, "/" between parts. */
  readonly path: string;
}

/** The weights that layers have asked for. The first build declares them; later builds must ask for the same ones. */
export class ParameterTable {
  readonly declared = new Map<string, DeclaredParameter>();
  #closed = false;

  /** After this, a new name is an error. */
  close(): void {
    this.#closed = true;
  }

  /** @throws ERR_BPTT_SHAPE when a weight's shape depends on the batch or the number of steps. */
  request(path: string, name: string, shape: Shape, options: ParameterOptions): DeclaredParameter {
    const full = `${path}/${name}`;
    const known = this.declared.get(full);
    if (known && sameShape(known.variable.shape, shape)) return known;
    if (known || this.#closed) {
      throw new BpttError('ERR_BPTT_SHAPE', `${path}: expected the parameter "${name}" to keep the shape ${known ? formatShape(known.variable.shape) : '(it was not there before)'}`
        + ` whatever the batch and the steps, received ${formatShape(shape)}`, { expected: known?.variable.shape, received: shape });
    }
    const made: DeclaredParameter = { variable: { name: full, shape: Object.freeze([...shape]), type: 'float32' }, options, layer: path.split('/')[0]!, path };
    this.declared.set(full, made);
    return made;
  }
}

/** The parameters with their memory, in order of declaration. @throws ERR_BPTT_OPTION when two have one name on disk. */
export function bindParameters(table: ParameterTable, store: VariableStore): Parameter[] {
  const diskNames = new Set<string>();
  return [...table.declared.values()].map(({ variable, options, path }) => {
    const own = variable.name.slice(path.length + 1);
    const diskName = `${path.replaceAll('/', '.')}.${options.disk?.name ?? own}`;
    if (diskNames.has(diskName)) throw new BpttError('ERR_BPTT_OPTION', `model: two parameters would be called "${diskName}" on disk; give the layers names that stay apart when / becomes .`, { received: diskName });
    diskNames.add(diskName);
    return Object.freeze({
      name: variable.name, diskName, diskTransposed: options.disk?.transpose ?? false, group: options.group, shape: variable.shape,
      count: elementCount(variable.shape), variable, view: store.view(variable) as FloatArray,
    });
  });
}

/**
 * Fills new parameters: each gate's block by its own initializer, from the seed and its own name, so that no parameter depends on another one's presence.
 * @throws ERR_BPTT_TYPE, ERR_BPTT_SHAPE or ERR_BPTT_RANGE for an initializer that gives something else than finite numbers of the block's shape.
 */
export function initialise(table: ParameterTable, store: VariableStore, seed: number): void {
  for (const { variable, options, path } of table.declared.values()) {
    const source = options.randomOf === undefined ? variable.name : `${path}/${options.randomOf}`;
    const view = store.view(variable) as FloatArray;
    const width = variable.shape.at(-1) ?? 1;
    const outer = variable.shape.slice(0, -1);
    let column = 0;
    for (const gate of options.gates ?? [{ name: '', size: width }]) {
      const shape = variable.shape.length === 0 ? [] : [...outer, gate.size];
      const random = uniformSource(seed, gate.name === '' ? source : `${source}/${gate.name}`);
      const block = (gate.initializer ?? options.initializer).fill({ shape, ...fans(shape) }, random);
      checkBlock(gate.name === '' ? variable.name : `${variable.name}, gate "${gate.name}"`, block, shape);
      copyBlock(block, view, { column, size: gate.size, width });
      column += gate.size;
    }
  }
  store.touch();
}

/** @throws ERR_BPTT_TYPE, ERR_BPTT_SHAPE or ERR_BPTT_RANGE unless the initializer gave so many numbers that float32 can hold. */
function checkBlock(owner: string, block: unknown, shape: Shape): void {
  if (!(block instanceof Float64Array)) throw wrongType(owner, 'what its initializer gives', 'a Float64Array', block);
  if (block.length !== elementCount(shape)) {
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected its initializer to give ${formatShape(shape)}, received ${block.length} numbers`, { expected: shape, received: block.length });
  }
  for (const number of block) {
    if (Number.isFinite(Math.fround(number))) continue;
    throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected its initializer to give finite numbers of float32, within ±3.4e38, received ${number}; choose a smaller value, gain or range`,
      { expected: 'finite float32', received: number });
  }
}

/** Inputs and outputs of one unit: the last axis is the outputs, the one before it the inputs, the ones before that a receptive field. */
function fans(shape: Shape): { fanIn: number; fanOut: number } {
  if (shape.length < 2) return { fanIn: shape[0] ?? 1, fanOut: shape[0] ?? 1 };
  const field = elementCount(shape.slice(0, -2));
  return { fanIn: shape.at(-2)! * field, fanOut: shape.at(-1)! * field };
}

function copyBlock(block: Float64Array, view: FloatArray, { column, size, width }: { column: number; size: number; width: number }): void {
  const rows = size === 0 ? 0 : block.length / size;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < size; i++) view[row * width + column + i] = Math.fround(block[row * size + i]!);
  }
}
