import { add, expand, matmul, multiply, reshape, sum, tanh, type Value } from '../../graph/index.ts';
import { glorotUniform } from '../initializers/index.ts';
import type { Scope } from '../layer.ts';
import type { Memory } from './memory.ts';

/** Scores of a row's steps for a query, or for several: [N, Q] → [N, T], [N, S, Q] → [N, S, T]. */
export type Score = (query: Value) => Value;

export interface ScoreOptions {
  readonly scope: Scope;
  readonly memory: Memory;
  /** Q. */
  readonly querySize: number;
  /** A: units between query and score. */
  readonly units: number;
}

function weight(scope: Scope, name: string, shape: readonly number[]): Value {
  return scope.parameter(name, shape, { group: shape.length > 1 ? 'recurrent' : 'output', initializer: glorotUniform(), ...(shape.length > 1 ? { disk: { name, transpose: true } } : {}) });
}

/** vᵀ tanh(W q + U m): the memory's part of the sum is computed once for all queries. */
export function additiveScore({ scope, memory, querySize, units }: ScoreOptions): Score {
  const query = weight(scope, 'attention_query', [querySize, units]);
  const keys = matmul(memory.values, weight(scope, 'attention_memory', [memory.size, units]));
  const direction = weight(scope, 'attention_score', [units]);
  return (q) => {
    const several = q.shape.length === 3;
    const asked = expand(matmul(q, query), [-2]);
    return sum(multiply(tanh(add(several ? expand(keys, [1]) : keys, asked)), direction), [-1]);
  };
}

function products(query: Value, keys: Value): Value {
  const [rows, steps] = keys.shape as [number, number];
  if (query.shape.length === 3) return matmul(query, keys, { transposeB: true });
  return reshape(matmul(expand(query, [1]), keys, { transposeB: true }), [rows, steps]);
}

/** qᵀ m. */
export function dotScore({ memory }: ScoreOptions): Score {
  return (query) => products(query, memory.values);
}

/** qᵀ W m: W m is computed once for all queries. */
export function generalScore({ scope, memory, querySize }: ScoreOptions): Score {
  const keys = matmul(memory.values, weight(scope, 'attention_memory', [memory.size, querySize]));
  return (query) => products(query, keys);
}
