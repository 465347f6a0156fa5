import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { batches, characters, sequences, split, textStream, windows } from '../../lib/data/index.ts';
import type { Batch } from '../../lib/data/index.ts';
import { sample } from '../../lib/decoding/index.ts';
import { loadModel } from '../../lib/formats/index.ts';
import { dense, embedding, lstm, oneHot, rnn } from '../../lib/layers/index.ts';
import { crossEntropy, squaredError } from '../../lib/losses/index.ts';
import { sequential } from '../../lib/model/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { adam, sgd } from '../../lib/optimizers/index.ts';
import { checkpoint, earlyStopping, loadTrainerState, progress, sampleEvery, Trainer } from '../../lib/training/index.ts';
import type { Callback, Progress } from '../../lib/training/index.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { assertNear, someTokens, weightsOf } from '../support/models.ts';

function textTrainer(seed = 1): Trainer {
  const model = sequential([embedding({ size: 4 }), lstm({ units: 6 }), dense({ units: 5 })], { input: { tokens: 5 }, seed });
  return new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.01 }), clip: { globalNorm: 5 } });
}

const stream = textStream(someTokens(61, 5), { batch: 3, steps: 5 });

describe('training: fit', () => {
  it('gives the history and the progress of every batch', async () => {
    const trainer = textTrainer();
    const seen: Progress[] = [];
    const history = await trainer.fit(stream, { epochs: 2, validation: stream, callbacks: [{ onBatch: (state) => { seen.push(state); } }] });
    assert.deepEqual(seen.map(({ epoch, batch, batches: count, updates, kind }) => [epoch, batch, count, updates, kind]),
      [1, 2].flatMap((epoch) => [1, 2, 3, 4].map((batch) => [epoch, batch, 4, (epoch - 1) * 4 + batch, 'batch'])));
    assert.equal(history.stopped, 'epochs');
    assert.deepEqual(history.epochs.map(({ epoch, kind, steps, updates }) => [epoch, kind, steps, updates]), [[1, 'epoch', 60, 4], [2, 'epoch', 60, 8]]);
    const mean = seen.slice(0, 4).reduce((sum, { loss, steps }) => sum + loss * steps, 0) / 60;
    assertNear([history.epochs[0]!.loss], [mean], 'mean of the epoch');
    assert.equal(history.epochs[1]!.validation!.loss, (await trainer.evaluate(stream)).loss);
    assert.equal(trainer.epochs, 2);
    assert.deepEqual(Object.keys(seen[0]!), Object.keys(history.epochs[0]!));
  });

  it('is the same as calling step', async () => {
    const [fitted, stepped] = [textTrainer(), textTrainer()];
    await fitted.fit(stream, { epochs: 1 });
    for (const batch of stream.epoch(0) as Iterable<Parameters<Trainer['step']>[0]>) await stepped.step(batch);
    assert.deepEqual(weightsOf(fitted.model), weightsOf(stepped.model));
  });

  it('can be iterated; the body runs between steps and may use the model', async () => {
    const trainer = textTrainer();
    const kinds: string[] = [];
    const run = trainer.fit(stream, { epochs: 1 });
    for await (const { kind, updates } of run) {
      kinds.push(kind);
      assert.equal(trainer.updates, updates);
      await new Promise((resolve) => { setTimeout(resolve, 3); });
      assert.equal(trainer.updates, updates);
      assert.equal([...sample(trainer.model.stream(), { prefix: [0], length: 3 })].length, 3);
    }
    assert.deepEqual(kinds, ['batch', 'batch', 'batch', 'batch', 'epoch']);
    assert.equal((await run).updates, 4);
  });

  it('ends when the loop is left', async () => {
    const trainer = textTrainer();
    const run = trainer.fit(stream, { epochs: 100 });
    for await (const { updates } of run) if (updates === 2) break;
    const history = await run;
    assert.equal(history.updates, 2);
    assert.equal(history.stopped, 'the loop was left');
    assert.equal((await trainer.fit(stream, { epochs: 1 })).updates, 6);
  });

  it('ends the iteration with the error', async () => {
    const trainer = textTrainer();
    const iterate = async (): Promise<void> => {
      for await (const { updates } of trainer.fit([{ input: [[1]], target: [[9]] }], { epochs: 1 })) assert.equal(updates, 0);
    };
    await assertRejects(iterate, 'ERR_BPTT_VOCABULARY');
  });

  it('keeps to a budget of seconds', async () => {
    const ended: number[] = [];
    const history = await textTrainer().fit(stream, { seconds: 0.2, callbacks: [{ onBatch: (progress) => { ended.push(progress.seconds); } }] });
    assert.equal(history.stopped, 'seconds');
    assert.ok(history.seconds >= 0.2);
    assert.ok(history.updates >= 1);
    assert.ok(ended.slice(0, -1).every((seconds) => seconds < 0.2), 'a step began after the budget was spent');
  });

  it('stops when a callback says so, and passes on what callbacks throw', async () => {
    const trainer = textTrainer();
    const history = await trainer.fit(stream, { epochs: 9, callbacks: [{ onEpoch: ({ epoch }, control) => { if (epoch === 2) control.stop('good enough'); } }] });
    assert.deepEqual([history.stopped, history.epochs.length], ['good enough', 2]);
    await assert.rejects(trainer.fit(stream, { epochs: 1, callbacks: [{ onBatch: () => { throw new Error('mine'); } }] }), /mine/);
    await trainer.fit(stream, { epochs: 1 });
  });

  it('takes sequences, windows, arrays of batches and asynchronous data sets', async () => {
    const series = Array.from({ length: 40 }, (_, i) => Math.sin(i / 3));
    const forecaster = sequential([rnn({ units: 4, output: 'last' }), dense({ units: 1 })], { input: { features: 1 } });
    const [train, rest] = split(windows(series, { length: 5 }), 0.8);
    const trainer = new Trainer(forecaster, { loss: squaredError(), optimizer: adam({ learningRate: 0.02 }) });
    const { epochs } = await trainer.fit(batches(train, { batch: 8, shuffle: true, seed: 1 }), { epochs: 15, validation: batches(rest, { batch: 2 }) });
    assert.ok(epochs.at(-1)!.validation!.loss < epochs[0]!.validation!.loss / 2);
    const tagger = textTrainer();
    const list = Array.from({ length: 7 }, (_, i) => ({ input: someTokens(i + 1, 5, i + 1), target: someTokens(i + 1, 5, i + 1) }));
    const ragged = await tagger.fit(sequences(list, { batch: 3, shuffle: true }), { epochs: 2 });
    assert.equal(ragged.epochs[0]!.steps, 28);
    const asynchronous = { count: undefined, async* epoch() { await Promise.resolve(); yield { input: [[1, 2]], target: [[2, 3]] }; } };
    const history = await tagger.fit(asynchronous, { epochs: 1 });
    assert.equal(history.epochs[0]!.batches, null);
    assert.equal((await tagger.fit([{ input: [[1, 2]], target: [[2, 3]] }], { epochs: 1 })).epochs[0]!.batches, 1);
  });

  it('refuses wrong data and options', async () => {
    const trainer = textTrainer();
    await assertRejects(() => trainer.fit(stream, {}), 'ERR_BPTT_OPTION', /epochs or seconds/);
    await assertRejects(() => trainer.fit(stream, { epoch: 1 } as never), 'ERR_BPTT_OPTION', /did you mean "epochs"/);
    await assertRejects(() => trainer.fit(stream, { epochs: 0 }), 'ERR_BPTT_RANGE');
    await assertRejects(() => trainer.fit(stream, { epochs: 1, callbacks: [{ onbatch: () => undefined }] as never }), 'ERR_BPTT_OPTION', /did you mean "onBatch"/);
    await assertRejects(() => trainer.fit([], { epochs: 1 }), 'ERR_BPTT_DATA', /at least one batch/);
    await assertRejects(() => trainer.fit(7 as never, { epochs: 1 }), 'ERR_BPTT_TYPE');
    await assertRejects(() => trainer.evaluate([]), 'ERR_BPTT_DATA');
    await trainer.fit(stream, { epochs: 1 });
  });

  it('gives the event loop its turns, however short the steps are', async () => {
    let turns = 0;
    let counting = true;
    const count = (): void => {
      turns++;
      if (counting) setImmediate(count);
    };
    setImmediate(count);
    const before = process.cpuUsage();
    await textTrainer().fit(stream, { seconds: 0.5 });
    const { user, system } = process.cpuUsage(before);
    counting = false;
    const seconds = (user + system) / 1e6;
    assert.ok(turns >= seconds * 20, `${turns} turns in ${seconds} s of work`);
  });
});

