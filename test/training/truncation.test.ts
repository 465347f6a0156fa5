import assert from 'node:assert/strict';
import { dense, embedding, gru, lstm, rnn } from '../../lib/layers/index.ts';
import type { Layer } from '../../lib/layers/index.ts';
import { crossEntropy, squaredError } from '../../lib/losses/index.ts';
import { sequential } from '../../lib/model/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { sgd } from '../../lib/optimizers/index.ts';
import { gradients, Trainer } from '../../lib/training/index.ts';
import { planChunks } from '../../lib/training/chunks.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { assertNear, someSequences, weightsOf } from '../support/models.ts';

const still = 1e-30;

function built(layers: readonly Layer[] = [lstm({ units: 3 }), dense({ units: 2 })]): Model {
  return sequential(layers, { input: { features: 2 }, seed: 4 });
}

function data(rows: number, steps: number): { input: number[][][]; target: number[][][] } {
  return { input: someSequences(new Array<number>(rows).fill(steps), 2), target: someSequences(new Array<number>(rows).fill(steps), 2, 30) };
}

/** How plain gradient descent with a rate of 1 changed the weights: the gradient that a trainer used. */
async function trainedGradient(layers: () => Layer[], batch: ReturnType<typeof data>, truncation?: { update: number; gradient?: number }): Promise<Record<string, number[]>> {
  const made = built(layers());
  const before = weightsOf(made);
  await new Trainer(made, { loss: squaredError(), reduction: 'sum', optimizer: sgd({ learningRate: 1 }), ...(truncation ? { truncation } : {}) }).step(batch);
  return Object.fromEntries(made.parameters.map(({ name, view }) => [name, [...view].map((weight, i) => before[name]![i]! - weight)]));
}

