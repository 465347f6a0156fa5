// What happens in the film? A convolutional network looks at every frame, and a GRU says at each of them how the shape has moved: left, right, up, down or not at all.
// A single frame does not tell. Films have different lengths.
// npx tsx examples/movingShapes.ts
import { adam, conv2d, crossEntropy, dense, flatten, gru, maxPooling2d, sequential, Trainer } from '../lib/index.ts';
import { sequences, type SequenceExample } from '../lib/data/index.ts';
import { Random } from './support/random.ts';
import { addNoise, drawShape, kinds } from './support/shapes.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 8, units: 32, learningRate: 4e-3, films: 1000, seed: 1 };

const size = 14;
export const motions = ['stays', 'left', 'right', 'up', 'down'] as const;

export interface Film {
  /** [T, 14, 14, 1] */
  readonly frames: { readonly data: Float32Array; readonly shape: readonly number[] };
  /** For every frame, how the shape came there from the one before: a number in `motions`; at the first frame 'stays'. */
  readonly labels: readonly number[];
}

/** A shape that walks, and turns or stops now and then; walls turn it back. */
export function makeFilm(random: Random): Film {
  const length = 8 + random.below(9);
  const kind = random.pick(kinds);
  let [x, y, motion] = [3 + random.below(8), 3 + random.below(8), random.below(5)];
  const labels: number[] = [];
  const data = new Float32Array(length * size * size);
  for (let frame = 0; frame < length; frame++) {
    let moved = 0;
    if (frame > 0) {
      if (random.uniform() < 0.25) motion = random.below(5);
      if ((motion === 1 && x < 3) || (motion === 2 && x > size - 4)) motion = 3 - motion;
      if ((motion === 3 && y < 3) || (motion === 4 && y > size - 4)) motion = 7 - motion;
      x += [0, -1, 1, 0, 0][motion]!;
      y += [0, 0, 0, -1, 1][motion]!;
      moved = motion;
    }
    const image = data.subarray(frame * size * size, (frame + 1) * size * size);
    drawShape(image, size, { kind, radius: 2, x, y });
    addNoise(image, 0.15, random);
    labels.push(moved);
  }
  return { frames: { data, shape: [length, size, size, 1] }, labels };
}

/** @returns the share of frames of 200 other films whose motion is told: by the network, by the same network that sees each frame alone, and by the commonest motion. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ accuracy: number; framesAlone: number; commonest: number }> {
  const { epochs, units, learningRate, films, seed, tell } = { ...defaults, ...options };
  const random = new Random(seed, 'films');
  const list = Array.from({ length: films + 200 }, () => makeFilm(random)).map(({ frames, labels }): SequenceExample => ({ input: frames, target: labels }));
  const test = sequences(list.slice(films), { batch: 50 });
  const accuracies: number[] = [];
  for (const memory of [gru({ units }), dense({ units, activation: 'tanh' })]) {
    const eye = [conv2d({ filters: 8, kernel: 3, activation: 'relu' }), maxPooling2d({ size: 2 }), conv2d({ filters: 12, kernel: 3, activation: 'relu' }), flatten(), dense({ units: 32, activation: 'tanh' })];
    const model = sequential([...eye, memory, dense({ units: motions.length })], { input: { features: [size, size, 1] }, seed });
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
    for await (const { kind, epoch, loss } of trainer.fit(sequences(list.slice(0, films), { batch: 20, shuffle: true, seed }), { epochs })) {
      if (kind === 'epoch' && epoch % 4 === 0) tell?.(`${memory.kind}, epoch ${epoch}: loss ${loss.toFixed(4)}`);
    }
    accuracies.push((await trainer.evaluate(test)).accuracy!);
  }
  const labels = list.slice(films).flatMap(({ target }) => target as number[]);
  const counts = motions.map((_, motion) => labels.filter((label) => label === motion).length);
  return { accuracy: accuracies[0]!, framesAlone: accuracies[1]!, commonest: Math.max(...counts) / labels.length };
}

await start(import.meta.url, defaults, run);
