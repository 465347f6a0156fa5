import assert from 'node:assert/strict';
import { add, concat, constant, gradient, input, matmul, multiply, square, subtract, sum, tanh, type Value } from '../../lib/graph/index.ts';
import { crossEntropy, dense, embedding, gradients, lstm, referenceRuntime, rnn, sequential, sgd, squaredError, Trainer } from '../../lib/index.ts';
import type { Batch } from '../../lib/data/index.ts';
import type { Gradients, Model, Reduction } from '../../lib/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { buildStep } from '../../lib/training/stepProgram.ts';
import { assertNear, someSequences, weightsOf } from '../support/models.ts';
import { someNumbers } from '../support/numbers.ts';

/** h_t = tanh(V x_t + W h_{t−1}), one unit; C = (h_T − d)². */
const [V, W, d] = [0.8, -1.3, 0.2];
const xs = [0.5, -0.9, 0.4, 0.7];

function scalarStates(w: number): number[] {
  return xs.reduce<number[]>((all, x) => [...all, Math.tanh(V * x + w * all.at(-1)!)], [0.3]);
}

/**
 * ∂C/∂W by the sum of the notes, Σ_j (∏_{k=j+offset}^{i−1} ∂h_{k+1}/∂h_k) ∂h_j/∂W, and the term of j = i; ∂h_j/∂W is the immediate derivative, (1 − h_j²) h_{j−1}.
 */
function printedSum(offset: 0 | 1): number {
  const h = scalarStates(W);
  const last = h.length - 1;
  const immediate = (j: number): number => (j === 0 ? 0 : (1 - h[j]! ** 2) * h[j - 1]!);
  const jacobian = (k: number): number => (1 - h[k + 1]! ** 2) * W;
  let total = immediate(last);
  for (let j = 0; j < last; j++) {
    let product = 1;
    for (let k = j + offset; k < last; k++) product *= jacobian(k);
    total += product * immediate(j);
  }
  return 2 * (h[last]! - d) * total;
}

async function scalarGradient(): Promise<number> {
  const model = sequential([rnn({ units: 1, bias: false })], { input: { features: 1 }, runtime: referenceRuntime });
  model.setParameter('rnn/weight_ih_l0', [[V]]);
  model.setParameter('rnn/weight_hh_l0', [[W]]);
  const { parameters } = await gradients(model, { input: [xs.map((x) => [x])], target: [xs.map(() => [d])] }, { loss: squaredError(), reduction: 'sum', lossOn: 'last', state: { 'rnn/h': [[0.3]] } });
  return parameters['rnn/weight_hh_l0']!.data[0]!;
}

function built(runtime = referenceRuntime): Model {
  return sequential([lstm({ units: 3 }), dense({ units: 2 })], { input: { features: 2 }, seed: 4, runtime });
}

const options = { loss: squaredError(), reduction: 'sum' } as const;

function batchOf(lengths: readonly number[]): { input: number[][][]; target: number[][][] } {
  return { input: someSequences(lengths, 2), target: someSequences(lengths, 2, 30) };
}

function addUp(parts: readonly Gradients[]): Record<string, number[]> {
  return Object.fromEntries(Object.entries(parts[0]!.parameters).map(([name, { data }]) => [name, Array.from(data, (_, i) => parts.reduce((total, { parameters }) => total + parameters[name]!.data[i]!, 0))]));
}

