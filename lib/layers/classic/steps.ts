import { scan, type Shape, type Value } from '../../graph/index.ts';
import type { Scope, Signal } from '../layer.ts';
import { boundaryStep } from '../masking.ts';

/** A state of a recurrence: its shape [N, …] and what fresh rows begin with (zeros when absent). */
export interface StepState {
  readonly shape: Shape;
  readonly initial?: Value | undefined;
}

/** The recurrence of one layer: its states, and one step of it for all rows at once. */
export interface Steps {
  readonly states: Readonly<Record<string, StepState>>;
  /** Gets this step's input [N, C] and the states; gives the output [N, H] and the next states. */
  readonly step: (x: Value, states: Readonly<Record<string, Value>>) => { readonly output: Value; readonly next: Readonly<Record<string, Value>> };
}

/** Runs a recurrence over a signal [T, N, C] and carries its states on. @returns a signal [T, N, H], or [N, H] of every row's last step with `output` "last" */
export function runSteps(scope: Scope, signal: Signal, output: 'sequence' | 'last', { states, step }: Steps): Signal {
  const names = Object.keys(states);
  const initial = Object.fromEntries(names.map((name) => [name, scope.state(name, states[name]!.shape, states[name]!.initial)]));
  const after = (name: string): string => `${name}_sequence`;
  const { final, outputs } = scan<string, string, string>({
    initial,
    inputs: { x: signal.value },
    lengths: signal.lengths,
    step: (values) => {
      const { output: shown, next } = step(values['x']!, Object.fromEntries(names.map((name) => [name, values[name]!])));
      return { next, outputs: { output: shown, ...Object.fromEntries(names.map((name) => [after(name), next[name]!])) } };
    },
  });
  for (const name of names) scope.carry(name, { final: final[name]!, sequence: outputs[after(name)]! });
  const sequence: Signal = { value: outputs['output']!, time: true, lengths: signal.lengths };
  return output === 'sequence' ? sequence : { value: boundaryStep(sequence), time: false };
}
