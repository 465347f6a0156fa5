import { BpttError, checkOptions, describe, formatShape, nearest } from '../errors.ts';
import { isNumberArray } from '../data/tensor.ts';
import type { Tensor } from '../data/tensor.ts';
import { elementCount } from '../graph/index.ts';
import type { Variable } from '../graph/index.ts';
import type { VariableStore } from '../runtime/runtime.ts';
import type { CarriedPool, CarriedStates } from './carry.ts';

/** What a trainer holds beside the model's weights. */
export interface TrainerState {
  readonly epochs: number;
  /** "step" (updates made, int32), "<slot>/<parameter>", and "carried/<state>" where states are carried. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

function copies(store: VariableStore): [string, Tensor][] {
  return store.variables.map((variable) => [variable.name, { data: store.view(variable).slice(), shape: variable.shape }]);
}

export function saveState(store: VariableStore, carried: CarriedStates | null, epochs: number): TrainerState {
  return { epochs, tensors: Object.fromEntries([...copies(store), ...(carried ? copies(carried.store) : [])]) };
}

function stateError(message: string, expected: unknown, received: unknown): BpttError {
  return new BpttError('ERR_BPTT_STATE', `restore: ${message}; the state must be of a trainer with the same optimizer and a model with the same parameters`, { expected, received });
}

function checkTensor(variable: Variable, tensor: Tensor | undefined): void {
  if (!tensor) throw stateError(`expected "${variable.name}", received none`, variable.name, undefined);
  const fits = tensor.shape?.length === variable.shape.length && tensor.shape.every((size, i) => size === variable.shape[i]) && tensor.data?.length === elementCount(variable.shape);
  if (fits && !isNumberArray(tensor.data)) throw stateError(`expected "${variable.name}" as a typed array of numbers, received ${describe(tensor.data)}`, 'typed array', tensor.data);
  if (!fits) throw stateError(`expected "${variable.name}" of shape ${formatShape(variable.shape)}, received ${formatShape(tensor.shape ?? [])}`, variable.shape, tensor.shape);
}

/** The carried states that `tensors` holds, in memory for as many rows; null when it holds none. */
function carriedIn(tensors: TrainerState['tensors'], pool: CarriedPool): CarriedStates | null {
  const first = Object.entries(tensors).find(([name]) => name.startsWith('carried/'));
  if (!first) return null;
  const rows = (first[1] as Tensor | null)?.shape?.[0];
  if (rows === undefined || !Number.isInteger(rows) || rows < 1) throw stateError(`expected "${first[0]}" to have rows`, 'rows', first[1]);
  return pool.forRows(rows);
}

/**
 * Writes a state into a trainer's memory, after checking all of it.
 * @throws ERR_BPTT_STATE for names or shapes that do not fit.
 */
export function restoreState(state: TrainerState, store: VariableStore, pool: CarriedPool): { epochs: number; carried: CarriedStates | null } {
  checkOptions('restore', state, ['epochs', 'tensors']);
  const { epochs, tensors } = state;
  if (!Number.isSafeInteger(epochs) || epochs < 0 || typeof tensors !== 'object' || tensors === null) throw stateError('expected { epochs, tensors }', '{ epochs, tensors }', state);
  const carried = carriedIn(tensors, pool);
  const stores = carried ? [store, carried.store] : [store];
  const variables = stores.flatMap((one) => one.variables);
  for (const variable of variables) checkTensor(variable, tensors[variable.name]);
  const known = variables.map(({ name }) => name);
  const extra = Object.keys(tensors).find((name) => !known.includes(name));
  if (extra !== undefined) throw stateError(`nothing here is called "${extra}"${nearest(extra, known) ? ` (near: "${nearest(extra, known)!}")` : ''}`, known, extra);
  if (!(tensors['step']!.data[0]! >= 0)) throw stateError('expected "step" of 0 or more', '0 or more', tensors['step']!.data[0]);
  for (const one of stores) {
    for (const variable of one.variables) one.view(variable).set(tensors[variable.name]!.data);
    one.touch();
  }
  return { epochs, carried };
}
