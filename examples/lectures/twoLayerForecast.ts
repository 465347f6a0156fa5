// The lecture notes' PyTorch model: nn.LSTM(1, 100, 2, batch_first=True) and nn.Linear(100, 1), which foretells the next point of a sine wave. A dense layer acts on every step, so
// nothing is reshaped to (batch · steps, hidden) and back.
// npx tsx examples/lectures/twoLayerForecast.ts
import { adam, dense, lstm, sequential, squaredError, Trainer } from '../../lib/index.ts';
import { batches, windows } from '../../lib/data/index.ts';
import { parameterCounts } from '../support/parameterCounts.ts';
import { start, type Telling } from '../support/start.ts';

export const defaults = { epochs: 15, units: 100, learningRate: 5e-3, seed: 1 };

export interface Figures {
  readonly parameters: Readonly<Record<string, number>>;
  /** (batch, steps, hidden) of the LSTM and (batch, steps, out) of the model. */
  readonly shapes: { readonly hidden: readonly number[]; readonly output: readonly number[] };
  /** Root mean squared errors of the next point, on a part of the wave that was not learned: of the model, and of saying that it will be as it is. */
  readonly nextPoint: number;
  readonly persistence: number;
}

/** @returns parameters, shapes and errors; the wave's own deviation is 0.707. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<Figures> {
  const { epochs, units, learningRate, seed, tell } = { ...defaults, ...options };
  const wave = Float32Array.from({ length: 500 }, (_, i) => Math.sin((2 * Math.PI * i) / 23));
  const recurrence = lstm({ units, layers: 2, bias: 'double' });
  const model = sequential([recurrence, dense({ units: 1 })], { input: { features: 1 }, seed });
  tell?.(model.summary());
  const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  await trainer.fit(batches(windows(wave.subarray(0, 400), { length: 46, target: 'shifted', stride: 23 }), { batch: 8, shuffle: true, seed }), { epochs });
  const rows = [Array.from(wave.subarray(400, 499), (value) => [value])];
  const { output } = await model.predict(rows);
  const hidden = (await sequential([recurrence], { input: { features: 1 }, seed }).predict(rows)).output.shape;
  const judged = Array.from({ length: 76 }, (_, i) => i + 23);
  const rootMean = (error: (t: number) => number): number => Math.sqrt(judged.reduce((sum, t) => sum + error(t) ** 2, 0) / judged.length);
  return {
    parameters: parameterCounts(model), shapes: { hidden, output: output.shape },
    nextPoint: rootMean((t) => output.data[t]! - wave[401 + t]!), persistence: rootMean((t) => wave[400 + t]! - wave[401 + t]!),
  };
}

await start(import.meta.url, { ...defaults }, async (options) => ({ ...await run(options) }));
