import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { characters, textStream, words } from '../../lib/data/index.ts';
import { elementCount, gradient, input, matmul, multiply, oneHot as oneHotVectors, constant, gather, sum } from '../../lib/graph/index.ts';
import { adam, crossEntropy, dense, embedding, gru, lstm, oneHot, perplexity, referenceRuntime, rnn, sample, sampleEvery, sequential, Trainer } from '../../lib/index.ts';
import { packageRoot } from '../../lib/packageRoot.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { someNumbers } from '../support/numbers.ts';

describe('one-hot vectors and embeddings', () => {
  const tokens = Int32Array.from([3, 0, 3, 1, 4, 2]);

  it('[103] keep capitals, hyphens, commas and apostrophes as symbols of their own, and come back as the text', () => {
    const text = 'O, well-read Romeo, who\'s there?';
    const symbols = characters(text);
    for (const symbol of ['O', 'R', '-', ',', '\'', '?', ' ']) assert.ok(symbols.tokens.includes(symbol), symbol);
    assert.equal(symbols.decode(symbols.encode(text)), text);
    const vocabulary = words('Romeo romeo well-read who\'s , -');
    assert.deepEqual([...vocabulary.encode('who\'s well-read, Romeo')].map((token) => vocabulary.tokens[token]), ['who\'s', 'well-read', ',', 'Romeo']);
  });
  it('[103] [112] a one-hot vector times a table is a row of it, exactly, on the engine too', async () => {
    const table = someNumbers(5 * 3, 7);
    const [product, rows] = evaluate([matmul(oneHotVectors(constant(tokens, [6], 'int32'), 5), constant(table, [5, 3])), gather(constant(table, [5, 3]), constant(tokens, [6], 'int32'))]);
    assert.deepEqual([...product!.data], [...rows!.data]);
    const looked = sequential([embedding({ size: 3 })], { input: { tokens: 5 }, seed: 1 });
    const multiplied = sequential([oneHot(), dense({ units: 3, bias: false })], { input: { tokens: 5 } });
    multiplied.setParameter('dense/weight', { data: Float32Array.from(looked.parameter('embedding/weight').view), shape: [5, 3] });
    assert.deepEqual((await looked.predict([tokens])).output.toArray(), (await multiplied.predict([tokens])).output.toArray());
  });
  it('[111] fill their space badly: the page on embeddings prints the density N / 2^N of its own example', () => {
    const page = readFileSync(path.join(packageRoot, 'docs', 'embeddings.md'), 'utf8');
    const [, corners, all, percent, size] = /(\d+) \/ (\d+) = ([\d.]+) % for N = (\d+)/.exec(page)!.map(Number) as [number, number, number, number, number];
    assert.deepEqual([corners, all, percent], [size, 2 ** size, Math.round(1e4 * size / 2 ** size) / 100]);
  });
  it('[112] the gradient reaches the rows that were used, summed over their uses, and no other', () => {
    const table = input('table', [5, 2], 'float32');
    const upstream = someNumbers(6 * 2, 9);
    const used = gather(table, constant(tokens, [6], 'int32'));
    const [found] = evaluate(gradient(sum(multiply(used, constant(upstream, [6, 2]))), [table]).gradients, { inputs: { table: someNumbers(10) } });
    const expected = new Float64Array(elementCount([5, 2]));
    tokens.forEach((token, place) => { for (let i = 0; i < 2; i++) expected[token * 2 + i]! += upstream[place * 2 + i]!; });
    assert.deepEqual([...found!.data], [...expected]);
  });
  it('[112] training changes the vectors of tokens that were seen, and no other', async () => {
    const model = sequential([embedding({ size: 3 }), dense({ units: 6 })], { input: { tokens: 6 }, seed: 1 });
    const before = model.parameter('embedding/weight').view.slice();
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.1 }) });
    await trainer.step({ input: [[1, 4, 1]], target: [[4, 1, 4]] });
    const after = model.parameter('embedding/weight').view;
    for (let token = 0; token < 6; token++) {
      const same = [0, 1, 2].every((i) => after[token * 3 + i] === before[token * 3 + i]);
      assert.equal(same, token !== 1 && token !== 4, `token ${token}`);
    }
  });
  it('[113] padding marked by lengths passes through embedding and recurrence: nothing of it reaches output, state or gradient', async () => {
    const build = () => sequential([embedding({ size: 3 }), lstm({ units: 4 }), dense({ units: 5 })], { input: { tokens: 5 }, seed: 1, runtime: referenceRuntime });
    const model = build();
    const alone = await model.predict([[1, 2]]);
    const padded = await model.predict([[1, 2, 4, 4], [3, 3, 3, 3]], { lengths: [2, 4] });
    assert.deepEqual(padded.output.row(0).data, alone.output.row(0).data);
    assert.deepEqual(padded.state['lstm/h']!.row(0).data, alone.state['lstm/h']!.row(0).data);
    const step = async (input: number[][], lengths?: number[]) => {
      const made = build();
      await new Trainer(made, { loss: crossEntropy(), optimizer: adam() }).step({ input, target: input, lengths });
      return made.parameters.map(({ view }) => [...view]);
    };
    assert.deepEqual(await step([[1, 2, 4, 4]], [2]), await step([[1, 2]]));
    assert.notDeepEqual(await step([[1, 2, 4, 4]]), await step([[1, 2]]));
  });
});

