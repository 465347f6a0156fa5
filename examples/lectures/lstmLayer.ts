// The lecture notes' one line of Keras, tf.keras.layers.LSTM(num_units): a layer that gives its last output, with one bias per gate, and 1 where the forget gate's begins.
// npx tsx examples/lectures/lstmLayer.ts
import { lstm, sequential } from '../../lib/index.ts';
import { parameterCounts } from '../support/parameterCounts.ts';
import { start, type Telling } from '../support/start.ts';

export const defaults = { units: 32, features: 8, rows: 3, steps: 5, seed: 1 };

export interface Figures {
  readonly parameters: number;
  /** 4 (n² + n m + n) for n units over m features. */
  readonly expected: number;
  /** Of the output that Keras gives unless told otherwise, and of the one with return_sequences=True. */
  readonly shapes: { readonly last: readonly number[]; readonly sequence: readonly number[] };
  /** Where the biases of i, f, g and o begin. */
  readonly biases: readonly number[];
}

/** @returns the parameters beside the formula, both shapes of output, and the biases at the beginning. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<Figures> {
  const { units, features, rows, steps, seed, tell } = { ...defaults, ...options };
  const model = sequential([lstm({ units, output: 'last' })], { input: { features }, seed });
  tell?.(model.summary());
  const data = Array.from({ length: rows }, (_, row) => Array.from({ length: steps }, (__, step) => Array.from({ length: features }, (___, i) => Math.sin(row + step * i))));
  const { output: sequence } = await sequential([lstm({ units })], { input: { features }, seed }).predict(data);
  const bias = model.parameter('lstm/bias_ih_l0').view;
  return {
    parameters: parameterCounts(model)['lstm']!, expected: 4 * (units * units + units * features + units),
    shapes: { last: (await model.predict(data)).output.shape, sequence: sequence.shape },
    biases: [0, 1, 2, 3].map((gate) => bias[gate * units]!),
  };
}

await start(import.meta.url, { ...defaults }, async (options) => ({ ...await run(options) }));
