import { BpttError } from '../errors.ts';
import type { Variable } from '../graph/index.ts';
import type { Model, StateDescription } from '../model/index.ts';
import type { VariableStore } from '../runtime/runtime.ts';

/** The states that rows take from one run to the next, for one number of rows. */
export interface CarriedStates {
  readonly rows: number;
  /** By path. */
  readonly variables: ReadonlyMap<string, Variable>;
  readonly store: VariableStore;
}

/** Carried states for every number of rows that has come up. */
export class CarriedPool {
  readonly states: readonly StateDescription[];
  readonly #owner: string;
  readonly #model: Model;
  readonly #byRows = new Map<number, CarriedStates>();
  #current: CarriedStates | null = null;

  constructor(owner: string, model: Model, states: readonly StateDescription[]) {
    this.#owner = owner;
    this.#model = model;
    this.states = states;
  }

  /** Those that the next batch would go on with; null when every row would begin anew. */
  get current(): CarriedStates | null {
    return this.#current;
  }

  /** The memory for so many rows, whatever is in it. */
  forRows(rows: number): CarriedStates {
    let states = this.#byRows.get(rows);
    if (!states) {
      const variables = new Map(this.states.map(({ name, sizes }) => [name, { name: `carried/${name}`, shape: [rows, ...sizes], type: 'float32' } as const]));
      states = { rows, variables, store: this.#model.runtime.store([...variables.values()]) };
      this.#byRows.set(rows, states);
    }
    return states;
  }

  /**
   * Which rows of the next batch are fresh.
   * @throws ERR_BPTT_STATE when rows are to go on but the batch has another number of rows than the one before.
   */
  freshRows(rows: number, fresh: Uint8Array | null): Uint8Array {
    const last = this.#current;
    if (last && !fresh?.every((flag) => flag === 1)) this.requireForward();
    if (last?.rows === rows) return fresh ?? new Uint8Array(rows);
    const goOn = last && !(fresh?.every((flag) => flag === 1) ?? false);
    if (!goOn) return new Uint8Array(rows).fill(1);
    throw new BpttError('ERR_BPTT_STATE', `${this.#owner}: expected ${last.rows} rows, which go on with the states of the batch before, received ${rows}; keep the batch size, `
      + `or say that all rows are fresh`, { expected: last.rows, received: rows });
  }

  /** @throws ERR_BPTT_OPTION for a model with a layer that reads steps ahead: what it knows at the beginning of one part is no start for the end of the next. */
  requireForward(): void {
    const { readsAhead } = this.#model.core;
    if (readsAhead === undefined) return;
    throw new BpttError('ERR_BPTT_OPTION', `${this.#owner}: states cannot go on from one part of a sequence to the next, for the layer "${readsAhead}" reads steps ahead; `
      + `set carryState: false, leave truncation out, or choose direction "forward" and padding "causal"`, { expected: 'forward', received: readsAhead });
  }

  /** Says which states are there to go on with. */
  keep(states: CarriedStates | null): void {
    this.#current = states;
  }
}
