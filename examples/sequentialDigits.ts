// Handwritten digits read as sequences: row by row (28 steps of 28 pixels), or pixel by pixel (Q. Le et al., arXiv:1504.00941, the long-memory test).
// npx tsx examples/sequentialDigits.ts [--by pixel]
import { adam, crossEntropy, dense, lstm, sequential, Trainer } from '../lib/index.ts';
import { batches, split } from '../lib/data/index.ts';
import { readDigits, shrink } from './support/digits.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { by: 'row', epochs: 8, units: 64, learningRate: 4e-3, images: 10_000, size: 28, seed: 1 };

/**
 * Learns on five sixths of the images.
 * @param options.by 'row' or 'pixel'; options.size: edge of the images, 28, or 14 or 7 for averages of squares of pixels.
 * @returns the share of the other images that are read right.
 */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ accuracy: number; steps: number }> {
  const { by, epochs, units, learningRate, images, size, seed, tell } = { ...defaults, ...options };
  if (by !== 'row' && by !== 'pixel') throw new Error(`expected --by row or --by pixel, received ${by}`);
  const { pixels, labels } = shrink(readDigits(images), size);
  const steps = by === 'row' ? size : size * size;
  const features = by === 'row' ? size : 1;
  const [training, test] = split({ input: { data: pixels, shape: [images, steps, features] }, target: { data: labels, shape: [images] }, count: images }, 5 / 6);
  const model = sequential([lstm({ units, output: 'last' }), dense({ units: 10 })], { input: { features }, seed });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  for await (const { kind, epoch, loss } of trainer.fit(batches(training, { batch: 50, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  }
  const { accuracy } = await trainer.evaluate(batches(test, { batch: 100 }));
  return { accuracy: accuracy!, steps };
}

await start(import.meta.url, defaults, run);
