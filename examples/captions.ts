// Says what is to be seen in a picture: a convolutional network looks at it once, and what it saw is the context of an LSTM that writes the sentence: at every word,
// or at the first one only as in O. Vinyals et al., "Show and tell", arXiv:1411.4555. The pictures are drawn: "a small circle left of a large cross".
// npx tsx examples/captions.ts [--context first]
import { adam, connect, conv2d, crossEntropy, dense, embedding, flatten, generate, input, lstm, maxPooling2d, model, Trainer, type Model } from '../lib/index.ts';
import { sequences, teacherForcing, Vocabulary, type SequenceExample } from '../lib/data/index.ts';
import { Random } from './support/random.ts';
import { addNoise, drawShape, kinds } from './support/shapes.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 25, units: 64, learningRate: 5e-3, pictures: 3000, context: 'every', seed: 1 };

const size = 18;
const vocabulary = new Vocabulary({ kind: 'words', tokens: ['<start>', '<end>', 'a', 'small', 'large', ...kinds, 'left', 'right', 'of', 'above', 'below'], unknown: null });
const [begin, end] = [vocabulary.numberOf('<start>'), vocabulary.numberOf('<end>')];

export interface Picture {
  /** [18, 18], row by row. */
  readonly image: Float32Array;
  readonly caption: string;
}

/** A picture of one shape, or of two side by side or one above the other, on a noisy ground. */
export function drawPicture(random: Random): Picture {
  const image = new Float32Array(size * size);
  const two = random.below(4) > 0;
  const upright = random.below(2) === 1;
  const names = (two ? [0, 1] : [0]).map((place) => {
    const large = random.below(2) === 1;
    const kind = random.pick(kinds);
    const along = two ? 4 + place * 9 + random.uniform(0, 1) : random.uniform(4, 13);
    const across = random.uniform(4, 13);
    const [x, y] = upright ? [across, along] : [along, across];
    drawShape(image, size, { kind, radius: large ? 3.6 : 1.8, x: Math.round(x), y: Math.round(y) });
    return `a ${large ? 'large' : 'small'} ${kind}`;
  });
  addNoise(image, 0.1, random);
  const [first, second] = names as [string, string | undefined];
  if (second === undefined) return { image, caption: first };
  const told = random.below(2) === 1;
  if (upright) return { image, caption: told ? `${first} above ${second}` : `${second} below ${first}` };
  return { image, caption: told ? `${first} left of ${second}` : `${second} right of ${first}` };
}

/** Both ways to say where two shapes stand are right: the other one of a caption. */
export function otherWay(caption: string): string {
  const opposite: Readonly<Record<string, string>> = { above: 'below', below: 'above', 'left of': 'right of', 'right of': 'left of' };
  const [, first, relation, second] = /^(.*) (above|below|left of|right of) (.*)$/.exec(caption) ?? [];
  return relation === undefined ? caption : `${second!} ${opposite[relation]!} ${first!}`;
}

/** Image and words so far in, next word out. */
function makeCaptioner(units: number, context: 'every' | 'first', seed: number): Model {
  const words = input({ name: 'words', vocabulary });
  const image = input({ name: 'image', features: [size, size, 1], time: false });
  const eye = [conv2d({ filters: 8, kernel: 3, activation: 'relu' }), maxPooling2d({ size: 2 }), conv2d({ filters: 16, kernel: 3, activation: 'relu' }), maxPooling2d({ size: 2 }), flatten(), dense({ units: 64, activation: 'relu' })];
  const seen = eye.reduce((place, layer) => connect(layer, place), image);
  const spoken = connect(lstm({ units, context }), connect(embedding({ size: 16 }), words), seen);
  return model({ inputs: [words, image], outputs: connect(dense({ units: vocabulary.size }), spoken), seed });
}

/** Captions for images, word by word, always the likeliest. */
function describe(captioner: Model, pictures: readonly Picture[]): string[] {
  const image = pictures.map((picture) => ({ data: picture.image, shape: [size, size, 1] }));
  return generate(captioner.stream({ given: { image } }), { start: begin, end, length: 10, greedy: true }).map((tokens) => vocabulary.decode(tokens));
}

/** @returns the share of 300 pictures whose caption is right in every word (either way of saying where the shapes stand), and some captions. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ exact: number; some: string[] }> {
  const { epochs, units, learningRate, pictures, context, seed, tell } = { ...defaults, ...options };
  if (context !== 'first' && context !== 'every') throw new Error(`expected --context first or --context every, received ${context}`);
  const random = new Random(seed, 'pictures');
  const all = Array.from({ length: pictures + 300 }, () => drawPicture(random));
  const examples = all.slice(0, pictures).map(({ image, caption }): SequenceExample => {
    const forced = teacherForcing(vocabulary.encode(caption), { start: begin, end });
    return { input: { words: forced.input, image: { data: image, shape: [size, size, 1] } }, target: forced.target };
  });
  const captioner = makeCaptioner(units, context, seed);
  const trainer = new Trainer(captioner, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  const test = all.slice(pictures);
  for await (const { kind, epoch, loss } of trainer.fit(sequences(examples, { batch: 32, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}, ${describe(captioner, test.slice(0, 1))[0]!} (${test[0]!.caption})`);
  }
  const said = describe(captioner, test);
  return { exact: said.filter((caption, i) => caption === test[i]!.caption || caption === otherWay(test[i]!.caption)).length / test.length, some: said.slice(0, 5) };
}

await start(import.meta.url, defaults, run);