describe('language models of characters', () => {
  it('[104] learns hell → ello, and writes "ello" greedily from "h", the same from the same seed', async () => {
    const vocabulary = characters('helo');
    const train = async () => {
      const model = sequential([oneHot(), rnn({ units: 8 }), dense({ units: vocabulary.size })], { input: vocabulary, seed: 1 });
      const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.05 }) });
      const batch = { input: [[...vocabulary.encode('hell')]], target: [[...vocabulary.encode('ello')]] };
      for (let update = 0; update < 60; update++) await trainer.step(batch);
      return { written: vocabulary.decode(sample(model.stream(), { prefix: vocabulary.encode('h'), greedy: true, length: 4 })), loss: (await trainer.evaluate(batch)).loss };
    };
    const first = await train();
    assert.equal(first.written, 'ello');
    assert.ok(first.loss < 0.1);
    assert.deepEqual(await train(), first);
  });
  it('[106] sampleEvery shows how gibberish becomes words while training goes on', async () => {
    const text = 'to be or not to be, '.repeat(40);
    const vocabulary = characters(text);
    const model = sequential([embedding({ size: 8 }), gru({ units: 24 }), dense({ units: vocabulary.size })], { input: vocabulary, seed: 2 });
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.02 }) });
    const seen: { updates: number; written: string }[] = [];
    await trainer.fit(textStream(vocabulary.encode(text), { batch: 4, steps: 20 }), {
      epochs: 8, callbacks: [sampleEvery({ updates: 20, sample: (now, { updates }) => {
        seen.push({ updates, written: vocabulary.decode(sample(now.stream(), { prefix: vocabulary.encode('to '), greedy: true, length: 37 })) });
      } })],
    });
    assert.deepEqual(seen.map(({ updates }) => updates), [20, 40, 60, 80]);
    assert.equal(seen.at(-1)!.written, 'be or not to be, to be or not to be, ');
    assert.notEqual(seen[0]!.written, seen.at(-1)!.written);
  });
  it('[109] perplexity is e to the mean cross-entropy: the number of tokens that remain undecided', async () => {
    assert.equal(Math.round(perplexity(Math.log(50)) * 1e9) / 1e9, 50);
    const model = sequential([embedding({ size: 2 }), lstm({ units: 2 }), dense({ units: 7, initializer: { weight: 'zeros' } })], { input: { tokens: 7 } });
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam() });
    const { perplexity: found } = await trainer.evaluate({ input: [[0, 1, 2], [3, 4, 5]], target: [[1, 2, 3], [4, 5, 6]] });
    assert.ok(Math.abs(found! - 7) < 1e-4);
  });
});
