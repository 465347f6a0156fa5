import { relu, sigmoid, tanh, type Value } from '../graph/index.ts';

/** The activations that a recurrence may choose from; the first is the default. */
export const cellActivations = ['tanh', 'relu', 'sigmoid', 'linear'] as const;
export type CellActivation = (typeof cellActivations)[number];

const functions: Readonly<Record<CellActivation, (x: Value) => Value>> = { tanh, relu, sigmoid, linear: (x) => x };

export function activate(name: CellActivation, x: Value): Value {
  return functions[name](x);
}
