// Goes on with a sine wave: learns to foretell the next point, then feeds its own points back to itself for a hundred steps.
// npx tsx examples/sineWave.ts
import { adam, dense, lstm, sequential, squaredError, stepDecay, Trainer } from '../lib/index.ts';
import { batches, windows } from '../lib/data/index.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 60, units: 32, layers: 2, learningRate: 1e-2, ahead: 100, seed: 1 };

/** @returns root mean squared errors of the next point, and over `ahead` points that the model makes of its own ones; the wave's own deviation is 0.707. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ nextPoint: number; onItsOwn: number }> {
  const { epochs, units, layers, learningRate, ahead, seed, tell } = { ...defaults, ...options };
  const wave = Float32Array.from({ length: 1000 + ahead }, (_, i) => Math.sin((2 * Math.PI * i) / 25));
  const model = sequential([lstm({ units, layers }), dense({ units: 1 })], { input: { features: 1 }, seed });
  const optimizer = adam({ learningRate: stepDecay({ learningRate, factor: 0.3, every: Math.ceil(epochs / 3) }) });
  const trainer = new Trainer(model, { loss: squaredError(), optimizer, clip: { globalNorm: 1 }, seed });
  const training = windows(wave.subarray(0, 800), { length: 100, target: 'shifted', stride: 7 });
  for await (const { kind, epoch, loss } of trainer.fit(batches(training, { batch: 20, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch' && epoch % 10 === 0) tell?.(`epoch ${epoch}: loss ${loss.toExponential(2)}`);
  }
  const stream = model.stream();
  let next = 0;
  let squares = 0;
  for (let i = 800; i < 1000; i++) {
    next = stream.step([wave[i]!])[0]!;
    if (i >= 900 && i < 999) squares += (next - wave[i + 1]!) ** 2;
  }
  let ownSquares = 0;
  for (let i = 1000; i < 1000 + ahead; i++) {
    ownSquares += (next - wave[i]!) ** 2;
    next = stream.step([next])[0]!;
  }
  return { nextPoint: Math.sqrt(squares / 99), onItsOwn: Math.sqrt(ownSquares / ahead) };
}

await start(import.meta.url, defaults, run);