describe('training: truncated backpropagation', () => {
  const stacks: (() => Layer[])[] = [
    () => [lstm({ units: 3 }), dense({ units: 2 })],
    () => [gru({ units: 3, layers: 2, initialState: 'learned' }), dense({ units: 2 })],
    () => [rnn({ units: 3, direction: 'bidirectional' }), dense({ units: 2 })],
  ];

  it('a span of T or more is the full gradient; a shorter one is not', async () => {
    for (const layers of stacks) {
      const made = built(layers());
      const full = await gradients(made, data(2, 6), { loss: squaredError() });
      for (const span of [6, 7, 100]) assert.deepEqual(await gradients(made, data(2, 6), { loss: squaredError(), span }), full);
      const short = await gradients(made, data(2, 6), { loss: squaredError(), span: 2 });
      assertNear([short.loss], [full.loss], 'loss');
      const name = made.parameters.find(({ group }) => group === 'recurrent')!.name;
      assert.notDeepEqual(short.parameters[name]!.data, full.parameters[name]!.data);
    }
  });

  it('a span of k is the sum over parts of k steps, each begun with the state before it', async () => {
    for (const layers of stacks.slice(0, 2)) {
      for (const span of [1, 2, 4]) {
        const made = built(layers());
        const batch = data(2, 6);
        const truncated = await gradients(made, batch, { loss: squaredError(), reduction: 'sum', span });
        const sums = Object.fromEntries(made.parameters.map(({ name, count }) => [name, new Float64Array(count)]));
        let state = {};
        for (let start = 0; start < 6; start += span) {
          const cut = (rows: number[][][]): number[][][] => rows.map((row) => row.slice(start, start + span));
          const part = await gradients(made, { input: cut(batch.input), target: cut(batch.target) }, { loss: squaredError(), reduction: 'sum', state });
          for (const [name, sum] of Object.entries(sums)) part.parameters[name]!.data.forEach((number, i) => { sum[i] = sum[i]! + number; });
          ({ state } = await made.predict(cut(batch.input), { state }));
        }
        for (const [name, sum] of Object.entries(sums)) assertNear(truncated.parameters[name]!.data, sum, `${name}, span ${span}`);
      }
    }
  });

  it('a span of 1 is Elman: only one step back', async () => {
    const made = built([rnn({ units: 3, output: 'last' }), dense({ units: 2 })]);
    const { inputs } = await gradients(made, { input: someSequences([5], 2), target: [[1, 0]] }, { loss: squaredError(), span: 1 });
    const reached = Array.from({ length: 5 }, (_, step) => inputs['input']!.data.subarray(2 * step, 2 * step + 2).some((number) => number !== 0));
    assert.deepEqual(reached, [false, false, false, false, true]);
  });

  it('ragged rows are cut like each alone', async () => {
    const made = built();
    const lengths = [5, 2, 3];
    const batch = { input: someSequences(lengths, 2), target: someSequences(lengths, 2, 30) };
    const options = { loss: squaredError(), reduction: 'sum' as const, span: 2 };
    const together = await gradients(made, batch, options);
    const alone = await Promise.all(lengths.map((_, i) => gradients(made, { input: [batch.input[i]!], target: [batch.target[i]!] }, options)));
    for (const { name, count } of made.parameters) {
      assertNear(together.parameters[name]!.data, Float64Array.from({ length: count }, (_, k) => alone.reduce((sum, part) => sum + part.parameters[name]!.data[k]!, 0)), name);
    }
  });

  it('plans its parts: every step has a loss once, none reaches back too far', () => {
    for (let total = 1; total <= 12; total++) {
      for (let update = 1; update <= 5; update++) {
        for (let gradient = 1; gradient <= 13; gradient++) {
          const chunks = planChunks(total, { update, gradient });
          let done = 0;
          let stateAt = 0;
          for (const { start, steps, lossSteps, advance } of chunks) {
            assert.equal(start, stateAt);
            assert.equal(start + steps - lossSteps, done);
            assert.ok(steps <= Math.max(gradient, update));
            done += lossSteps;
            stateAt += advance;
          }
          assert.deepEqual([done, stateAt], [total, total]);
        }
      }
    }
  });

  it('with one update for all steps a trainer takes the gradient of the span', async () => {
    for (const gradient of [1, 2, 3]) {
      const moved = await trainedGradient(stacks[0]!, data(2, 6), { update: 6, gradient });
      const expected = await gradients(built(stacks[0]!()), data(2, 6), { loss: squaredError(), reduction: 'sum', span: gradient });
      for (const [name, move] of Object.entries(moved)) assertNear(move, expected.parameters[name]!.data, name, 1e-5);
    }
    const full = await trainedGradient(stacks[0]!, data(2, 6));
    assert.deepEqual(await trainedGradient(stacks[0]!, data(2, 6), { update: 6, gradient: 6 }), full);
    assert.deepEqual(await trainedGradient(stacks[0]!, data(2, 6), { update: 100, gradient: 100 }), full);
  });

  it('updates every k1 steps and carries the state: the loss of frozen weights is that of the whole', async () => {
    for (const truncation of [{ update: 2 }, { update: 2, gradient: 4 }, { update: 2, gradient: 5 }, { update: 3, gradient: 1 }, { update: 4, gradient: 6 }]) {
      for (const lengths of [[7, 7], [7, 3]]) {
        const made = built();
        const batch = { input: someSequences(lengths, 2), target: someSequences(lengths, 2, 30) };
        const trainer = new Trainer(made, { loss: squaredError(), optimizer: sgd({ learningRate: still }), truncation });
        const result = await trainer.step(batch);
        assertNear([result.loss], [(await trainer.evaluate(batch)).loss], `loss with ${JSON.stringify(truncation)}`);
        assert.equal(result.updates, Math.ceil(7 / truncation.update));
        assert.equal(trainer.updates, result.updates);
        assert.equal(result.steps, lengths[0]! + lengths[1]!);
      }
    }
  });

  it('with k2 over k1 gradients reach back over steps that had their loss', async () => {
    const recurrent = 'lstm/weight_hh_l0';
    const batch = data(1, 4);
    const made = built();
    const before = weightsOf(made);
    const trainer = new Trainer(made, { loss: squaredError(), reduction: 'sum', optimizer: sgd({ learningRate: 1 }), truncation: { update: 2, gradient: 4 } });
    const still2 = built();
    const first = await gradients(still2, { input: batch.input.map((row) => row.slice(0, 2)), target: batch.target.map((row) => row.slice(0, 2)) }, { loss: squaredError(), reduction: 'sum' });
    for (const { name, view } of still2.parameters) still2.setParameter(name, { data: view.map((weight, i) => weight - first.parameters[name]!.data[i]!), shape: [...still2.parameter(name).shape] });
    const second = await gradients(still2, { ...batch, weights: [[0, 0, 1, 1]] }, { loss: squaredError(), reduction: 'sum' });
    await trainer.step(batch);
    const expected = before[recurrent]!.map((weight, i) => weight - first.parameters[recurrent]!.data[i]! - second.parameters[recurrent]!.data[i]!);
    assertNear(made.parameter(recurrent).view, expected, recurrent, 1e-5);
  });

  it('parts that reach back to the first step learn the initial state', async () => {
    const made = built(stacks[1]!());
    // The first update has no loss, so that what changes is by the gradient of the second alone.
    const batch = { ...data(2, 4), weights: [[0, 0, 1, 1], [0, 0, 1, 1]] };
    const { parameters } = await gradients(made, batch, { loss: squaredError(), reduction: 'sum' });
    const before = weightsOf(made);
    const result = await new Trainer(made, { loss: squaredError(), reduction: 'sum', optimizer: sgd({ learningRate: 1 }), truncation: { update: 2, gradient: 4 } }).step(batch);
    assert.equal(result.updates, 2);
    for (const { name, view } of made.parameters) assertNear([...view].map((weight, i) => before[name]![i]! - weight), [...parameters[name]!.data], name);
  });

  it('needs a loss at every step', () => {
    const last = built([rnn({ units: 2, output: 'last' }), dense({ units: 2 })]);
    const options = { loss: squaredError(), optimizer: sgd(), truncation: { update: 2 } };
    assertThrows(() => new Trainer(last, options), 'ERR_BPTT_OPTION', /outputs over time/);
    assertThrows(() => new Trainer(built(), { ...options, lossOn: 'last' }), 'ERR_BPTT_OPTION', /lossOn/);
    assertThrows(() => new Trainer(built(), { ...options, truncation: { update: 0 } }), 'ERR_BPTT_RANGE');
    assertThrows(() => new Trainer(built(), { ...options, truncation: { steps: 2 } } as never), 'ERR_BPTT_OPTION');
  });
});