describe('training: callbacks', () => {
  it('progress writes a line for each epoch', async () => {
    const lines: string[] = [];
    await textTrainer().fit(stream, { epochs: 2, validation: stream, callbacks: [progress({ seconds: 0, write: (text) => { lines.push(text); } })] });
    assert.equal(lines.length, 10);
    assert.match(lines[0]!, /^epoch 1, batch 1\/4, loss [\d.]+, gradient norm [\d.]+ \([\d.]+ s\)\n$/);
    assert.match(lines[4]!, /^epoch 1, loss [\d.]+, gradient norm [\d.]+, validation loss [\d.]+, accuracy [\d.]+, perplexity [\d.]+ \(/);
  });

  it('sampleEvery and checkpoint keep their intervals', async () => {
    const at: number[] = [];
    await textTrainer().fit(stream, { epochs: 3, callbacks: [sampleEvery({ updates: 5, sample: (_model, { updates }) => { at.push(updates); } })] });
    assert.deepEqual(at, [5, 10]);
    const epochs: number[] = [];
    await textTrainer().fit(stream, { epochs: 4, callbacks: [sampleEvery({ epochs: 2, sample: (_model, { epoch }) => { epochs.push(epoch); } })] });
    assert.deepEqual(epochs, [2, 4]);
    assertThrows(() => sampleEvery({ updates: 1, epochs: 1, sample: () => undefined }), 'ERR_BPTT_OPTION');
    assertThrows(() => sampleEvery({ updates: 1 } as never), 'ERR_BPTT_TYPE');
    assertThrows(() => checkpoint('', {}), 'ERR_BPTT_TYPE');
    assertThrows(() => checkpoint('run', { update: 1 } as never), 'ERR_BPTT_OPTION');
  });

  it('checkpoint refuses a place that cannot be written before anything is learned', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bptt-checkpoint-'));
    try {
      await writeFile(path.join(folder, 'notes.txt'), 'not a model');
      for (const interval of [{}, { updates: 1 }]) {
        const trainer = textTrainer();
        await assertRejects(() => trainer.fit(stream, { epochs: 1, callbacks: [checkpoint(folder, interval)] }), 'ERR_BPTT_FORMAT', /found "notes\.txt" in it; choose another folder/);
        assert.equal(trainer.updates, 0);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('from a checkpoint in the middle of an epoch, steps over the batches that were left go on exactly', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bptt-checkpoint-'));
    try {
      const place = path.join(folder, 'run');
      await textTrainer().fit(stream, { epochs: 2, callbacks: [checkpoint(place, { updates: 6 })] });
      const whole = textTrainer();
      await whole.fit(stream, { epochs: 2 });
      const model: Model = await loadModel(place);
      const rest = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.01 }), clip: { globalNorm: 5 } });
      rest.restore(await loadTrainerState(place));
      assert.deepEqual([rest.updates, rest.epochs], [6, 1]);
      for (const batch of [...stream.epoch(1) as Iterable<Batch>].slice(2)) await rest.step(batch);
      if (model.runtime.name === 'native') assert.deepEqual(weightsOf(model), weightsOf(whole.model));
      assert.equal(rest.updates, whole.updates);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('from a checkpoint training goes on as if it had not stopped', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'bptt-checkpoint-'));
    try {
      const place = path.join(folder, 'run');
      const first = textTrainer();
      await first.fit(stream, { epochs: 2, callbacks: [checkpoint(place)] });
      const model: Model = await loadModel(place);
      const second = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.01 }), clip: { globalNorm: 5 } });
      second.restore(await loadTrainerState(place));
      assert.deepEqual([second.updates, second.epochs], [8, 2]);
      const [a, b] = [await first.fit(stream, { epochs: 1 }), await second.fit(stream, { epochs: 1 })];
      assertNear([b.epochs[0]!.loss], [a.epochs[0]!.loss], 'loss after the checkpoint', 1e-6);
      if (model.runtime.name === 'native') assert.deepEqual(weightsOf(second.model), weightsOf(first.model));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('earlyStopping waits for its patience', async () => {
    const trainer = new Trainer(textTrainer().model, { loss: crossEntropy(), optimizer: sgd({ learningRate: 1e-30 }) });
    const history = await trainer.fit(stream, { epochs: 50, callbacks: [earlyStopping({ patience: 2 })] });
    assert.equal(history.stopped, 'no improvement for 2 epochs');
    assert.equal(history.epochs.length, 3);
  });

  it('earlyStopping takes no loss for the best that is no number', async () => {
    const epochsWith = async (losses: readonly number[], options: Parameters<typeof earlyStopping>[0]): Promise<number> => {
      const [stopping, trainer] = [earlyStopping(options), textTrainer()];
      const told: Callback = {
        ...stopping,
        onEpoch: (state, control) => stopping.onEpoch!({ ...state, validation: { loss: losses[state.epoch - 1]!, perplexity: null, accuracy: null, steps: 1 } }, control),
      };
      return (await trainer.fit(stream, { epochs: losses.length, callbacks: [told] })).epochs.length;
    };
    assert.equal(await epochsWith([NaN, 5, 4, 3, 2, 1], { patience: 2 }), 6);
    assert.equal(await epochsWith([NaN, 5, 5, 5, 5, 5], { patience: 2 }), 4);
    assert.equal(await epochsWith([NaN, NaN, NaN, 1, 1], { patience: 2 }), 2);
    assert.equal(await epochsWith([Infinity, 5, NaN, 4, NaN, NaN, 3], { patience: 2 }), 6);
    assert.equal(await epochsWith([9, 8, 6, 5, 5, 5], { patience: 2, improvement: 2 }), 5);
    assert.equal(await epochsWith([9, 8, 8, 8], { patience: 2, improvement: Number.MAX_VALUE }), 3);
  });
});

