import type { Allowance, Numbers } from '../support/tensors.ts';

export type Direction = 'forward' | 'backward' | 'bidirectional';

/** Elementwise functions that peers use inside their cells. */
export interface Activation {
  readonly name: string;
  readonly alpha?: number | undefined;
  readonly beta?: number | undefined;
}

/** The recurrence of a stage: one that the package has, or equations that the tests write with `cell()`. */
export type Recurrence =
  | { readonly kind: 'rnn'; readonly activation: 'tanh' | 'relu' | 'sigmoid' | 'linear' }
  | { readonly kind: 'lstm' }
  | { readonly kind: 'gru'; readonly reset: 'before' | 'after' }
  | { readonly kind: 'general lstm'; readonly activations: readonly [Activation, Activation, Activation]; readonly peephole: boolean; readonly inputForget: boolean; readonly clip: number | undefined }
  | { readonly kind: 'general gru'; readonly activations: readonly [Activation, Activation]; readonly reset: 'before' | 'after' }
  | { readonly kind: 'sums'; readonly states: 1 | 2 }
  | { readonly kind: 'dense' };

/** One layer in this package's terms. */
export interface Stage {
  readonly recurrence: Recurrence;
  readonly units: number;
  readonly direction: Direction;
  readonly merge: 'concat' | 'sum' | 'average' | 'product';
  readonly bias: 'single' | 'double' | false;
  readonly output: 'sequence' | 'last';
  /** By their names on disk: weights [gates·units, inputs], biases [gates·units]. */
  readonly weights: Readonly<Record<string, Numbers>>;
  /** Given initial states [directions, N, units] by name, or zero. */
  readonly state: Readonly<Record<string, Numbers>> | undefined;
}

/** What a stage gives: its output, batch first, and its final states, [directions, N, units]. */
export interface StageResult {
  readonly output: Numbers;
  readonly final: Readonly<Record<string, Numbers>>;
}

/** A peer's case, ready to run: stages feed each other; `runs` counts runs over the same input with the states carried. */
export interface PeerCase {
  readonly name: string;
  readonly input: Numbers;
  readonly lengths: readonly number[] | undefined;
  readonly stages: readonly Stage[];
  readonly runs: number;
  /** The stages all read the input instead of each other's output. */
  readonly sideBySide?: boolean | undefined;
  readonly checks: readonly Check[];
  /** As the peer's own tests have it, or as near as the peer's numbers are to exact arithmetic. */
  readonly tolerance: Allowance;
}

export interface Check {
  readonly what: string;
  readonly expected: Numbers;
  /** Brings what the stages gave into the expected layout. */
  readonly actual: (results: readonly StageResult[]) => Numbers;
}

/** A case that is not run, and why. */
export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

export type Converted = PeerCase | LeftOut;

export function isLeftOut(converted: Converted): converted is LeftOut {
  return 'reason' in converted;
}

/** Rows `order` of each gate's block: [gates·units, …] with its blocks in another order. */
export function reorderGates(source: Numbers, gates: number, order: readonly number[]): Numbers {
  const block = source.data.length / gates;
  const data = new Float64Array(block * order.length);
  order.forEach((from, to) => data.set(source.data.subarray(from * block, (from + 1) * block), to * block));
  return { shape: [source.shape[0]! / gates * order.length, ...source.shape.slice(1)], data };
}
