import assert from 'node:assert/strict';
import { adam, dense, elman, gradients, jordan, rnn, sequential, sgd, squaredError, Trainer } from '../../../lib/index.ts';
import type { Layer, Model } from '../../../lib/index.ts';
import { gradientCheck } from '../../../lib/analysis/index.ts';
import { assertThrows } from '../../support/errors.ts';
import { assertNear, flat, someSequences } from '../../support/models.ts';

const data = (steps: number): { input: number[][][]; target: number[][][] } => ({ input: someSequences([steps, steps], 2), target: someSequences([steps, steps], 2, 30) });

function built(layer: Layer, ...more: Layer[]): Model {
  return sequential([layer, ...more], { input: { features: 2 }, seed: 4 });
}

describe('jordan', () => {
  const layer = (decay: number, context: 'sum' | 'average'): Layer => jordan({ units: 3, outputs: 2, decay, context, name: 'net' });

  for (const [decay, context] of [[0.7, 'sum'], [0, 'sum'], [0.7, 'average']] as const) {
    it(`[18] Jordan: μ is the running ${context} of outputs, decay ${decay}, as its closed form says, before and after 100 updates`, async () => {
      const model = built(layer(decay, context));
      const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam({ learningRate: 0.02 }) });
      for (let round = 0; round < 2; round++) {
        const { output, state } = await model.predict(data(7).input);
        const expected = [0, 1].flatMap((row) => [0, 1].map((feature) => Array.from({ length: 7 }, (_, k) => (
          decay ** (6 - k) * (context === 'sum' ? 1 : 1 - decay) * output.data[(row * 7 + k) * 2 + feature]!)).reduce((sum, value) => sum + value, 0)));
        assertNear(state['net/context']!.data, expected, 'context');
        await trainer.fit(data(7), { epochs: 100 });
      }
    });
  }
  it('[18] Jordan: the context\'s weights do not learn: no parameter holds them, and all others move', async () => {
    const model = built(layer(0.5, 'sum'));
    assert.deepEqual(model.parameters.map(({ name, shape }) => [name.slice(4), shape.join('×')]), [['weight_ih', '2×3'], ['weight_ch', '2×3'], ['bias_h', '3'], ['weight_ho', '3×2'], ['bias_o', '2']]);
    const before = model.parameters.map(({ view }) => view.slice());
    await new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: 0.1 }) }).step(data(4));
    model.parameters.forEach(({ name, view }, i) => assert.ok(view.some((weight, k) => weight !== before[i]![k]), `${name} has not moved`));
  });
  it('[18] Jordan: equals its equations, step by step', async () => {
    const model = built(jordan({ units: 2, outputs: 1, decay: 0.6, activation: 'sigmoid', outputActivation: 'tanh', name: 'net' }));
    const [w, u, b, v, c] = ['weight_ih', 'weight_ch', 'bias_h', 'weight_ho', 'bias_o'].map((name) => [...model.parameter(`net/${name}`).view]) as [number[], number[], number[], number[], number[]];
    const input = someSequences([6], 2);
    let context = 0;
    const expected = input[0]!.map((x) => {
      const hidden = [0, 1].map((k) => 1 / (1 + Math.exp(-(x[0]! * w[k]! + x[1]! * w[2 + k]! + context * u[k]! + b[k]!))));
      const y = Math.tanh(hidden[0]! * v[0]! + hidden[1]! * v[1]! + c[0]!);
      context = 0.6 * context + y;
      return y;
    });
    assertNear(flat((await model.predict(input)).output.toArray()), expected, 'outputs');
  });
  it('[18] Jordan: has a memory that learns to use its outputs: it counts in turns of three', async () => {
    const model = built(jordan({ units: 12, outputs: 3, decay: 0.5 }));
    const turns = Array.from({ length: 12 }, (_, t) => [0, 1, 2].map((k) => Number(t % 3 === k)));
    const batch = { input: [turns.map((_, t) => [Number(t === 0), 0])], target: [turns] };
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam({ learningRate: 0.02 }) });
    const { epochs } = await trainer.fit(batch, { epochs: 400 });
    assert.ok(epochs.at(-1)!.loss < 0.01, `loss ${epochs.at(-1)!.loss}`);
  });
  it('refuses what does not fit', () => {
    assertThrows(() => jordan({ units: 2, outputs: 1, decay: 1 }), 'ERR_BPTT_RANGE', /decay/);
    assertThrows(() => jordan({ units: 2 } as never), 'ERR_BPTT_TYPE', /outputs to be a number/);
    assertThrows(() => jordan({ units: 2, outputs: 1, context: 'mean' as 'sum' }), 'ERR_BPTT_OPTION', /context to be one of "sum", "average"/);
  });
});

