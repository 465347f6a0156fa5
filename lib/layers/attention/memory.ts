import { BpttError } from '../../errors.ts';
import { expand, iota, less, matmul, reshape, select, softmax, transpose, type Value } from '../../graph/index.ts';
import { featureInput, signalError } from '../define.ts';
import type { Scope, Signal } from '../layer.ts';

/** What an attention looks at: a sequence, row by row. */
export interface Memory {
  /** [N, T, M], zeros beyond each row's end. */
  readonly values: Value;
  /** M. */
  readonly size: number;
  /** bool [N, T]: which steps there are; undefined where every row has all of them. */
  readonly present: Value | undefined;
}

/** The second input of an attention as memory. @throws ERR_BPTT_GRAPH when there is none, ERR_BPTT_SHAPE for one without time, ERR_BPTT_TYPE for tokens. */
export function readMemory(scope: Scope, label: string, memory: Signal | undefined): Memory {
  if (!memory) throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected two inputs, the sequence it runs over and the one it looks at, received one`, { expected: 2, received: 1 });
  if (!memory.time) throw signalError(`${label}: what it looks at`, ['N', 'T', 'features'], memory, 'let the encoder give its sequence, not its last step');
  const { value, lengths } = featureInput(`${label}: what it looks at`, [memory]);
  scope.readsAhead(value, 'whole');
  const [steps, , size] = value.shape as [number, number, number];
  const present = lengths && less(reshape(iota(steps), [1, steps]), reshape(lengths, [-1, 1]));
  return { values: transpose(value, [1, 0, 2]), size, present };
}

/** Shares of a row's steps, [N, T] or [N, S, T], that sum to 1; steps beyond its end have none. */
export function alignmentOf(scores: Value, { present }: Memory): Value {
  if (!present) return softmax(scores);
  return softmax(select(scores.shape.length === 3 ? expand(present, [1]) : present, scores, -1e30));
}

/** The mean of the memory's steps by their shares: [N, T] → [N, M], [N, S, T] → [N, S, M]. */
export function contextOf(alignment: Value, { values, size }: Memory): Value {
  if (alignment.shape.length === 3) return matmul(alignment, values);
  return reshape(matmul(expand(alignment, [1]), values), [alignment.shape[0]!, size]);
}
