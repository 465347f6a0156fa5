// How warm will it be, hour by hour, until this time tomorrow? Five years of weather in Beijing, and a NARX model: trained in open loop, run on in closed loop.
// npx tsx examples/temperature.ts
import { adam, dense, exponentialDecay, narx, squaredError, Trainer } from '../lib/index.ts';
import { scaler, sequences } from '../lib/data/index.ts';
import { readTable } from './support/data.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 100, units: 16, learningRate: 1e-2, hours: 168, years: 4, ahead: 24, seed: 1 };

const hoursOfTraining = (4 * 365 + 1) * 24;
const hoursOfYear = 365 * 24;

interface Weather {
  /** What a calendar and a barometer say, [L][C], scaled: the exogenous input. */
  readonly input: number[][];
  /** Degrees Celsius. */
  readonly temperature: number[];
}

function readWeather(): Weather {
  const table = readTable('beijing_pm25/pollution.csv.gz');
  const column = (name: string): number[] => table[name]!.map(Number);
  const [hour, month, pressure, wind, temperature] = ['hour', 'month', 'PRES', 'Iws', 'TEMP'].map(column);
  const rows = hour!.map((now, i) => {
    const [day, year] = [(2 * Math.PI * now) / 24, (2 * Math.PI * month![i]!) / 12];
    return [Math.sin(day), Math.cos(day), Math.sin(2 * day), Math.cos(2 * day), Math.sin(year), Math.cos(year), pressure![i]!, Math.log1p(wind![i]!)];
  });
  const scaled = scaler(rows.slice(0, hoursOfTraining)).transform(rows);
  const width = rows[0]!.length;
  return { temperature: temperature!, input: rows.map((_, i) => Array.from(scaled.data.subarray(i * width, (i + 1) * width))) };
}

/**
 * @returns root mean squared errors in degrees over the next `ahead` hours, from every other midnight of the last year: of the closed loop, of saying that tomorrow is like today
 * hour by hour, and of saying that nothing changes.
 */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ error: number; yesterday: number; persistence: number; forecasts: number }> {
  const { epochs, units, learningRate, hours, years, ahead, seed, tell } = { ...defaults, ...options };
  const { input, temperature } = readWeather();
  const degrees = scaler(temperature.slice(0, hoursOfTraining));
  const output = Array.from(degrees.transform(temperature).data);
  const first = hoursOfTraining - years * hoursOfYear;
  const system = narx({
    inputs: input[0]!.length, outputs: 1, inputDelays: [0, 1, 3], outputDelays: [1, 2, 3, 23, 24], transition: [dense({ units, activation: 'tanh' }), dense({ units: 1 })], seed,
  });
  const examples = system.examples({ input: input.slice(first, hoursOfTraining), output: output.slice(first, hoursOfTraining) }, { length: hours });
  const data = sequences(examples, { batch: 8, shuffle: true, seed });
  const steps = epochs * Math.ceil(examples.length / 8);
  const trainer = new Trainer(system.model, { loss: squaredError(), optimizer: adam({ learningRate: exponentialDecay({ learningRate, factor: 0.1, steps }) }) });
  for await (const { kind, epoch, loss } of trainer.fit(data, { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: error one hour ahead, scaled, ${Math.sqrt(loss).toFixed(4)}`);
  }
  const sums = { closed: 0, yesterday: 0, persistence: 0 };
  let forecasts = 0;
  for (let now = hoursOfTraining; now + ahead <= temperature.length; now += 48, forecasts++) {
    const past = { input: input.slice(now - 48, now), output: output.slice(now - 48, now) };
    const told = degrees.inverse(await system.forecast({ past, input: input.slice(now, now + ahead) }));
    for (let step = 0; step < ahead; step++) {
      const truth = temperature[now + step]!;
      sums.closed += (told.data[step]! - truth) ** 2;
      sums.yesterday += (temperature[now + step - 24]! - truth) ** 2;
      sums.persistence += (temperature[now - 1]! - truth) ** 2;
    }
  }
  const root = (sum: number): number => Math.sqrt(sum / (forecasts * ahead));
  return { error: root(sums.closed), yesterday: root(sums.yesterday), persistence: root(sums.persistence), forecasts };
}

await start(import.meta.url, defaults, run);
