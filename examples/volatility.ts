// The VIX, day after day: from the last N days foretell the same N days shifted by one. Is it better than saying "as today"?
// npx tsx examples/volatility.ts
import { adam, dense, huber, lstm, sequential, Trainer } from '../lib/index.ts';
import { batches, windows, type Examples } from '../lib/data/index.ts';
import { readTable } from './support/data.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 12, units: 24, learningRate: 2e-3, days: 60, seed: 1 };

/** Of errors of logarithms, in per cent of the index. */
function rootMeanSquare(errors: readonly number[]): number {
  return 100 * Math.sqrt(errors.reduce((sum, error) => sum + error * error, 0) / errors.length);
}

/** The last step of every window: [N, T, 1] → N numbers. */
function lastSteps({ data, shape }: { readonly data: ArrayLike<number>; readonly shape: readonly number[] }): number[] {
  const [count, steps] = shape as [number, number];
  return Array.from({ length: count }, (_, row) => data[(row + 1) * steps - 1]!);
}

/**
 * Learns on 1990 to 2014, looks at 2015 and later.
 * @returns errors of the next day's closing price in per cent: the network's, and that of saying that it closes as today; and the share of days whose direction is foretold.
 */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ error: number; persistence: number; directions: number; days: number }> {
  const { epochs, units, learningRate, days, seed, tell } = { ...defaults, ...options };
  const table = readTable('finance/vix-daily.csv');
  const close = table['CLOSE']!.map((price) => Math.log(Number(price)));
  const range = table['HIGH']!.map((price, i) => Math.log(Number(price) / Number(table['LOW']![i])));
  const unit = 0.07;
  const mean = Math.log(19);
  // What changed since yesterday, how high the index stands, how wide the day was; the first is also what is foretold, one day on.
  const series = close.map((level, i) => [(level - (close[i - 1] ?? level)) / unit, (level - mean) / 0.4, range[i]! / unit]);
  const border = table['DATE']!.findIndex((date) => date >= '2015');
  const shifted = (part: readonly (readonly number[])[], stride: number): Examples => windows(part, { length: days, target: 'shifted', targetFeatures: [0], stride });
  const test = shifted(series.slice(border - days), 1);

  const model = sequential([lstm({ units }), dense({ units: 1 })], { input: { features: 3 }, seed });
  const trainer = new Trainer(model, { loss: huber(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  const training = batches(shifted(series.slice(0, border), 7), { batch: 32, shuffle: true, seed });
  for await (const { kind, epoch, loss } of trainer.fit(training, { epochs })) {
    if (kind === 'epoch' && epoch % 4 === 0) tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  }
  const { output } = await model.predict(test.input);
  const foretold = lastSteps(output).map((change) => change * unit);
  const actual = lastSteps(test.target).map((change) => change * unit);
  const moved = actual.flatMap((change, i) => (change === 0 ? [] : [change > 0 === foretold[i]! > 0]));
  return {
    error: rootMeanSquare(actual.map((change, i) => change - foretold[i]!)), persistence: rootMeanSquare(actual),
    directions: moved.filter(Boolean).length / moved.length, days: actual.length,
  };
}

await start(import.meta.url, defaults, run);
