import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sequences } from '../../lib/data/index.ts';
import { adam, dense, exponentialDecay, loadModel, lstm, narx, narxFrom, saveModel, sequential, squaredError, Trainer } from '../../lib/index.ts';
import type { Narx, NarxSeries } from '../../lib/index.ts';
import { uniformSource } from '../../lib/random.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { assertNear } from '../support/models.ts';

type Law = (y1: number, y2: number, x1: number) => number;

/** A damped swing. */
const linear: Law = (y1, y2, x1) => 1.2 * y1 - 0.5 * y2 + 0.4 * x1;
/** One that no sum of its past can give. */
const bent: Law = (y1, y2, x1) => 0.6 * y1 - 0.3 * y1 * y2 + 0.5 * x1 * x1;

/** A second-order system, y_t = law(y_{t−1}, y_{t−2}, x_{t−1}), driven by noise. */
function secondOrder(steps: number, seed: number, law = linear): { input: number[]; output: number[] } {
  const random = uniformSource(seed, 'drive');
  const drive = Array.from({ length: steps }, () => 2 * random() - 1);
  const output: number[] = [];
  for (let t = 0; t < steps; t++) output.push(law(output[t - 1] ?? 0, output[t - 2] ?? 0, drive[t - 1] ?? 0));
  return { input: drive, output };
}

function part({ input, output }: { input: number[]; output: number[] }, from: number, to: number): { input: number[]; output: number[] } {
  return { input: input.slice(from, to), output: output.slice(from, to) };
}

function meanSquare(a: ArrayLike<number>, b: ArrayLike<number>): number {
  assert.equal(a.length, b.length);
  return Array.from(a).reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0) / a.length;
}

async function taught(system: Narx, series: NarxSeries, epochs: number): Promise<Narx> {
  const trainer = new Trainer(system.model, { loss: squaredError(), optimizer: adam({ learningRate: exponentialDecay({ learningRate: 0.05, factor: 0.1, steps: 800 }) }) });
  await trainer.fit(sequences(system.examples(series, { length: 50 }), { batch: 4, shuffle: true }), { epochs });
  return system;
}

