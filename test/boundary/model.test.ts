import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { loadModel, saveModel } from '../../lib/formats/index.ts';
import { dense, embedding, gru, lstm } from '../../lib/layers/index.ts';
import { input, model, modelFromJSON, sequential } from '../../lib/model/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { squaredError } from '../../lib/losses/index.ts';
import { gradients } from '../../lib/training/index.ts';
import { processorTime } from '../support/clock.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { answersOrRefuses, answersOrRejects, hostileOptions, hostileValue } from '../support/hostile.ts';

const features = 3;

function featureModel(): Model {
  return sequential([gru({ units: 4 }), dense({ units: 2 })], { input: { features } });
}

function tokenModel(): Model {
  return sequential([embedding({ size: 3 }), lstm({ units: 4, output: 'last' }), dense({ units: 2 })], { input: { tokens: 5 } });
}

/** Data in every form that is accepted, and in forms that are not: numbers, nested arrays, tensors of other shapes. */
const hostileData: fc.Arbitrary<unknown> = fc.oneof(
  hostileValue,
  fc.array(fc.array(fc.array(fc.oneof(fc.double(), fc.constantFrom<unknown>(NaN, 1, 2, '3', null)), { maxLength: 4 }), { maxLength: 4 }), { maxLength: 3 }),
  fc.array(fc.array(fc.integer({ min: -1, max: 6 }), { maxLength: 4 }), { maxLength: 3 }),
  fc.record({ data: fc.constantFrom<unknown>(new Float32Array(12), new Int32Array(12), [1, 2, 3], 'x', null), shape: fc.array(fc.oneof(fc.integer({ min: -2, max: 5 }), fc.constantFrom(NaN, 0.5, 2 ** 40)), { maxLength: 4 }) }),
  fc.record({ input: fc.constantFrom<unknown>([[[1, 2, 3]]], [[1]], null, NaN), extra: fc.constant(1) }, { requiredKeys: [] }),
);

