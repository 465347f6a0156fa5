import assert from 'node:assert/strict';
import { batches, skipGrams } from '../../lib/data/index.ts';
import { adam, crossEntropy, dense, embedding, rnn, sequential, squaredError, Trainer } from '../../lib/index.ts';
import type { Model } from '../../lib/index.ts';
import { uniformSource } from '../../lib/random.ts';
import { assertThrows } from '../support/errors.ts';

const words = 30;
const classOf = (word: number): number => word % 3;

/** Any word of class 0, then any of class 1, of class 2, of class 0 … */
function someText(length: number, seed: number): number[] {
  const random = uniformSource(seed, 'text');
  return Array.from({ length }, (_, at) => 3 * Math.floor(random() * (words / 3)) + (at % 3));
}

function tagger(): Model {
  return sequential([embedding({ size: 6 }), rnn({ units: 8, output: 'last' }), dense({ units: 3 })], { input: { tokens: words }, seed: 3 });
}

/** Learns to name the class of the second of two words from the first nine words of the language; how often it is right about the others. */
async function accuracyOf(model: Model): Promise<number> {
  const pairs = (from: number, to: number): { input: number[][]; target: number[] } => {
    const input = Array.from({ length: to - from }, (_, i) => [(from + i * 7) % to, from + i]);
    return { input, target: input.map(([, word]) => classOf(word!)) };
  };
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.02 }) });
  await trainer.fit(pairs(0, 9), { epochs: 60 });
  return (await trainer.evaluate(pairs(9, words))).accuracy!;
}

describe('theory: learning a projection without labels', () => {
  it('[43] words: an embedding that began as skip-grams\' carries what is learned over to words that had no label', async () => {
    const projection = sequential([embedding({ size: 6 }), dense({ units: words })], { input: { tokens: words, time: false }, seed: 1 });
    const trainer = new Trainer(projection, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.02 }) });
    await trainer.fit(batches(skipGrams(someText(600, 4), { window: 1 }), { batch: 128, shuffle: true }), { epochs: 12 });
    const [plain, prepared] = [tagger(), tagger()];
    prepared.setParameter('embedding/weight', projection.parameter('embedding/weight').view);
    const [without, with_] = [await accuracyOf(plain), await accuracyOf(prepared)];
    assert.ok(with_ > 0.95 && with_ > without + 0.2, `${without} without, ${with_} with`);
  });
  it('[43] features: an autoencoder learns P, M × N, with x̃ = P x keeping all that moves', async () => {
    const random = uniformSource(2, 'factors');
    const mixing = Array.from({ length: 2 }, () => Array.from({ length: 6 }, () => 2 * random() - 1));
    const factors = Array.from({ length: 200 }, () => [2 * random() - 1, 2 * random() - 1]);
    const data = factors.map((factor) => mixing[0]!.map((_, k) => factor.reduce((sum, value, i) => sum + value * mixing[i]![k]!, 0)));
    const projected = async (size: number): Promise<number> => {
      const model = sequential([dense({ units: size, bias: false, name: 'projection' }), dense({ units: 6 })], { input: { features: 6, time: false }, seed: 1 });
      const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam({ learningRate: 0.02 }) });
      await trainer.fit({ input: data, target: data }, { epochs: 400 });
      assert.deepEqual(model.parameter('projection/weight').shape, [6, size]);
      return (await trainer.evaluate({ input: data, target: data })).loss;
    };
    const [one, two] = [await projected(1), await projected(2)];
    assert.ok(two < 1e-4 && one > 0.01, `${one} with one feature, ${two} with two`);
  });
  it('skip-grams are all words beside each word', () => {
    const { input, target, count } = skipGrams([5, 6, 7, 8], { window: 2 });
    assert.equal(count, 10);
    assert.deepEqual([...input.data], [5, 5, 6, 6, 6, 7, 7, 7, 8, 8]);
    assert.deepEqual([...target.data], [6, 7, 5, 7, 8, 5, 6, 8, 6, 7]);
    assert.deepEqual([...skipGrams([1, 2], { window: 9 }).target.data], [2, 1]);
    assertThrows(() => skipGrams([1]), 'ERR_BPTT_DATA', /at least two tokens/);
    assertThrows(() => skipGrams([1, 2], { window: 0 }), 'ERR_BPTT_RANGE', /window/);
    assertThrows(() => skipGrams([1, 2.5]), 'ERR_BPTT_VOCABULARY');
  });
});
