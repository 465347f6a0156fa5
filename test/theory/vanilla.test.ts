import assert from 'node:assert/strict';
import { crossEntropy, dense, gradients, referenceRuntime, rnn, sequential, squaredError, stack } from '../../lib/index.ts';
import type { Layer, Model } from '../../lib/index.ts';
import { checkGradient } from '../support/gradient-check.ts';
import { assertNear, flat, someTokens } from '../support/models.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';
import { buildLayer, runTestLayer } from '../support/scope.ts';
import { numbers } from '../support/tensors.ts';

type Vector = readonly number[];
/** By rows: matrix[i] are the weights that leave input i. */
type Matrix = readonly Vector[];

const [steps, inputs, units, outputs] = [5, 2, 3, 4];

function matrix(rows: number, columns: number, seed: number): Matrix {
  const values = someNumbers(rows * columns, seed);
  return Array.from({ length: rows }, (_, i) => [...values.subarray(i * columns, (i + 1) * columns)]);
}

const plus = (...terms: Vector[]): number[] => terms[0]!.map((_, i) => terms.reduce((sum, term) => sum + term[i]!, 0));
const times = (x: Vector, weight: Matrix): number[] => weight[0]!.map((_, k) => x.reduce((sum, value, i) => sum + value * weight[i]![k]!, 0));
const softmax = (z: Vector): number[] => {
  const powers = z.map(Math.exp);
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
};

const activations = { tanh: Math.tanh, relu: (z: number): number => Math.max(0, z), sigmoid: (z: number): number => 1 / (1 + Math.exp(-z)), linear: (z: number): number => z };
const [input, recurrent, bias] = [matrix(inputs, units, 1), matrix(units, units, 2), matrix(1, units, 3)[0]!];
const [shown, shownBias] = [matrix(units, outputs, 4), matrix(1, outputs, 5)[0]!];
const sequence = matrix(steps, inputs, 6);
const x = numbers([steps, 1, inputs], sequence.flat());
const start = matrix(1, units, 7)[0]!;

/** h_t = f(V x_t + W h_{t−1} + b), by a loop. */
function states(f: (z: number) => number, { biased = true, h0 = bias.map(() => 0) }: { biased?: boolean; h0?: Vector } = {}): number[][] {
  let h: Vector = h0;
  return sequence.map((now) => {
    h = plus(times(now, input), times(h, recurrent), biased ? bias : bias.map(() => 0)).map(f);
    return [...h];
  });
}

const weights = { weight_ih_l0: input.flat(), weight_hh_l0: recurrent.flat(), bias_ih_l0: bias };
const stacked: Readonly<Record<string, Vector>> = { ...Object.fromEntries(Object.entries(weights).map(([name, values]) => [`rnn/${name}`, values])), 'dense/weight': shown.flat(), 'dense/bias': shownBias };

function assertClose(actual: ArrayLike<number>, expected: readonly (readonly number[])[], tolerance = 1e-13): void {
  const difference = largestDifference(actual, expected.flat());
  assert.ok(difference <= tolerance, `differs by ${difference}`);
}

function checkLayer(layer: Layer): void {
  const probe = buildLayer({ layer, x });
  const state = Object.fromEntries([...probe.scope.requests.states.keys()].map((path) => [path, start]));
  const { scope, x: leaf, signal, inputs: feeds } = buildLayer({ layer, x, state });
  checkGradient(signal.value, [leaf, ...[...scope.requests.parameters.values()].map(({ value }) => value), ...scope.requests.states.values()], { inputs: feeds });
}