describe('boundary: a model answers or refuses with a typed error', () => {
  for (const [kind, make] of [['features', featureModel], ['tokens', tokenModel]] as const) {
    it(`predict of ${kind} with hostile data`, async () => {
      const tested = make();
      let refused = 0;
      await fc.assert(fc.asyncProperty(hostileData, async (data) => {
        if (!await answersOrRejects(() => tested.predict(data as never), data)) refused++;
      }), { numRuns: 150, seed: 11 });
      assert.ok(refused > 0);
    });

    it(`steps of ${kind} with hostile input`, () => {
      const tested = make();
      const stream = tested.stream();
      let refused = 0;
      fc.assert(fc.property(hostileData, (data) => {
        if (!answersOrRefuses(() => stream.step(data as never), data)) refused++;
      }), { numRuns: 200, seed: 12 });
      assert.ok(refused > 0);
      const before = stream.state;
      assert.throws(() => stream.step([NaN, NaN, NaN]));
      assert.deepEqual(stream.state, before, 'a refused step moves no state');
    });
  }

  it('predict with hostile options', async () => {
    const tested = featureModel();
    const data = [[[1, 2, 3], [4, 5, 6]]];
    await fc.assert(fc.asyncProperty(hostileOptions(['state', 'lengths', 'signal']), async (options) => {
      await answersOrRejects(() => tested.predict(data, options), options);
    }), { numRuns: 150, seed: 13 });
    await fc.assert(fc.asyncProperty(hostileValue, async (state) => {
      await answersOrRejects(() => tested.predict(data, { state: { 'gru/h': state } as never }), state);
    }), { numRuns: 100, seed: 14 });
  });

  it('weights, streams and definitions from hostile values', () => {
    const tested = featureModel();
    const property = (call: (value: unknown) => unknown): void => {
      fc.assert(fc.property(fc.oneof(hostileValue, hostileData), (value) => { answersOrRefuses(() => call(value), value); }), { numRuns: 120, seed: 15 });
    };
    property((value) => tested.setParameter('gru/weight_ih_l0', value as never));
    property((value) => tested.setParameter(value as never, [1]));
    property((value) => tested.stream(value as never));
    property((value) => tested.stream({ rows: typeof value === 'number' ? Math.min(value, 1000) : value as never }));
    property((value) => { const stream = tested.stream(); stream.state = value as never; });
    property((value) => { const stream = tested.stream(); stream.state = { 'gru/h': value } as never; });
    property((value) => tested.stream().reset(value as never));
    property((value) => modelFromJSON(value));
    property((value) => sequential(value as never, { input: { features: 2 } }));
    property((value) => sequential([dense({ units: 1 })], { input: value as never }));
    property((value) => sequential([dense({ units: 1 })], value as never));
    property((value) => model({ inputs: value as never, outputs: value as never }));
  });

  it('folders and gradients from hostile values', async () => {
    const tested = featureModel();
    const folder = mkdtempSync(path.join(tmpdir(), 'bptt-hostile-'));
    const batch = { input: [[[1, 2, 3]]], target: [[[1, 2]]] };
    const notText = hostileValue.filter((value) => typeof value !== 'string' || value === '');
    try {
      await fc.assert(fc.asyncProperty(notText, async (value) => {
        assert.equal(await answersOrRejects(() => saveModel(tested, value as never), value), false);
        assert.equal(await answersOrRejects(() => saveModel(value as never, path.join(folder, 'none')), value), false);
        assert.equal(await answersOrRejects(() => loadModel(value as never), value), false);
        if (await answersOrRejects(() => saveModel(tested, path.join(folder, 'saved'), { scalers: value } as never), value)) await loadModel(path.join(folder, 'saved'));
        await answersOrRejects(() => gradients(tested, batch, value as never), value);
        await answersOrRejects(() => gradients(tested, value as never, { loss: squaredError() }), value);
        await answersOrRejects(() => gradients(value as never, batch, { loss: squaredError() }), value);
        await answersOrRejects(() => gradients(tested, batch, { loss: squaredError(), state: value, span: value } as never), value);
      }), { numRuns: 100, seed: 18 });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('numbers too large for float32 are refused where memory is float32', async () => {
    const tested = featureModel();
    if (tested.runtime.name === 'reference') return;
    await assertRejects(() => tested.predict([[[1e39, 0, 0]]]), 'ERR_BPTT_DATA', /1e\+39/);
    assertThrows(() => tested.stream().step([0, -1e39, 0]), 'ERR_BPTT_DATA', /feature 1/);
    assertThrows(() => tested.setParameter('dense/bias', [1e39, 0]), 'ERR_BPTT_DATA');
    assertThrows(() => tested.stream().step([0, Symbol('x'), 10n] as never), 'ERR_BPTT_DATA');
  });

  it('inputs from hostile options', () => {
    let refused = 0;
    fc.assert(fc.property(hostileOptions(['name', 'tokens', 'vocabulary', 'features', 'time']), (options) => {
      if (!answersOrRefuses(() => input(options), options)) refused++;
    }), { numRuns: 200, seed: 16 });
    assert.ok(refused > 0);
  });

  it('definitions with one thing changed', () => {
    const text = JSON.stringify(featureModel());
    const paths: (string | number)[][] = [];
    const walk = (value: unknown, path: (string | number)[]): void => {
      if (path.length > 0) paths.push(path);
      if (typeof value === 'object' && value !== null) for (const [key, each] of Object.entries(value)) walk(each, [...path, key]);
    };
    walk(JSON.parse(text), []);
    let refused = 0;
    fc.assert(fc.property(fc.constantFrom(...paths), fc.oneof(hostileValue.filter((value) => !(typeof value === 'number' && value > 100)), fc.constant(undefined)), (path, value) => {
      const definition = JSON.parse(text) as Record<string | number, unknown>;
      const holder = path.slice(0, -1).reduce((inside, key) => inside[key] as Record<string | number, unknown>, definition);
      holder[path.at(-1)!] = value;
      if (!answersOrRefuses(() => modelFromJSON(definition), { path: path.join('.'), value })) refused++;
    }), { numRuns: 400, seed: 17 });
    assert.ok(refused > 0);
  });
});

describe('boundary: memory of callers', () => {
  it('a subarray with an offset gives what a copy gives', async () => {
    const tested = featureModel();
    const whole = Float32Array.from({ length: 40 }, (_, i) => Math.sin(i));
    const view = whole.subarray(7, 7 + 2 * 4 * features);
    const fromView = await tested.predict({ data: view, shape: [2, 4, features] });
    const fromCopy = await tested.predict({ data: view.slice(), shape: [2, 4, features] });
    assert.deepEqual(fromView.output.data, fromCopy.output.data);
    assert.notDeepEqual(fromView.output.data, (await tested.predict({ data: whole.subarray(0, view.length), shape: [2, 4, features] })).output.data);
  });

  it('what is written after the call does not reach the run', async () => {
    const tested = featureModel();
    const data = Float32Array.from({ length: 4 * features }, (_, i) => i / 10);
    const expected = await tested.predict({ data: data.slice(), shape: [1, 4, features] });
    const running = tested.predict({ data, shape: [1, 4, features] });
    data.fill(1e6);
    assert.deepEqual((await running).output.data, expected.output.data);
  });

  it('a transferred buffer is refused before the run and harmless during it', async () => {
    const tested = featureModel();
    const data = new Float32Array(4 * features).fill(0.5);
    const expected = await tested.predict({ data: data.slice(), shape: [1, 4, features] });
    const running = tested.predict({ data, shape: [1, 4, features] });
    structuredClone(data.buffer, { transfer: [data.buffer] });
    assert.deepEqual((await running).output.data, expected.output.data);
    await assertRejects(() => tested.predict({ data, shape: [1, 4, features] }), 'ERR_BPTT_DATA', /detached|transferred/);
  });

  it('shared memory works or is refused', async () => {
    const tested = featureModel();
    const data = new Float32Array(new SharedArrayBuffer(4 * 4 * features)).fill(0.5);
    const expected = await tested.predict({ data: Float32Array.from(data), shape: [1, 4, features] });
    const answered = await tested.predict({ data, shape: [1, 4, features] }).then((result) => result.output.data, (error: unknown) => { answersOrRefuses(() => { throw error; }, data); });
    if (answered) assert.deepEqual(answered, expected.output.data);
  });

  it('sizes that no memory holds are refused at once', () => {
    const milliseconds = processorTime(() => {
      for (const [units, width] of [[2 ** 31 - 1, 2 ** 31 - 1], [1e6, 1e6], [2 ** 26, 2 ** 26]] as const) {
        assertThrows(() => sequential([dense({ units })], { input: { features: width } }), 'ERR_BPTT_MEMORY');
        assertThrows(() => sequential([lstm({ units })], { input: { features: width } }), 'ERR_BPTT_MEMORY');
      }
    });
    assert.ok(milliseconds < 5000, `took ${milliseconds} ms`);
  });
});
