import { input } from '../graph/index.ts';
import { buildModel } from '../model/builder.ts';
import type { Model, StateDescription } from '../model/index.ts';

/** The states that a model has while it is trained: beside those of `model.states`, what layers such as scheduled sampling remember from step to step in training alone. */
export function trainingStates({ core: { wiring, table }, inputs }: Model): StateDescription[] {
  const signature = { rows: 1, inputs: Object.fromEntries(inputs.map(({ name, time }) => [name, { steps: time ? 2 : 1, ragged: false }])) };
  const { states } = buildModel(wiring, table, signature, { training: true, updates: input('updates', [], 'float32') });
  return [...states].map(([name, { start }]) => ({ name, sizes: start.shape.slice(1) }));
}
