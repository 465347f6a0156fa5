import assert from 'node:assert/strict';
import { concat, constant, elementCount, gradient, multiply, reshape, sum } from '../../lib/graph/index.ts';
import { createNativeRuntime, loadNative } from '../../lib/runtime/index.ts';
import { dense, referenceRuntime, sequential, sgd, squaredError, Trainer } from '../../lib/index.ts';
import type { Layer, Runtime } from '../../lib/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { checkGradient } from './gradient-check.ts';
import { someSequences } from './models.ts';
import { largestDifference, someNumbers } from './numbers.ts';
import { buildLayer, numbersFor, runTestLayer } from './scope.ts';
import { numbers, relativeError, type Numbers } from './tensors.ts';

const [steps, rows, features] = [6, 3, 2];
const lengths = [6, 2, 4];
const x = numbers([steps, rows, features], someNumbers(steps * rows * features, 8));

/** Row `row` of [T, N, C], its first `count` steps: [count, 1, C]. */
function rowOf({ shape, data }: Numbers, row: number, count: number): Numbers {
  const [, all, width] = shape as [number, number, number];
  return numbers([count, 1, width], Array.from({ length: count }, (_, t) => [...data.subarray((t * all + row) * width, (t * all + row + 1) * width)]).flat());
}

function testGradients(layer: Layer, ragged: boolean): void {
  const probe = buildLayer({ layer, x });
  const state = Object.fromEntries([...probe.scope.requests.states].map(([path, { shape }]) => [path, numbersFor(`state ${path}`, shape)]));
  const { scope, x: leaf, signal, inputs } = buildLayer({ layer, x, state, ...(ragged ? { lengths } : {}) });
  const finals = [...scope.requests.carried.values()].map(({ final }) => final);
  const result = concat([signal.value, ...finals].map((value) => reshape(value, [-1])), 0);
  checkGradient(result, [leaf, ...[...scope.requests.parameters.values()].map(({ value }) => value), ...scope.requests.states.values()], { inputs });
}

function testRagged(layer: Layer): void {
  const spoilt = numbers(x.shape, x.data.map((value, i) => (Math.floor(i / (rows * features)) < lengths[Math.floor(i / features) % rows]! ? value : NaN)));
  const together = runTestLayer({ layer, x: spoilt, lengths });
  lengths.forEach((length, row) => {
    const alone = runTestLayer({ layer, x: rowOf(x, row, length) });
    const whole = rowOf(together.output, row, steps);
    const width = whole.shape[2]!;
    assert.deepEqual([...whole.data.subarray(0, length * width)], [...alone.output.data], `row ${row}`);
    assert.ok(whole.data.subarray(length * width).every((value) => value === 0), `padding of row ${row}`);
    for (const [path, { shape, data }] of Object.entries(together.final)) {
      const size = elementCount(shape) / rows;
      assert.deepEqual([...data.subarray(row * size, (row + 1) * size)], [...alone.final[path]!.data], `final ${path} of row ${row}`);
    }
  });
  const { scope, x: leaf, signal, inputs } = buildLayer({ layer, x: spoilt, lengths });
  const loss = sum(multiply(signal.value, constant(someNumbers(elementCount(signal.value.shape), 3), signal.value.shape)));
  const found = evaluate(gradient(loss, [leaf, ...[...scope.requests.parameters.values()].map(({ value }) => value)]).gradients, { inputs });
  for (const { data } of found) assert.ok(data.every((value) => Number.isFinite(value)), 'what stands in the padding reaches a gradient');
}

function testCarrying(layer: Layer): void {
  const whole = runTestLayer({ layer, x });
  for (const chunk of [1, 2, 4]) {
    let state: Record<string, ArrayLike<number>> | undefined;
    for (let from = 0; from < steps; from += chunk) {
      const to = Math.min(steps, from + chunk);
      const size = rows * features;
      const part = runTestLayer({ layer, x: numbers([to - from, rows, features], x.data.subarray(from * size, to * size)), ...(state ? { state } : {}) });
      const width = whole.output.shape[2]! * rows;
      assert.deepEqual([...part.output.data], [...whole.output.data.subarray(from * width, to * width)], `steps ${from} to ${to}`);
      state = Object.fromEntries(Object.entries(part.final).map(([path, { data }]) => [path, data]));
    }
    for (const [path, { data }] of Object.entries(whole.final)) assert.equal(largestDifference(Array.from(state![path]!), data), 0, path);
  }
}

async function run(layer: Layer, runtime: Runtime): Promise<ArrayLike<number>[]> {
  const model = sequential([layer, dense({ units: 2 })], { input: { features }, seed: 3, runtime });
  const trainer = new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: 0.1 }), truncation: { update: 3, gradient: 4 } });
  const batch = { input: someSequences([7, 3, 5], features), target: someSequences([7, 3, 5], 2, 9) };
  const { output, state } = await model.predict(batch.input);
  const losses = [(await trainer.step(batch)).loss, (await trainer.step(batch)).loss];
  return [output.data, losses, ...Object.values(state).map(({ data }) => data), ...model.parameters.map(({ view }) => Float64Array.from(view))];
}

async function testStream(layer: Layer): Promise<void> {
  const model = sequential([layer, dense({ units: 2 })], { input: { features }, seed: 3 });
  const sequences = someSequences([9], features);
  const { output, state } = await model.predict(sequences);
  const stream = model.stream();
  const streamed = sequences[0]!.flatMap((step) => [...stream.step(step)]);
  assert.deepEqual(streamed, [...output.data]);
  for (const [path, { data }] of Object.entries(state)) assert.deepEqual([...stream.state[path]!.data], [...data], path);
}

/** Tests that hold for every layer over time with a memory of its own, which reads 2 features and gives a sequence: one call gives a layer all of them. */
export function testMemoryLayer(title: string, layer: Layer): void {
  describe(title, () => {
    it('has the gradients that central differences have, of parameters, input and initial states', () => testGradients(layer, false));
    it('has them over rows of different lengths', () => testGradients(layer, true));
    it('treats a row among others as it does alone, whatever the padding holds', () => testRagged(layer));
    it('in parts equals the whole run, bit for bit', () => testCarrying(layer));
    it('streams what it predicts, bit for bit', () => testStream(layer));
    it('predicts and trains natively as on the reference', async function () {
      const native = loadNative();
      if (!('module' in native)) return this.skip();
      const [expected, actual] = [await run(layer, referenceRuntime), await run(layer, createNativeRuntime(native.module))];
      expected.forEach((values, at) => assert.ok(relativeError(actual[at]!, values, 1e-3) <= 1e-4, `result ${at}`));
    });
  });
}
