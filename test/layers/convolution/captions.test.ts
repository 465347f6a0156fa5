import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { concatenate, conv2d, dense, embedding, flatten, globalAveragePooling, globalMaxPooling, lstm, maxPooling2d } from '../../../lib/layers/index.ts';
import { crossEntropy } from '../../../lib/losses/index.ts';
import { connect, input, model, sequential, type Model } from '../../../lib/model/index.ts';
import { adam } from '../../../lib/optimizers/index.ts';
import { Trainer } from '../../../lib/training/index.ts';
import { someNumbers } from '../../support/numbers.ts';

const [end, bar, lies, stands, left, right] = [0, 1, 2, 3, 4, 5];
const tokens = 6;

/** 6 × 6 with one bar, lying or standing, near the left or the right. */
function picture(lying: boolean, near: 'left' | 'right'): number[][][] {
  const first = near === 'left' ? 0 : 3;
  const inside = (row: number, column: number): boolean => (lying ? row === 3 && column >= first && column < first + 3 : column === first + 1 && row > 0 && row < 5);
  return Array.from({ length: 6 }, (_, row) => Array.from({ length: 6 }, (_unused, column) => [inside(row, column) ? 1 : 0]));
}

const scenes = [true, false].flatMap((lying) => (['left', 'right'] as const).map((near) => ({
  image: picture(lying, near), caption: [bar, lying ? lies : stands, ...(lying ? [] : [bar]), near === 'left' ? left : right],
})));

/** A caption's words after each other, the vector of the picture beside them: at the first step (Show and Tell) or at each (the equation of deep alignments). */
function captioner(context: 'every' | 'first'): Model {
  const [words, image] = [input({ name: 'words', tokens }), input({ name: 'image', features: [6, 6, 1], time: false })];
  const seen = [conv2d({ filters: 8, kernel: 3, activation: 'relu' }), maxPooling2d({ size: 2 }), flatten(), dense({ units: 12, activation: 'tanh' })].reduce((place, layer) => connect(layer, place), image);
  const told = connect(lstm({ units: 16, context }), connect(embedding({ size: 6 }), words), seen);
  return model({ inputs: [words, image], outputs: connect(dense({ units: tokens }), told), seed: 2 });
}

/** What the model says of a picture until it says the end, or for eight words. The end is the start, too. */
function describePicture(teller: Model, image: number[][][]): number[] {
  const stream = teller.stream({ given: { image: [image] } });
  const said: number[] = [];
  for (let word = end; said.length < 8;) {
    const scores = stream.step(word);
    word = scores.indexOf(Math.max(...scores));
    if (word === end) break;
    said.push(word);
  }
  return said;
}

describe('networks of the literature, put together', () => {
  for (const context of ['first', 'every'] as const) {
    it(`[96] [97] [99] tells what a picture shows, with its vector at ${context === 'first' ? 'the first step' : 'every step'}`, async () => {
      const teller = captioner(context);
      const batch = { input: { words: scenes.map(({ caption }) => [end, ...caption]), image: scenes.map(({ image }) => image) }, target: scenes.map(({ caption }) => [...caption, end]) };
      const trainer = new Trainer(teller, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.02 }) });
      for (let step = 0; step < 80; step++) await trainer.step(batch);
      for (const { image, caption } of scenes) assert.deepEqual(describePicture(teller, image), caption);
    });
  }
  it('[99] LRCN: a convolutional network on each image of a film, a recurrent one over them, the mean of its answers', async () => {
    const network = sequential([
      conv2d({ filters: 4, kernel: 3, activation: 'relu' }), maxPooling2d({ size: 2 }), globalMaxPooling(), lstm({ units: 5 }), dense({ units: 3, activation: 'softmax' }), globalAveragePooling(),
    ], { input: { features: [8, 7, 3] }, seed: 1 });
    const film = (length: number): { data: Float64Array; shape: number[] } => ({ data: someNumbers(length * 168, length), shape: [length, 8, 7, 3] });
    const { output } = await network.predict([film(5), film(2)]);
    assert.deepEqual(output.shape, [2, 3]);
    for (const row of [0, 1]) assert.ok(Math.abs([...output.row(row).data].reduce((sum, value) => sum + value, 0) - 1) < 1e-5);
  });
  it('[99] m-RNN: words, state and picture meet after the recurrence', async () => {
    const [words, image] = [input({ name: 'words', tokens }), input({ name: 'image', features: [4] })];
    const embedded = connect(embedding({ size: 6 }), words);
    const joined = connect(concatenate(), embedded, connect(lstm({ units: 8 }), embedded), image);
    const made = model({ inputs: [words, image], outputs: connect(dense({ units: tokens }), connect(dense({ units: 10, activation: 'tanh' }), joined)) });
    const { output } = await made.predict({ words: [[0, 1, 2]], image: [[[1, 2, 3, 4], [1, 2, 3, 4], [1, 2, 3, 4]]] });
    assert.deepEqual(output.shape, [1, 3, tokens]);
  });
  it('[102] the guide says what is not here: video description and tagging, glimpses, DRAW', () => {
    const guide = readFileSync(new URL('../../../docs/convolution.md', import.meta.url), 'utf8').split('## Not here')[1]!;
    for (const words of [/video description and tagging/, /glimpses/, /DRAW/, /not implemented/]) assert.match(guide, words);
  });
});
