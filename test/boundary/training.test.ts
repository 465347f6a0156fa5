import assert from 'node:assert/strict';
import fc from 'fast-check';
import { adam, binaryCrossEntropy, BpttError, crossEntropy, dense, embedding, gru, sequential, sgd, squaredError, Trainer } from '../../lib/index.ts';
import type { Model } from '../../lib/index.ts';
import { textStream } from '../../lib/data/index.ts';
import { assertRejects } from '../support/errors.ts';
import { answersOrRefuses, answersOrRejects, hostileOptions, hostileValue } from '../support/hostile.ts';

const tokens = 5;

function tokenModel(): Model {
  return sequential([embedding({ size: 3 }), gru({ units: 4 }), dense({ units: tokens })], { input: { tokens } });
}

function trainerOf(model: Model): Trainer {
  return new Trainer(model, { loss: crossEntropy(), optimizer: sgd({ learningRate: 0.1 }) });
}

function weightsOf(model: Model): number[][] {
  return model.parameters.map(({ view }) => [...view]);
}

const right = { input: [[1, 2, 3], [4, 0, 1]], target: [[2, 3, 4], [0, 1, 2]] };

const hostileTarget: fc.Arbitrary<unknown> = fc.oneof(
  hostileValue,
  fc.array(fc.array(fc.oneof(fc.integer({ min: -1, max: 6 }), fc.constantFrom<unknown>(NaN, 0.5, null, '1')), { maxLength: 4 }), { maxLength: 3 }),
  fc.record({ data: fc.constantFrom<unknown>(new Int32Array(6), new Float32Array(6), [1]), shape: fc.array(fc.integer({ min: -1, max: 4 }), { maxLength: 3 }) }),
);