describe('elman', () => {
  const options = { loss: squaredError(), reduction: 'sum' as const };
  const same = (gradient: Awaited<ReturnType<typeof gradients>>): number[] => Object.values(gradient.parameters).flatMap(({ data: values }) => [...values]);
  const pair = (): Model[] => [built(elman({ units: 3, name: 'net' }), dense({ units: 2 })), built(rnn({ units: 3, name: 'net' }), dense({ units: 2 }))];

  it('Elman: has a gradient that is no derivative, and a check by differences says so', async () => {
    assert.equal((await gradientCheck(elman({ units: 3 }))).passed, false);
    assert.equal((await gradientCheck(rnn({ units: 3 }))).passed, true);
  });

  it('[19] Elman: the simple recurrent network forward, with the gradient of truncation after one step', async () => {
    const [one, full] = pair() as [Model, Model];
    assert.deepEqual([...(await one.predict(data(6).input)).output.data], [...(await full.predict(data(6).input)).output.data]);
    const [own, cut, whole] = [same(await gradients(one, data(6), options)), same(await gradients(full, data(6), { ...options, span: 1 })), same(await gradients(full, data(6), options))];
    assertNear(own, cut, 'truncated to one step');
    assert.ok(own.some((value, i) => Math.abs(value - whole[i]!) > 1e-3), 'differs from full backpropagation through time');
  });
  it('[19] Elman: trains like the recurrent layer under truncation of one step with one update', async () => {
    const [one, full] = pair() as [Model, Model];
    const trainers = [new Trainer(one, { ...options, optimizer: sgd({ learningRate: 0.05 }) }), new Trainer(full, { ...options, optimizer: sgd({ learningRate: 0.05 }), truncation: { update: 6, gradient: 1 } })];
    for (const trainer of trainers) for (let step = 0; step < 3; step++) await trainer.step(data(6));
    one.parameters.forEach(({ name, view }) => assertNear(view, full.parameter(name).view, name));
  });
  it('[19] Elman: the gradient is the sum of one-step derivatives, each with the state before it as a given input', async () => {
    const model = built(elman({ units: 1, activation: 'tanh', name: 'net' }));
    const [w0, w1] = [...model.parameter('net/weight_ih_l0').view] as [number, number];
    const [u, b] = [model.parameter('net/weight_hh_l0').view[0]!, model.parameter('net/bias_ih_l0').view[0]!];
    const input = someSequences([5], 2);
    const target = someSequences([5], 1, 30);
    let h = 0;
    const expected = { u: 0, b: 0 };
    input[0]!.forEach((x, t) => {
      const next = Math.tanh(w0 * x[0]! + w1 * x[1]! + u * h + b);
      const delta = 2 * (next - target[0]![t]![0]!) * (1 - next * next);
      expected.u += delta * h;
      expected.b += delta;
      h = next;
    });
    const { parameters } = await gradients(model, { input, target }, options);
    assertNear([parameters['net/weight_hh_l0']!.data[0]!, parameters['net/bias_ih_l0']!.data[0]!], [expected.u, expected.b], 'gradients');
  });
  it('[19] Elman: a loss at the end reaches the last input and no other', async () => {
    const model = built(elman({ units: 3, output: 'last' }), dense({ units: 2 }));
    const { inputs, states } = await gradients(model, { input: someSequences([5], 2), target: [[1, 0]] }, options);
    assert.deepEqual(Array.from({ length: 5 }, (_, step) => inputs['input']!.data.subarray(2 * step, 2 * step + 2).some((value) => value !== 0)), [false, false, false, false, true]);
    assert.ok(Object.values(states).every(({ data: values }) => values.every((value) => value === 0)));
  });
  it('refuses a learned beginning, which nothing would teach', () => {
    assertThrows(() => elman({ units: 2, initialState: 'learned' }), 'ERR_BPTT_OPTION', /no gradient goes back to a state/);
  });
});