describe('theory: the vanilla recurrent network', () => {
  it('[21] with biases: h_t = f(V x_t + W h_{t−1} + b_h), y_t = softmax(U h_t + b_y)', () => {
    const layer = stack({ layers: [rnn({ units }), dense({ units: outputs, activation: 'softmax' })] });
    assertClose(runTestLayer({ layer, x, weights: stacked }).output.data, states(Math.tanh).map((h) => softmax(plus(times(h, shown), shownBias))));
    checkLayer(layer);
  });
  it('[22] without biases, and as one product with the concatenation [h; x]', () => {
    const { output } = runTestLayer({ layer: rnn({ units, bias: false }), x, weights });
    assertClose(output.data, states(Math.tanh, { biased: false }));
    const joined = [...recurrent, ...input];
    let h: number[] = new Array<number>(units).fill(0);
    const fused = sequence.map((now) => {
      h = times([...h, ...now], joined).map(Math.tanh);
      return h;
    });
    assertClose(output.data, fused);
    checkLayer(stack({ layers: [rnn({ units, bias: false }), dense({ units: outputs, bias: false })] }));
  });
  it('[23] Goodfellow\'s form: a = b + W h + U x, o = c + V h, ŷ = softmax(o), L the sum of negative log-likelihoods', async () => {
    const model: Model = sequential([rnn({ units }), dense({ units: outputs })], { input: { features: inputs }, runtime: referenceRuntime });
    for (const { name } of model.parameters) model.setParameter(name, Float64Array.from(stacked[name]!));
    const target = someTokens(steps, outputs);
    const { loss } = await gradients(model, { input: [sequence], target: [target] }, { loss: crossEntropy(), reduction: 'sum' });
    const expected = states(Math.tanh).reduce((sum, h, t) => sum - Math.log(softmax(plus(times(h, shown), shownBias))[target[t]!]!), 0);
    assertNear([loss], [expected], 'loss', 1e-13);
  });
  it('[24] E = Σ_t (d_t − Y_t)², not halved and not averaged: the gradient at the output is 2 (Y − d)', async () => {
    const model: Model = sequential([rnn({ units, bias: false }), dense({ units: outputs, bias: true })], { input: { features: inputs }, runtime: referenceRuntime });
    for (const { name } of model.parameters) model.setParameter(name, Float64Array.from(stacked[name]!));
    const target = matrix(steps, outputs, 9);
    const { loss, parameters } = await gradients(model, { input: [sequence], target: [target] }, { loss: squaredError(), reduction: 'sum' });
    const errors = states(Math.tanh, { biased: false }).map((h, t) => plus(times(h, shown), shownBias, target[t]!.map((value) => -value)));
    assertNear([loss], [errors.flat().reduce((sum, error) => sum + error * error, 0)], 'loss', 1e-13);
    assertNear(parameters['dense/bias']!.data, plus(...errors).map((error) => 2 * error), 'the output bias, on which all of it lies', 1e-13);
  });
  for (const [name, f] of Object.entries(activations)) {
    it(`[25] f = ${name}: equals its loop in float64 and on the engine, and has right gradients`, async () => {
      const layer = rnn({ units, activation: name as 'tanh' });
      assertClose(runTestLayer({ layer, x, weights, state: { h: start } }).output.data, states(f, { h0: start }));
      const model = sequential([layer], { input: { features: inputs } });
      for (const parameter of model.parameters) model.setParameter(parameter.name, Float32Array.from(weights[parameter.name.slice('rnn/'.length) as 'bias_ih_l0']));
      assertNear(flat((await model.predict([sequence.map((row) => [...row])])).output.toArray()), states(f).flat(), name, 1e-5);
      checkLayer(layer);
    });
  }
  it('[26] erratum: one slide has ŷ = f(U h + b_y); the output function is one of its own, and tanh gives no distribution', () => {
    const as = (activation: 'tanh' | 'softmax' | 'linear'): Float64Array => runTestLayer({ layer: stack({ layers: [rnn({ units }), dense({ units: outputs, activation })] }), x, weights: stacked }).output.data;
    const sums = (data: Float64Array): number[] => Array.from({ length: steps }, (_, t) => data.subarray(t * outputs, (t + 1) * outputs).reduce((sum, value) => sum + value, 0));
    sums(as('softmax')).forEach((sum) => assert.ok(Math.abs(sum - 1) < 1e-14));
    sums(as('tanh')).forEach((sum) => assert.ok(Math.abs(sum - 1) > 0.1));
    assertClose(as('linear'), states(Math.tanh).map((h) => plus(times(h, shown), shownBias)));
    assertClose(runTestLayer({ layer: stack({ layers: [rnn({ units }), dense({ units: outputs })] }), x, weights: stacked }).output.data, [[...as('linear')]], 0);
  });
  it('[27] erratum: "without activation to the next layer"; stacked layers hand on h, activation and all', () => {
    const second = matrix(units, units, 8);
    const own = { ...weights, weight_ih_l1: second.flat(), weight_hh_l1: recurrent.flat(), bias_ih_l1: bias };
    const { output } = runTestLayer({ layer: rnn({ units, layers: 2 }), x, weights: own });
    const over = (first: number[][]): number[][] => {
      let h: number[] = new Array<number>(units).fill(0);
      return first.map((below) => {
        h = plus(times(below, second), times(h, recurrent), bias).map(Math.tanh);
        return h;
      });
    };
    const first = states(Math.tanh);
    assertClose(output.data, over(first));
    assert.ok(largestDifference(output.data, over(first.map((h) => h.map(Math.atanh))).flat()) > 1e-2, 'without it something else comes out');
  });
  it('[29] linear: h_n = Wⁿ h_0 + Σ_t Wⁿ⁻ᵗ (V x_t + b_h), to 1e-12', () => {
    const { sequence: all } = runTestLayer({ layer: rnn({ units, activation: 'linear' }), x, weights, state: { h: start } });
    const power = (vector: Vector, n: number): Vector => (n === 0 ? vector : power(times(vector, recurrent), n - 1));
    for (let n = 1; n <= steps; n++) {
      const terms = sequence.slice(0, n).map((now, t) => power(plus(times(now, input), bias), n - 1 - t));
      assertClose(all['h']!.data.subarray((n - 1) * units, n * units), [plus(power(start, n), ...terms)], 1e-12);
    }
  });
});
