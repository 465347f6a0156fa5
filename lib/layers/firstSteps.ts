import { cast, constant, equal, expand, greater, iota, maskSteps, maximum, multiply, broadcast, subtract, type Value } from '../graph/index.ts';
import type { Scope, Signal } from './layer.ts';

/**
 * 1 where a row has its first step and has had none in earlier runs, else 0: [T, N, 1]. Whether it has had one is a state, [N, 1], of this name.
 * @param reverse whether the last valid step is the first one
 */
export function firstSteps(scope: Scope, state: string, { value, lengths }: Signal, reverse = false): Value {
  const [steps, rows] = value.shape as [number, number];
  const started = scope.state(state, [rows, 1]);
  const ones = constant(1, [steps, rows, 1]);
  scope.carry(state, {
    final: lengths ? maximum(started, expand(cast(greater(lengths, 0), 'float32'), [1])) : constant(1, [rows, 1]),
    sequence: lengths ? maskSteps(ones, lengths) : ones,
  });
  const first = reverse ? subtract(lengths ?? constant(steps, [rows], 'int32'), 1) : constant(0, [rows], 'int32');
  const isFirst = cast(equal(expand(iota(steps), [1]), first), 'float32');
  return multiply(expand(isFirst, [2]), broadcast(subtract(1, started), [steps, rows, 1]));
}