describe('training: carried states', () => {
  const text = (): Model => sequential([embedding({ size: 3 }), lstm({ units: 4 }), dense({ units: 5 })], { input: { tokens: 5 }, seed: 2 });
  const rows = [[0, 1, 2, 3, 4, 0, 2, 4, 1], [3, 1, 4, 1, 0, 2, 2, 3, 0]];
  const part = (start: number, end: number, fresh?: boolean[]): { input: number[][]; target: number[][]; fresh?: boolean[] } => (
    { input: rows.map((row) => row.slice(start, end)), target: rows.map((row) => row.slice(start + 1, end + 1)), ...(fresh ? { fresh } : {}) });

  it('go on from batch to batch where rows are not fresh', async () => {
    const trainer = new Trainer(text(), { loss: crossEntropy(), optimizer: sgd({ learningRate: still }) });
    const whole = (await trainer.evaluate(part(0, 8))).loss;
    const first = await trainer.step(part(0, 3, [true, true]));
    const second = await trainer.step(part(3, 8, [false, false]));
    assertNear([(first.loss * first.steps + second.loss * second.steps) / 16], [whole], 'loss of both');
    assertNear([(await trainer.evaluate([part(0, 3, [true, true]), part(3, 8, [false, false])])).loss], [whole], 'evaluation of both');
  });

  it('begin anew for single rows', async () => {
    const trainer = new Trainer(text(), { loss: crossEntropy(), reduction: 'sum', optimizer: sgd({ learningRate: still }) });
    const alone = async (row: number, start: number, end: number): Promise<number> => (
      (await gradients(trainer.model, { input: [rows[row]!.slice(start, end)], target: [rows[row]!.slice(start + 1, end + 1)] }, { loss: crossEntropy(), reduction: 'sum' })).loss);
    await trainer.step(part(0, 3, [true, true]));
    const { loss } = await trainer.step(part(3, 6, [false, true]));
    const continued = await alone(0, 0, 6) - await alone(0, 0, 3);
    assertNear([loss], [continued + await alone(1, 3, 6)], 'loss');
  });

  it('in gradients, the states that are given are those of rows that are not fresh', async () => {
    const made = built([gru({ units: 2, initialState: 'learned' }), lstm({ units: 3 }), dense({ units: 2 })]);
    made.setParameter('gru/initial_h_l0', [0.5, -0.25]);
    const { input: [first, second], target: [firstTarget, secondTarget] } = data(2, 4);
    const options = { loss: squaredError(), reduction: 'sum' as const };
    const state = { 'gru/h': [[0.9, -0.7], [0.3, 0.8]], 'lstm/c': [[1, 2, 3], [-1, 0.5, 2]] };
    const together = await gradients(made, { input: [first!, second!], target: [firstTarget!, secondTarget!], fresh: [1, 0] }, { ...options, state });
    const anew = await gradients(made, { input: [first!], target: [firstTarget!] }, options);
    const onward = await gradients(made, { input: [second!], target: [secondTarget!] }, { ...options, state: { 'gru/h': [state['gru/h'][1]!], 'lstm/c': [state['lstm/c'][1]!] } });
    assertNear([together.loss], [anew.loss + onward.loss], 'loss');
    for (const { name, count } of made.parameters) assertNear(together.parameters[name]!.data, Float64Array.from({ length: count }, (_, i) => anew.parameters[name]!.data[i]! + onward.parameters[name]!.data[i]!), name);
    assert.ok(together.parameters['gru/initial_h_l0']!.data.some((number) => Math.abs(number) > 1e-3), 'the learned beginning is that of the fresh row');
    for (const { name } of made.states) assertNear(together.states[name]!.data, [...anew.states[name]!.data, ...onward.states[name]!.data], name);
    const all = { input: [first!, second!], target: [firstTarget!, secondTarget!] };
    assert.deepEqual(await gradients(made, { ...all, fresh: [0, 0] }, { ...options, state }), await gradients(made, all, { ...options, state }));
    assert.deepEqual(await gradients(made, { ...all, fresh: [0, 0] }, options), await gradients(made, all, options), 'without states there is nothing to go on with');
  });

  it('are not carried unless batches or the trainer say so', async () => {
    const options = { loss: crossEntropy(), optimizer: sgd({ learningRate: still }) };
    const fresh = await new Trainer(text(), options).step(part(3, 6));
    for (const [carryState, first, same] of [[undefined, part(0, 3), true], [false, part(0, 3, [true, true]), true], [true, part(0, 3), false]] as const) {
      const trainer = new Trainer(text(), { ...options, ...(carryState === undefined ? {} : { carryState }) });
      await trainer.step(first);
      const second = await trainer.step(part(3, 6));
      assert.equal(second.loss === fresh.loss, same, `carryState ${String(carryState)}`);
      trainer.resetState();
      assertNear([(await trainer.step(part(3, 6))).loss], [fresh.loss], 'after reset');
    }
  });

  it('need the same rows', async () => {
    const trainer = new Trainer(text(), { loss: crossEntropy(), optimizer: sgd() });
    await trainer.step(part(0, 3, [true, true]));
    const one = { input: [rows[0]!.slice(0, 3)], target: [rows[0]!.slice(1, 4)] };
    await assertRejects(() => trainer.step({ ...one, fresh: [false] }), 'ERR_BPTT_STATE', /expected 2 rows/);
    await trainer.step({ ...one, fresh: [true] });
    await trainer.step({ ...one, fresh: [false] });
  });

  it('are part of the state, from which training goes on exactly', async () => {
    const options = { loss: crossEntropy(), optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) };
    const first = new Trainer(text(), options);
    await first.step(part(0, 3, [true, true]));
    const saved = structuredClone(first.state());
    const weights = weightsOf(first.model);
    const next = await first.step(part(3, 6, [false, false]));
    const second = new Trainer(text(), options);
    for (const [name, data] of Object.entries(weights)) second.model.setParameter(name, data);
    second.restore(saved);
    assert.equal(second.updates, 1);
    assert.deepEqual(await second.step(part(3, 6, [false, false])), next);
    assert.deepEqual(weightsOf(second.model), weightsOf(first.model));
    assert.deepEqual(second.state(), first.state());
    assertThrows(() => new Trainer(text(), { ...options, optimizer: sgd() }).restore(saved), 'ERR_BPTT_STATE', /nothing here is called "momentum/);
    assertThrows(() => second.restore({ epochs: 0, tensors: {} }), 'ERR_BPTT_STATE', /expected "step"/);
    assertThrows(() => second.restore({ ...saved, tensors: { ...saved.tensors, step: { data: new Int32Array(2), shape: [2] } } }), 'ERR_BPTT_STATE', /shape/);
  });
});
