// Reads a digit through a keyhole: a recurrent network sees one small patch of the image after another, with its place, and says what it has seen.
// The patches follow a fixed path; choosing the next one by reinforcement (V. Mnih et al., arXiv:1406.6247) is not part of this example.
// npx tsx examples/glimpses.ts
import { adam, crossEntropy, dense, gru, sequential, Trainer } from '../lib/index.ts';
import { batches, split, type Examples } from '../lib/data/index.ts';
import { readDigits, type Digits } from './support/digits.ts';
import { likeliest } from './support/likeliest.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 12, units: 64, learningRate: 4e-3, images: 10_000, seed: 1 };

const patch = 8;

/** Upper left corners of the patches: a path from the middle outwards. */
export const path: readonly (readonly [row: number, column: number])[] = [[10, 10], [10, 4], [4, 4], [4, 10], [4, 16], [10, 16], [16, 16], [16, 10], [16, 4]];

/** [count, glimpses, 64 pixels and 2 coordinates], with one label per glimpse: after each of them the network has to name the digit. */
export function glimpsesOf({ pixels, labels, size }: Digits): Examples {
  const features = patch * patch + 2;
  const data = new Float32Array(labels.length * path.length * features);
  let at = 0;
  for (let image = 0; image < labels.length; image++) {
    for (const [top, left] of path) {
      for (let row = 0; row < patch; row++) {
        const first = (image * size + top + row) * size + left;
        data.set(pixels.subarray(first, first + patch), at);
        at += patch;
      }
      data[at++] = top / size;
      data[at++] = left / size;
    }
  }
  const target = Int32Array.from({ length: labels.length * path.length }, (_, i) => labels[Math.floor(i / path.length)]!);
  return { count: labels.length, input: { data, shape: [labels.length, path.length, features] }, target: { data: target, shape: [labels.length, path.length] } };
}

/** @returns the share of test images named right after each glimpse: more is seen, more is known. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ accuracies: number[] }> {
  const { epochs, units, learningRate, images, seed, tell } = { ...defaults, ...options };
  const [training, test] = split(glimpsesOf(readDigits(images)), 5 / 6);
  const model = sequential([gru({ units }), dense({ units: 10 })], { input: { features: patch * patch + 2 }, seed });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  for await (const { kind, epoch, loss } of trainer.fit(batches(training, { batch: 50, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}`);
  }
  const { output: { data: logits } } = await model.predict(test.input);
  const right = path.map(() => 0);
  test.target.data.forEach((label, step) => {
    if (likeliest(logits.subarray(step * 10, (step + 1) * 10)) === label) right[step % path.length]!++;
  });
  return { accuracies: right.map((count) => Number((count / test.count).toFixed(4))) };
}

await start(import.meta.url, defaults, run);
