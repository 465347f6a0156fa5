import { add, matmul, multiply, sigmoid, subtract, type Value } from '../graph/index.ts';
import { featureCount } from './define.ts';
import { constantValue, glorotUniform } from './initializers/index.ts';
import type { Scope, Signal } from './layer.ts';

/** g ⊙ f(x) + (1 − g) ⊙ x with g = σ(x W + b), for values of one shape [..., C]; weights under `name` in the scope. */
export function gatedSum(scope: Scope, past: Signal, transformed: Value, { gateBias, name = 'gate' }: { gateBias: number; name?: string }): Value {
  const size = featureCount(past);
  const weight = scope.parameter(`${name}_weight`, [size, size], { group: 'input', initializer: glorotUniform(), disk: { name: `${name}_weight`, transpose: true } });
  const bias = scope.parameter(`${name}_bias`, [size], { group: 'bias', initializer: constantValue({ value: gateBias }) });
  const gate = sigmoid(add(matmul(past.value, weight), bias));
  return add(multiply(gate, transformed), multiply(subtract(1, gate), past.value));
}
