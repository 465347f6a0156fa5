// How much fine dust will there be in an hour? Five years of hourly measurements and weather in Beijing, with gaps where nothing was measured.
// npx tsx examples/airQuality.ts
import { adam, dense, gru, sequential, squaredError, stepDecay, Trainer } from '../lib/index.ts';
import { scaler, type Batch } from '../lib/data/index.ts';
import { readTable } from './support/data.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 24, units: 32, learningRate: 5e-3, hours: 168, seed: 1 };

const hoursOfTraining = (4 * 365 + 1) * 24;

interface Hours {
  /** What is known at each hour, [L][C], not scaled. */
  readonly features: number[][];
  /** Dust in µg/m³, NaN where it was not measured. */
  readonly dust: number[];
}

function readHours(): Hours {
  const table = readTable('beijing_pm25/pollution.csv.gz');
  const column = (name: string): number[] => table[name]!.map(Number);
  const dust = column('pm2.5');
  const [hour, month, wind, snow, rain, dew, temperature, pressure] = ['hour', 'month', 'Iws', 'Is', 'Ir', 'DEWP', 'TEMP', 'PRES'].map(column);
  const directions = [...new Set(table['cbwd'])].sort();
  let last = 0;
  let before = 0;
  const features = dust.map((now, i) => {
    const measured = !Number.isNaN(now);
    if (measured) [before, last] = [last, now];
    const day = (2 * Math.PI * hour![i]!) / 24;
    const year = (2 * Math.PI * month![i]!) / 12;
    return [
      Math.log1p(last), last, last - before, measured ? 1 : 0, dew![i]!, temperature![i]!, pressure![i]!, Math.log1p(wind![i]!), Math.log1p(snow![i]!), Math.log1p(rain![i]!),
      Math.sin(day), Math.cos(day), Math.sin(year), Math.cos(year), ...directions.map((name) => (table['cbwd']![i] === name ? 1 : 0)),
    ];
  });
  return { features, dust };
}

/** Hours `first` … `end` − 1: the target is the change of the next hour, and counts where both hours were measured. */
function sequence({ features, dust }: Hours, first: number, end: number, unit: number): { input: number[][]; target: number[]; weights: number[] } {
  const change = Array.from({ length: end - first }, (_, i) => dust[first + i + 1]! - dust[first + i]!);
  return { input: features.slice(first, end), target: change.map((by) => (Number.isNaN(by) ? 0 : by / unit)), weights: change.map((by) => (Number.isNaN(by) ? 0 : 1)) };
}

/** Stretches of the training years, [N, hours], each epoch cut at other places. */
function stretches(data: Hours, hours: number, unit: number, epoch: number): Batch[] {
  const offset = (epoch * 53) % hours;
  const count = Math.floor((hoursOfTraining - 1 - offset) / hours);
  const all = Array.from({ length: count }, (_, i) => sequence(data, offset + i * hours, offset + (i + 1) * hours, unit));
  const size = 16;
  return Array.from({ length: Math.floor(count / size) }, (_, i) => {
    const rows = Array.from({ length: size }, (__, k) => all[(i + k * Math.floor(count / size)) % count]!);
    return { input: rows.map(({ input }) => input), target: rows.map(({ target }) => target), weights: rows.map(({ weights }) => weights) };
  });
}

/** @returns root mean squared errors in µg/m³ over the last year, read as one sequence: the network's, and that of saying that nothing will change. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ error: number; persistence: number; hours: number }> {
  const { epochs, units, learningRate, hours, seed, tell } = { ...defaults, ...options };
  const { features, dust } = readHours();
  const scale = scaler(features.slice(0, hoursOfTraining));
  const scaled = scale.transform(features);
  const width = scaled.shape[1]!;
  const data: Hours = { dust, features: features.map((_, i) => Array.from(scaled.data.subarray(i * width, (i + 1) * width))) };
  const unit = 24;
  const model = sequential([gru({ units }), dense({ units: 1 })], { input: { features: width }, seed });
  const optimizer = adam({ learningRate: stepDecay({ learningRate, factor: 0.3, every: Math.ceil(epochs / 3) }) });
  const trainer = new Trainer(model, { loss: squaredError(), optimizer, clip: { globalNorm: 1 }, seed });
  const training = { count: undefined, epoch: (index: number) => stretches(data, hours, unit, index) };
  for await (const { kind, epoch, loss } of trainer.fit(training, { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: error ${(unit * Math.sqrt(loss)).toFixed(2)}`);
  }
  const test = sequence(data, hoursOfTraining, dust.length - 1, unit);
  const { loss } = await trainer.evaluate({ input: [test.input], target: [test.target], weights: [test.weights] });
  const count = test.weights.reduce((sum, weight) => sum + weight, 0);
  const unchanged = test.target.reduce((sum, change) => sum + change * change, 0) / count;
  return { error: unit * Math.sqrt(loss), persistence: unit * Math.sqrt(unchanged), hours: count };
}

await start(import.meta.url, defaults, run);