describe('training: the four letters of "hello"', () => {
  it('a character model learns hell → ello and says it greedily', async () => {
    const vocabulary = characters('hello');
    const model = sequential([oneHot(), rnn({ units: 8 }), dense({ units: vocabulary.size })], { input: vocabulary, seed: 1 });
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.05 }) });
    const [input, target] = [[vocabulary.encode('hell')], [vocabulary.encode('ello')]];
    await trainer.fit({ input, target }, { epochs: 80 });
    const { loss, accuracy, perplexity } = await trainer.evaluate({ input, target });
    assert.equal(accuracy, 1);
    assertNear([perplexity!], [Math.exp(loss)], 'perplexity');
    assert.equal(vocabulary.decode(sample(model.stream(), { prefix: vocabulary.encode('h'), greedy: true, length: 4 })), 'ello');
  });
});

describe('training: what cannot be meant', () => {
  const [input, target] = [[[[1], [2], [3]]], [[[1], [2], [3]]]];
  const readerOfBoth = (options = {}): Trainer => new Trainer(
    sequential([rnn({ units: 2, direction: 'bidirectional' }), dense({ units: 1 })], { input: { features: 1 } }), { loss: squaredError(), optimizer: sgd(), ...options });

  it('a backward direction has no state to go on with', async () => {
    await assertRejects(() => readerOfBoth({ truncation: { update: 2 } }).step({ input, target }), 'ERR_BPTT_OPTION', /"rnn" reads steps ahead; .*leave truncation out/);
    const carrying = readerOfBoth({ carryState: true });
    await carrying.step({ input, target });
    await assertRejects(() => carrying.step({ input, target }), 'ERR_BPTT_OPTION', /"rnn" reads steps ahead; set carryState: false/);
    await readerOfBoth({ truncation: { update: 3, gradient: 2 } }).step({ input, target });
    await readerOfBoth({ carryState: false }).fit([{ input, target, fresh: [true] }, { input, target, fresh: [false] }], { epochs: 1 });
  });

  it('a model without states carries none', () => {
    const still = sequential([dense({ units: 1 })], { input: { features: 1 } });
    assertThrows(() => new Trainer(still, { loss: squaredError(), optimizer: sgd(), carryState: true }), 'ERR_BPTT_OPTION', /carryState/);
  });

  it('callbacks that are no functions, data sets that give no batches, optimizers that are none', async () => {
    await assertRejects(() => textTrainer().fit(stream, { epochs: 1, callbacks: [{ onBatch: 5 as never }] }), 'ERR_BPTT_TYPE', /callbacks\[0\]\.onBatch to be a function, received 5/);
    await assertRejects(() => textTrainer().fit({ count: 1, epoch: () => 5 as never }, { epochs: 1 }), 'ERR_BPTT_TYPE', /iterable of batches, received 5/);
    assertThrows(() => readerOfBoth({ optimizer: { update: () => ({}) } }), 'ERR_BPTT_TYPE', /optimizer/);
  });

  it('weights below 0, which would divide by nothing', async () => {
    await assertRejects(() => readerOfBoth().step({ input, target, weights: [[1, -1, 0]] }), 'ERR_BPTT_DATA', /weights: expected numbers of 0 or more.*received -1/);
  });

  it('a state of another make', () => {
    const trainer = textTrainer();
    const { epochs, tensors } = trainer.state();
    const name = Object.keys(tensors)[1]!;
    const { data, shape } = tensors[name]!;
    assertThrows(() => trainer.restore({ epochs, tensors: { ...tensors, [name]: { data: 'x'.repeat(data.length) as never, shape } } }), 'ERR_BPTT_STATE', /typed array/);
    assertThrows(() => trainer.restore({ epochs, tensors: { ...tensors, 'carried/lstm/h': null as never } }), 'ERR_BPTT_STATE', /rows/);
    assertThrows(() => trainer.restore({ epochs, tensors: { ...tensors, step: { data: Int32Array.of(-5), shape: [] } } }), 'ERR_BPTT_STATE', /"step" of 0 or more/);
  });
});