describe('narx', () => {
  const small = (seed = 3): Narx => narx({ inputs: 1, outputs: 1, inputDelays: [1], outputDelays: [1, 2], transition: [dense({ units: 1 })], seed });

  it('[17] NARX: recovers a known second-order system: its coefficients, and 100 steps in closed loop with an error below 1e-4', async () => {
    const system = await taught(small(), secondOrder(400, 1), 300);
    const [weight, bias] = ['dense/weight', 'dense/bias'].map((name) => system.model.parameter(`nonlinearAutoregression/${name}`).view);
    assertNear(weight!, [0.4, 1.2, -0.5], 'coefficients', 1e-3);
    assertNear(bias!, [0], 'bias', 1e-3);
    const fresh = secondOrder(160, 9);
    const ahead = await system.forecast({ past: part(fresh, 0, 60), input: fresh.input.slice(60) });
    assert.deepEqual(ahead.shape, [100, 1]);
    const error = meanSquare(ahead.data, fresh.output.slice(60));
    assert.ok(error < 1e-4, `mean squared error ${error}`);
  });

  it('[17] NARX: follows a nonlinear system in closed loop where a linear model cannot', async () => {
    const series = secondOrder(400, 1, bent);
    const fresh = secondOrder(160, 9, bent);
    const errorOf = async (system: Narx): Promise<number> => {
      await taught(system, series, 400);
      return meanSquare((await system.forecast({ past: part(fresh, 0, 60), input: fresh.input.slice(60) })).data, fresh.output.slice(60));
    };
    const [bentError, linearError] = [await errorOf(narx({ inputs: 1, outputs: 1, inputDelays: [1], outputDelays: [1, 2], seed: 3 })), await errorOf(small())];
    assert.ok(bentError < linearError / 10 && bentError < 1e-3, `${bentError} against ${linearError}`);
  });

  it('[17] NARX: the open loop, fed what the closed one gives, gives the same', async () => {
    const system = narx({ inputs: 2, outputs: 2, inputDelays: [0, 2], outputDelays: [1, 3], seed: 5 });
    const drive = Array.from({ length: 12 }, (_, t) => [Math.sin(t), Math.cos(2 * t)]);
    const own = await system.forecast({ input: drive });
    const open = await system.predict({ input: drive, output: own });
    assertNear(open.data, own.data, 'open loop', 1e-6);
    const measured = await system.predict({ input: drive, output: drive });
    assert.ok(meanSquare(measured.data, own.data) > 1e-4, 'the measured output matters');
  });

  it('[17] NARX: a forecast goes on where the measured past ends, and as far as one would step by hand', async () => {
    const system = small();
    const series = secondOrder(30, 2);
    const { data } = await system.forecast({ past: part(series, 0, 20), input: series.input.slice(20) });
    const past = [...series.output.slice(0, 20)];
    const [[a, b, c], [d]] = ['dense/weight', 'dense/bias'].map((name) => [...system.model.parameter(`nonlinearAutoregression/${name}`).view]) as [[number, number, number], [number]];
    for (let t = 20; t < 30; t++) past.push(a * series.input[t - 1]! + b * past[t - 1]! + c * past[t - 2]! + d);
    assertNear(data, past.slice(20), 'forecast', 1e-5);
  });

  it('[17] NARX: its states are the last inputs and outputs, and no output sees its own measurement', async () => {
    const system = small();
    const given = { input: [[[1], [2], [3]]], output: [[[4], [5], [6]]] };
    const { state, output } = await system.model.predict(given);
    assert.deepEqual(Object.fromEntries(Object.entries(state).map(([name, { data }]) => [name, [...data]])), { 'nonlinearAutoregression/inputs': [3], 'nonlinearAutoregression/outputs': [5, 6] });
    const other = await system.model.predict({ ...given, output: [[[4], [5], [60]]] });
    assert.deepEqual([...other.output.data], [...output.data]);
  });

  it('[17] NARX: can be trained on its own outputs too, and both loops have the same weights', async () => {
    const system = small(8);
    const series = secondOrder(60, 4);
    const closed = system.closedLoop();
    const trainer = new Trainer(closed, { loss: squaredError(), optimizer: adam({ learningRate: 0.01 }) });
    const batch = { input: [series.input.map((value) => [value])], target: [series.output.map((value) => [value])] };
    const before = (await trainer.step(batch)).loss;
    await trainer.fit(batch, { epochs: 600 });
    const after = meanSquare((await system.forecast({ input: series.input })).data, series.output);
    assert.ok(after < before / 20, `${before} became ${after}`);
    assert.equal(system.closedLoop(), closed);
    for (const { name, view } of closed.parameters) assert.deepEqual(system.model.parameter(name).view, view);
  });

  it('[17] NARX: a forecast in the middle of training takes nothing back, whichever loop is trained', async () => {
    const series = secondOrder(40, 4);
    const column = (values: readonly number[]): number[][][] => [values.map((value) => [value])];
    const train = async (trained: 'closed' | 'open', looking: boolean): Promise<number[][]> => {
      const system = small(8);
      const taughtModel = trained === 'closed' ? system.closedLoop() : system.model;
      const trainer = new Trainer(taughtModel, { loss: squaredError(), optimizer: adam({ learningRate: 0.01 }) });
      const batch = { input: trained === 'closed' ? column(series.input) : { input: column(series.input), output: column(series.output) }, target: column(series.output) };
      for (let update = 0; update < 5; update++) {
        await trainer.step(batch);
        if (looking) await Promise.all([system.forecast({ input: series.input }), system.forecast({ past: part(series, 0, 9), input: [1, 2] }), system.predict(series)]);
      }
      return system.model.parameters.map(({ view }) => [...view]);
    };
    for (const trained of ['closed', 'open'] as const) assert.deepEqual(await train(trained, true), await train(trained, false));
  });

  it('[17] NARX: nobody reads the weights of one loop while the other one learns', async () => {
    const system = small(8);
    const closed = system.closedLoop();
    const stream = closed.stream();
    const given = [[[1], [2], [3]]];
    const step = new Trainer(system.model, { loss: squaredError(), optimizer: adam() }).step({ input: { input: given, output: given }, target: given });
    await Promise.resolve();
    await Promise.resolve();
    assertThrows(() => stream.step([1]), 'ERR_BPTT_BUSY', /training step is writing the weights/);
    await step;
    stream.step([1]);
  });

  it('cuts a series into examples in which every step beyond the first ones counts once', () => {
    const examples = small().examples({ input: [0, 1, 2, 3, 4, 5, 6], output: [10, 11, 12, 13, 14, 15, 16] }, { length: 3 });
    assert.deepEqual(examples.map(({ target, weights }) => [...(target as { data: Float64Array }).data].filter((_, i) => (weights as Float32Array)[i] === 1)), [[12, 13, 14], [15, 16]]);
    assert.equal(small().examples({ input: [0, 1, 2, 3], output: [0, 1, 2, 3] }).length, 1);
    assertThrows(() => small().examples({ input: [0, 1], output: [0, 1] }), 'ERR_BPTT_DATA', /more than 2 steps/);
    assertThrows(() => small().examples({ input: [0, 1, 2], output: [0, 1, 2, 3] }), 'ERR_BPTT_SHAPE', /as many steps of output/);
  });

  it('is saved and loaded as its model', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'narx-'));
    try {
      const system = small(6);
      await saveModel(system.model, path.join(folder, 'plant'));
      const again = narxFrom(await loadModel(path.join(folder, 'plant')));
      const drive = [1, 0, -1, 0.5];
      assert.deepEqual([...(await again.forecast({ input: drive })).data], [...(await system.forecast({ input: drive })).data]);
    } finally {
      await rm(folder, { recursive: true });
    }
    assertThrows(() => narxFrom(sequential([lstm({ units: 2 })], { input: { features: 1 } })), 'ERR_BPTT_OPTION', /one nonlinearAutoregression/);
  });

  it('refuses what does not fit', async () => {
    assertThrows(() => narx({ inputs: 1, outputs: 1, outputDelays: [0] }), 'ERR_BPTT_RANGE', /outputDelays to be an integer from 1 to 65536/);
    assertThrows(() => narx({ inputs: 1, outputs: 1, inputDelays: [1, 1] }), 'ERR_BPTT_OPTION', /different numbers of steps/);
    assertThrows(() => narx({ inputs: 1, outputs: 1, delays: [1] } as never), 'ERR_BPTT_OPTION', /unknown option "delays"/);
    assertThrows(() => narx({ inputs: 1, outputs: 2, transition: [dense({ units: 3 })] }), 'ERR_BPTT_SHAPE', /transition to give 2 features, received 3/);
    assertThrows(() => narx({ inputs: 1, outputs: 1, transition: [lstm({ units: 1, output: 'last' })] }), 'ERR_BPTT_SHAPE');
    await assertRejects(() => small().forecast({ input: [[1, 2]] }), 'ERR_BPTT_SHAPE', /input of shape \[L, 1\]/);
    await assertRejects(() => small().model.predict({ input: [[[1], [2]]], output: [[[1]]] }), 'ERR_BPTT_SHAPE', /joins them step by step/);
  });

  it('a forecast wants as much of the past as its delays reach back, or none at all', async () => {
    const system = narx({ inputs: 1, outputs: 1, inputDelays: [1, 4], outputDelays: [1, 2], seed: 3 });
    assert.equal(system.reach, 4);
    const series = secondOrder(12, 2);
    const forecast = async (past: NarxSeries): Promise<number[]> => [...(await system.forecast({ past, input: series.input.slice(8) })).data];
    for (const steps of [1, 3]) await assertRejects(() => forecast(part(series, 8 - steps, 8)), 'ERR_BPTT_DATA', new RegExp(`past of at least 4 steps, .*received ${steps}; give more of`));
    assertNear(await forecast(part(series, 4, 8)), await forecast(part(series, 0, 8)), 'the last four steps are all that is read', 1e-6);
    const rest = { input: [0, 0, 0, 0], output: [0, 0, 0, 0] };
    assertNear(await forecast(rest), (await system.forecast({ input: series.input.slice(8) })).data, 'no past is rest', 1e-6);
  });
});
