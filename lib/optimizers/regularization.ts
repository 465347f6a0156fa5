import { checkOptions } from '../errors.ts';
import { add, multiply, type Value } from '../graph/index.ts';
import type { ParameterGroup } from '../layers/layer.ts';
import { requirePositive } from './optimizer.ts';

/** λ by group of parameters; groups left out are left alone. */
export type L2Options = { readonly [Group in ParameterGroup]?: number | undefined };

const groups: readonly ParameterGroup[] = ['input', 'recurrent', 'output', 'bias', 'embedding', 'state'];

/** @throws ERR_BPTT_OPTION for unknown groups, ERR_BPTT_RANGE for numbers below 0. */
export function checkL2(options: L2Options): void {
  checkOptions('l2', options, groups);
  for (const [group, strength] of Object.entries(options)) if (strength !== undefined) requirePositive('l2', group, strength);
}

/**
 * A parameter's gradient with that of its penalty ½ λ ‖w‖²: g + λ w. It comes before clipping, so that a clipped gradient is that of loss and penalty
 * together. Under plain gradient descent this equals weight decay; under Adam it does not: see `adamw`.
 */
export function regularizedGradient(parameter: Value, gradient: Value, group: ParameterGroup, options: L2Options): Value {
  const strength = options[group] ?? 0;
  return strength === 0 ? gradient : add(gradient, multiply(parameter, strength));
}