describe('boundary: a trainer answers or refuses with a typed error', () => {
  it('targets outside of what the loss means', async () => {
    const model = sequential([gru({ units: 3, output: 'last' }), dense({ units: 1 })], { input: { features: 1 } });
    const trainer = new Trainer(model, { loss: binaryCrossEntropy(), optimizer: sgd({ learningRate: 0.1 }) });
    const input = [[[1], [2]], [[0], [1]]];
    await trainer.step({ input, target: [[0], [1]] });
    await assertRejects(() => trainer.step({ input, target: [[-1], [1]] }), 'ERR_BPTT_DATA', /from 0 to 1 for binaryCrossEntropy, received -1; scale or relabel/);
  });

  it('options', () => {
    const model = tokenModel();
    const options = ['loss', 'optimizer', 'clip', 'l2', 'reduction', 'truncation', 'carryState', 'seed', 'lossOn'];
    const complete = { loss: crossEntropy(), optimizer: sgd({}) };
    assert.ok(answersOrRefuses(() => new Trainer(model, complete), complete));
    let refused = 0;
    fc.assert(fc.property(hostileOptions(options), fc.boolean(), (given, whole) => {
      const tried = (whole ? { ...complete, ...given } : given) as never;
      if (!answersOrRefuses(() => new Trainer(model, tried), tried)) refused++;
    }), { numRuns: 300, seed: 21 });
    assert.ok(refused > 0);
    fc.assert(fc.property(hostileValue, (value) => { answersOrRefuses(() => new Trainer(model, value as never), value); }), { numRuns: 80, seed: 21 });
    fc.assert(fc.property(hostileValue, (value) => { answersOrRefuses(() => new Trainer(value as never, complete), value); }), { numRuns: 80, seed: 21 });
    fc.assert(fc.property(fc.constantFrom('update', 'gradient', 'value', 'norm', 'globalNorm', 'input', 'recurrent', 'bias'), hostileValue, (name, value) => {
      for (const option of ['truncation', 'clip', 'l2']) {
        const tried = { ...complete, [option]: { [name]: value } };
        answersOrRefuses(() => new Trainer(model, tried), tried);
      }
    }), { numRuns: 200, seed: 21 });
  });

  it('batches', async () => {
    const model = tokenModel();
    const trainer = trainerOf(model);
    await trainer.step(right);
    let refused = 0;
    const fields = fc.constantFrom('input', 'target', 'lengths', 'weights', 'fresh', 'extra');
    await fc.assert(fc.asyncProperty(fields, hostileTarget, async (field, value) => {
      const before = weightsOf(model);
      if (await answersOrRejects(() => trainer.step({ ...right, [field]: value }), { field, value })) return;
      refused++;
      assert.deepEqual(weightsOf(model), before, 'a refused batch changes no weight');
    }), { numRuns: 300, seed: 22 });
    assert.ok(refused > 0);
    await fc.assert(fc.asyncProperty(hostileValue, async (value) => { await answersOrRejects(() => trainer.step(value as never), value); }), { numRuns: 80, seed: 22 });
    await fc.assert(fc.asyncProperty(hostileValue, async (value) => { await answersOrRejects(() => trainer.step(right, value as never), value); }), { numRuns: 80, seed: 22 });
    await fc.assert(fc.asyncProperty(hostileValue, async (value) => { await answersOrRejects(() => trainer.step(right, { signal: value } as never), value); }), { numRuns: 80, seed: 22 });
    await trainer.step(right);
  });

  it('fit and evaluate', async () => {
    const trainer = trainerOf(tokenModel());
    const data = textStream([0, 1, 2, 3, 4, 0, 1, 2, 3], { batch: 2, steps: 2 });
    await trainer.fit(data, { epochs: 1 });
    const small = hostileOptions(['epochs', 'seconds', 'validation', 'callbacks', 'signal']).filter(({ epochs, seconds }) => (
      !(typeof epochs === 'number' && epochs > 5) && !(typeof seconds === 'number' && seconds > 0.5)));
    let refused = 0;
    await fc.assert(fc.asyncProperty(small, async (options) => {
      if (!await answersOrRejects(async () => trainer.fit(data, options), options)) refused++;
    }), { numRuns: 120, seed: 23 });
    assert.ok(refused > 0);
    await fc.assert(fc.asyncProperty(hostileValue, async (value) => { await answersOrRejects(async () => trainer.fit(value as never, { epochs: 1 }), value); }), { numRuns: 80, seed: 23 });
    await fc.assert(fc.asyncProperty(hostileValue, async (value) => { await answersOrRejects(async () => trainer.fit([value] as never, { epochs: 1 }), value); }), { numRuns: 80, seed: 23 });
    await fc.assert(fc.asyncProperty(hostileValue, async (value) => { await answersOrRejects(() => trainer.evaluate(value as never), value); }), { numRuns: 80, seed: 23 });
    await fc.assert(fc.asyncProperty(hostileValue, async (value) => { await answersOrRejects(() => trainer.evaluate(data, value as never), value); }), { numRuns: 80, seed: 23 });
    fc.assert(fc.property(hostileValue, (value) => { answersOrRefuses(() => trainer.restore(value as never), value); }), { numRuns: 80, seed: 23 });
    await trainer.fit(data, { epochs: 1 });
  });

  it('numbers that blow up: the update is not made, the step, the layer and the operation are named, and training can go on', async () => {
    const model = sequential([gru({ units: 3 }), dense({ units: 1 })], { input: { features: 2 } });
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam() });
    const batch = { input: [[[1, 2], [3, 4]]], target: [[[1], [2]]] };
    await trainer.step(batch);
    const weight = model.parameter('dense/weight');
    const saved = [...weight.view];
    model.setParameter('dense/weight', Float64Array.from(saved, () => (model.runtime.name === 'native' ? 3e38 : 1e308)));
    const before = weightsOf(model);
    const state = JSON.stringify(trainer.state());
    await assert.rejects(() => trainer.step(batch), (error: unknown) => {
      assert.ok(error instanceof BpttError);
      assert.equal(error.code, 'ERR_BPTT_NON_FINITE');
      assert.match(error.message, /\b2\b/, 'the number of the update');
      assert.match(error.message, /dense|squared|loss/i, 'the place');
      return true;
    });
    assert.deepEqual(weightsOf(model), before);
    assert.equal(JSON.stringify(trainer.state()), state);
    model.setParameter('dense/weight', Float64Array.from(saved));
    await trainer.step(batch);
  });

  it('zero-length sequences, NaN and tokens outside of the vocabulary have their own codes', async () => {
    const trainer = trainerOf(tokenModel());
    await assertRejects(() => trainer.step({ input: [[1, 2], []], target: [[1, 2], []] }), 'ERR_BPTT_DATA');
    await assertRejects(() => trainer.step({ input: [[1, 5]], target: [[1, 1]] }), 'ERR_BPTT_VOCABULARY', /5/);
    await assertRejects(() => trainer.step({ input: [[1, 1]], target: [[1, 5]] }), 'ERR_BPTT_VOCABULARY', /5/);
    await assertRejects(() => trainer.step({ input: [], target: [] }), 'ERR_BPTT_DATA');
  });
});