describe('theory: backpropagation through time', () => {
  it('[30] the gradient is Σ_j (∏_{k=j}^{i−1} ∂h_{k+1}/∂h_k) ∂h_j/∂W', async () => {
    const exact = await scalarGradient();
    const step = 1e-5;
    const cost = (w: number): number => (scalarStates(w).at(-1)! - d) ** 2;
    assert.ok(Math.abs(exact - (cost(W + step) - cost(W - step)) / (2 * step)) < 1e-9, 'central difference');
    assert.ok(Math.abs(exact - printedSum(0)) < 1e-14, `${exact} and ${printedSum(0)}`);
  });
  it('[30] erratum: with the product from k = j + 1 on, as one lecture prints it, the sum is not the gradient', async () => {
    const [exact, printed] = [await scalarGradient(), printedSum(1)];
    assert.ok(Math.abs(printed - exact) > 0.1 * Math.abs(exact), `${exact} and ${printed}`);
  });
  it('[31] the total cost is the sum over time; means are asked for by name', async () => {
    const model = built();
    const lengths = [5, 2, 3];
    const batch = batchOf(lengths);
    const { output } = await model.predict(batch.input);
    const perStep = lengths.map((length, row) => Array.from({ length }, (_, t) => [0, 1].reduce((total, k) => total + (output.data[(row * 5 + t) * 2 + k]! - batch.target[row]![t]![k]!) ** 2, 0)));
    const rows = perStep.map((losses) => losses.reduce((total, loss) => total + loss, 0));
    const whole = rows.reduce((total, loss) => total + loss, 0);
    const lossOf = async (reduction: Reduction): Promise<number> => (await gradients(model, batch, { loss: squaredError(), reduction })).loss;
    assertNear([await lossOf('sum')], [whole], 'sum', 1e-13);
    assertNear([await lossOf('mean')], [whole / 10 / 2], 'mean over 10 steps of 2 features', 1e-13);
    assertNear([await lossOf('meanPerSequence')], [rows.reduce((total, loss, row) => total + loss / lengths[row]!, 0) / 3 / 2], 'mean per sequence', 1e-13);
  });
  it('[32] memory grows linearly with T: states wait for the backward pass', function () {
    const model = sequential([lstm({ units: 32 }), dense({ units: 2 })], { input: { features: 4 } });
    if (model.runtime.name !== 'native') return this.skip();
    const { settings } = new Trainer(model, { loss: squaredError(), optimizer: sgd() });
    const step = { name: 'step', shape: [], type: 'int32' } as const;
    const slots = new Map(model.parameters.map(({ name }) => [name, {}]));
    const bytes = (steps: number): number => {
      const signature = { rows: 4, inputs: { input: { steps, ragged: false } } };
      const { graph } = buildStep(model, settings, { step, slots }, { signature, carried: null, weighted: [], lossSteps: null, advance: null, span: null });
      return model.runtime.compile(graph, { layouts: [model.core.store.variables, [step]] }).arenaBytes;
    };
    const sizes = [64, 128, 256, 512].map(bytes);
    const slopes = sizes.slice(1).map((size, i) => (size - sizes[i]!) / (64 * 2 ** i));
    const saved = 4 * 32 * 4;
    for (const slope of slopes) assert.ok(Math.abs(slope / slopes[0]! - 1) < 0.25 && slope > saved && slope < 20 * saved, `bytes per step: ${slopes.join(', ')}`);
  });
  it('[33] TBPTT: chunks that carry the state have the h of the whole sequence', async () => {
    const model = built();
    const { input: rows } = batchOf([7, 7]);
    const whole = await model.predict(rows);
    let state = {};
    for (const [from, to] of [[0, 3], [3, 6], [6, 7]] as const) ({ state } = await model.predict(rows.map((row) => row.slice(from, to)), { state }));
    assert.deepEqual(state, { ...whole.state });
  });
  it('[33] TBPTT: k ≥ T is the whole gradient, k = 1 the gradient of single steps, and k1 ≠ k2 reaches k2 steps back from each of k1', async () => {
    const model = sequential([rnn({ units: 3 }), dense({ units: 2 })], { input: { features: 2 }, seed: 4, runtime: referenceRuntime });
    const batch = batchOf([6]);
    const full = await gradients(model, batch, options);
    assert.deepEqual(await gradients(model, batch, { ...options, span: 6 }), full);
    const states = [{}];
    for (let t = 0; t < 6; t++) states.push((await model.predict(batch.input.map((row) => row.slice(t, t + 1)), { state: states[t]! })).state);
    const from = async (start: number, end: number, loss: number): Promise<Gradients> => gradients(model, {
      input: batch.input.map((row) => row.slice(start, end)), target: batch.target.map((row) => row.slice(start, end)), weights: [Array.from({ length: end - start }, (_, i) => Number(start + i >= loss))],
    }, { ...options, state: states[start]! });
    const single = addUp(await Promise.all([0, 1, 2, 3, 4, 5].map(async (t) => from(t, t + 1, t))));
    const one = await gradients(model, batch, { ...options, span: 1 });
    for (const [name, values] of Object.entries(single)) assertNear(one.parameters[name]!.data, values, name, 1e-13);
    const trainer = new Trainer(model, { ...options, optimizer: sgd({ learningRate: 1e-6 }), truncation: { update: 2, gradient: 4 } });
    const before = weightsOf(model);
    const reached = addUp([await from(0, 2, 0), await from(0, 4, 2), await from(2, 6, 4)]);
    assert.equal((await trainer.step(batch)).updates, 3);
    for (const { name, view } of model.parameters) assertNear(view.map((weight, i) => (before[name]![i]! - weight) * 1e6), reached[name]!, name, 1e-4);
  });
  it('[35] one step of gradient descent is w − η ∂C/∂w of the aggregated loss, for every weight', async () => {
    const model = sequential([embedding({ size: 3 }), lstm({ units: 3 }), dense({ units: 5 })], { input: { tokens: 5 }, seed: 2, runtime: referenceRuntime });
    const batch: Batch = { input: [[0, 1, 2, 3], [4, 3]], target: [[1, 2, 3, 4], [3, 2]] };
    const { parameters, loss } = await gradients(model, batch, { loss: crossEntropy(), reduction: 'sum' });
    const before = weightsOf(model);
    const result = await new Trainer(model, { loss: crossEntropy(), reduction: 'sum', optimizer: sgd({ learningRate: 0.3 }) }).step(batch);
    assert.equal(result.loss, loss);
    for (const { name, view } of model.parameters) assertNear(view, before[name]!.map((weight, i) => weight - 0.3 * parameters[name]!.data[i]!), name, 1e-15);
  });
  it('[36] weights begin at random, by a seed: the same seed gives the same ones, another seed others', () => {
    const weightsFor = (seed: number): number[][] => sequential([lstm({ units: 3 }), dense({ units: 2 })], { input: { features: 2 }, seed }).parameters
      .filter(({ group }) => group !== 'bias').map(({ view }) => [...view]);
    assert.deepEqual(weightsFor(7), weightsFor(7));
    weightsFor(7).forEach((values, i) => {
      assert.notDeepEqual(values, weightsFor(8)[i]);
      assert.ok(new Set(values).size === values.length, 'no two weights alike');
    });
  });
  it('[41] shared parameters: the gradient over T steps is the sum of those of its T losses', async () => {
    const model = built();
    const batch = batchOf([5]);
    const whole = await gradients(model, batch, options);
    const parts = await Promise.all([0, 1, 2, 3, 4].map(async (step) => gradients(model, { ...batch, weights: [[0, 1, 2, 3, 4].map((t) => Number(t === step))] }, options)));
    for (const [name, values] of Object.entries(addUp(parts))) assertNear(whole.parameters[name]!.data, values, name, 1e-13);
  });
  it('[41] shared parameters: and the sum of those of T copies, one for each step', async () => {
    const model = sequential([rnn({ units: 3, bias: false })], { input: { features: 2 }, seed: 4, runtime: referenceRuntime });
    const [rows] = [someSequences([4], 2)];
    const target = someNumbers(12, 30);
    const copies = [0, 1, 2, 3].map((t) => ({ weight_ih_l0: input(`w${t}`, [2, 3], 'float32'), weight_hh_l0: input(`u${t}`, [3, 3], 'float32') }));
    const shown: Value[] = [];
    copies.forEach(({ weight_ih_l0: w, weight_hh_l0: u }, t) => {
      const fed = matmul(constant(Float64Array.from(rows[0]![t]!), [1, 2]), w);
      shown.push(tanh(t === 0 ? fed : add(fed, matmul(shown[t - 1]!, u))));
    });
    const loss = sum(square(subtract(concat(shown, 0), constant(target, [4, 3]))));
    const feeds = Object.fromEntries([0, 1, 2, 3].flatMap((t) => [[`w${t}`, model.parameter('rnn/weight_ih_l0').view], [`u${t}`, model.parameter('rnn/weight_hh_l0').view]]));
    const { parameters } = await gradients(model, { input: rows, target: [Array.from({ length: 4 }, (_, t) => [...target.subarray(3 * t, 3 * t + 3)])] }, options);
    for (const name of ['weight_ih_l0', 'weight_hh_l0'] as const) {
      const own = evaluate(gradient(multiply(loss, 1), copies.map((copy) => copy[name])).gradients, { inputs: feeds });
      assertNear(parameters[`rnn/${name}`]!.data, Array.from(own[0]!.data, (_, i) => own.reduce((total, { data }) => total + data[i]!, 0)), name, 1e-13);
    }
  });
});
