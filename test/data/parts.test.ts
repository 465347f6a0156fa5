import assert from 'node:assert/strict';
import { sequences, words, type Batch, type SequenceExample } from '../../lib/data/index.ts';
import { concatenate, connect, crossEntropy, dense, embedding, input, lastStep, model, sgd, Trainer } from '../../lib/index.ts';
import { assertThrows } from '../support/errors.ts';

const pairs: SequenceExample[] = [
  { input: { words: [1, 2, 3], image: [0.5, 1] }, target: { next: [2, 3, 0], kind: 1 } },
  { input: { words: [4], image: [0, 0] }, target: { next: [0], kind: 0 } },
  { input: { words: [3, 4], image: [1, 0] }, target: { next: [4, 0], kind: 2 } },
];

function firstBatch(list: readonly SequenceExample[]): Batch {
  return [...sequences(list, { batch: list.length }).epoch(0) as Iterable<Batch>][0]!;
}

describe('data: sequences of several inputs', () => {
  it('go side by side by name, ordered by the length of the first', () => {
    const { input: read, target, weights } = firstBatch(pairs);
    assert.deepEqual(read, { words: [[4], [3, 4], [1, 2, 3]], image: [[0, 0], [1, 0], [0.5, 1]] });
    assert.deepEqual(target, { next: [[0], [4, 0], [2, 3, 0]], kind: [0, 2, 1] });
    assert.equal(weights, undefined);
  });

  it('carry weights', () => {
    const { weights } = firstBatch([{ input: [1, 2], target: [2, 3], weights: [1, 0] }, { input: [1], target: [1], weights: [0.5] }]);
    assert.deepEqual(weights, [[0.5], [1, 0]]);
  });

  it('train a model that reads them', async () => {
    const text = input({ name: 'words', tokens: 5 });
    const picture = input({ name: 'image', features: 2, time: false });
    const both = connect(concatenate(), connect(lastStep(), connect(embedding({ size: 3 }), text)), picture);
    const made = model({ inputs: [text, picture], outputs: connect(dense({ units: 3 }), both) });
    const trainer = new Trainer(made, { loss: crossEntropy(), optimizer: sgd({ learningRate: 0.5 }) });
    const list = pairs.map(({ input: read, target }) => ({ input: read, target: (target as { kind: number }).kind }));
    const { epochs } = await trainer.fit(sequences(list, { batch: 2, shuffle: true }), { epochs: 30 });
    assert.ok(epochs.at(-1)!.loss < 0.5 * epochs[0]!.loss);
  });

  it('need the same names in every example, and weights in all or none', () => {
    assertThrows(() => sequences([...pairs, { input: { words: [1] }, target: { next: [1], kind: 1 } }], { batch: 1 }), 'ERR_BPTT_OPTION', /input of example 3 .*image, words/);
    assertThrows(() => sequences([...pairs, { input: [1], target: { next: [1], kind: 1 } }], { batch: 1 }), 'ERR_BPTT_OPTION', /input of example 3/);
    assertThrows(() => sequences([{ input: [1], target: 1 }, { input: [1], target: 1, weights: 1 }], { batch: 1 }), 'ERR_BPTT_OPTION', /example 1 with/);
    assertThrows(() => sequences([{ input: { words: 'text' }, target: 1 } as never], { batch: 1 }), 'ERR_BPTT_TYPE', /input\.words/);
    assertThrows(() => sequences([{ input: { label: 3 }, target: 1 }], { batch: 1 }), 'ERR_BPTT_TYPE', /a sequence/);
    assertThrows(() => sequences([{ input: [1], target: 1, weights: { a: 'much' } as never }], { batch: 1 }), 'ERR_BPTT_TYPE', /weights\.a/);
  });
});

describe('data: texts that are already taken apart', () => {
  it('are read token by token', () => {
    const vocabulary = words(['New York', 'is', 'in', 'New York']);
    assert.deepEqual(vocabulary.tokens, ['<unknown>', 'New York', 'in', 'is']);
    assert.deepEqual([...vocabulary.encode(['in', 'New York', 'Rome'])], [2, 1, 0]);
    assertThrows(() => vocabulary.encode(['in', 3] as never), 'ERR_BPTT_TYPE', /list of its tokens/);
    assertThrows(() => words([]), 'ERR_BPTT_DATA');
  });
});
