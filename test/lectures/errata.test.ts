import assert from 'node:assert/strict';
import { cifgCell, gruCell, lstmCell, lstmWithoutForgetGateCell, sharedGateLstmCell, squashedLstmCell } from '../../lib/cells/index.ts';
import { inspectGates, jacobianNorms } from '../../lib/analysis/index.ts';
import { argMax } from '../../lib/decoding/distribution.ts';
import { constant, softmax, softmaxCrossEntropy } from '../../lib/graph/index.ts';
import {
  clipGradients, dense, embedding, gradients, gru, lstm, receptiveField, recurrent, referenceRuntime, rnn, sample, sequential, squaredError, tcn, timeDelay, type Layer, type Model,
} from '../../lib/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { assertThrows } from '../support/errors.ts';
import { assertNear, someSequence, someSequences } from '../support/models.ts';
import { runCell, someSequence as cellSequence, units, weightSizes, type WeightChoice } from '../support/named-weights.ts';
import { largestDifference } from '../support/numbers.ts';
import { numbersFor } from '../support/scope.ts';
import { errata, pageText, testsOfPage } from './page.ts';

/** h_t = tanh(V x_t + W h_{t−1}), one unit, from h_0. */
const [V, W, h0] = [0.8, -1.3, 0.3];
const xs = [0.5, -0.9, 0.4];
const scalarStates = xs.reduce<number[]>((all, x) => [...all, Math.tanh(V * x + W * all.at(-1)!)], [h0]);

/** ∂h_3/∂W and ∂h_3/∂h_0 of that network: the gradients of (h_3 − d)² without its outer derivative. */
async function scalarDerivatives(): Promise<{ weight: number; start: number }> {
  const model = sequential([rnn({ units: 1, bias: false })], { input: { features: 1 }, runtime: referenceRuntime });
  model.setParameter('rnn/weight_ih_l0', [[V]]);
  model.setParameter('rnn/weight_hh_l0', [[W]]);
  const batch = { input: [xs.map((x) => [x])], target: [xs.map(() => [0])] };
  const { parameters, states } = await gradients(model, batch, { loss: squaredError(), reduction: 'sum', lossOn: 'last', state: { 'rnn/h': [[h0]] } });
  const outer = 2 * scalarStates.at(-1)!;
  return { weight: parameters['rnn/weight_hh_l0']!.data[0]! / outer, start: states['rnn/h']!.data[0]! / outer };
}

const slope = (t: number): number => 1 - scalarStates[t]! ** 2;

/** Σ_j (∏_{k=j+offset}^{2} ∂h_{k+1}/∂h_k) ∂h_j/∂W with the immediate derivatives ∂h_j/∂W = f′(Z_j) h_{j−1}, and the term of j = 3. */
function summed(offset: 0 | 1): number {
  let total = slope(3) * scalarStates[2]!;
  for (let j = 1; j < 3; j++) {
    let product = 1;
    for (let k = j + offset; k < 3; k++) product *= slope(k + 1) * W;
    total += product * slope(j) * scalarStates[j - 1]!;
  }
  return total;
}

function built(layers: readonly Layer[], features = 2): Model {
  return sequential(layers, { input: { features }, seed: 3, runtime: referenceRuntime });
}

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const sumOf = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Columns of the speech table, from the left; rows a, b, d, e, i, f. */
const speech = [
  [0.1, 0.5, 0.1, 0.1, 0.1, 0.1], [0.15, 0.6, 0.05, 0.1, 0.05, 0.05], [0.4, 0.3, 0.2, 0.05, 0.05, 0.05], [0.55, 0.05, 0.05, 0.1, 0.2, 0.05],
  [0.45, 0.1, 0.3, 0.05, 0.05, 0.05], [0.2, 0.05, 0.3, 0.2, 0.1, 0.05], [0.15, 0.15, 0.25, 0.15, 0.2, 0.2],
];

describe('errata of the lecture notes', () => {
  it('[A19.1] the product of the sum for ∂C/∂W begins at k = j, not at j + 1', async () => {
    const { weight } = await scalarDerivatives();
    assert.ok(Math.abs(weight - summed(0)) < 1e-14, `${weight} and ${summed(0)}`);
    assert.ok(Math.abs(weight - summed(1)) > 0.1 * Math.abs(weight), `${weight} and ${summed(1)}`);
  });
  it('[A19.2] the chain f′(Z₃) W f′(Z₂) W f′(Z₁) W is ∂h₃/∂h₀, not ∂h₃/∂W', async () => {
    const { weight, start } = await scalarDerivatives();
    const printed = slope(3) * W * slope(2) * W * slope(1) * W;
    assert.ok(Math.abs(printed - start) < 1e-14, `${printed} and ${start}`);
    assert.ok(Math.abs(printed - weight) > 0.1, `${printed} and ${weight}`);
  });
  it('[A19.3] y_t comes from h_t: from h_{t−1} the first output would not see the first input', async () => {
    const [layer, top] = [lstm({ units: 3 }), dense({ units: 2, activation: 'softmax' })];
    const model = built([layer, top]);
    const rows = [someSequence(4, 2, 1), someSequence(4, 2, 5)];
    const { output } = await model.predict(rows);
    assert.ok(Math.abs(output.data[0]! - output.data[8]!) > 1e-3, 'other first inputs, other first outputs');
    const hidden = (await built([layer]).predict(rows)).output;
    const head = sequential([top], { input: { features: 3 }, seed: 3, runtime: referenceRuntime });
    for (const name of ['dense/weight', 'dense/bias']) head.setParameter(name, model.parameter(name).view);
    const before = (row: number): number[][] => [[0, 0, 0], ...[0, 1, 2].map((t) => [...hidden.data.slice((row * 4 + t) * 3, (row * 4 + t + 1) * 3)])];
    const printed = (await head.predict([before(0), before(1)])).output.data;
    assert.equal(printed[0], printed[8], 'as printed the first output is the same whatever the input');
    assertNear(output.data.slice(0, 6), printed.slice(2, 8), 'and every other one late by a step', 1e-14);
  });
  it('[A19.4] with one W and V for all gates and equal biases all gates are one', async () => {
    const model = built([recurrent(sharedGateLstmCell, { units: 3 })]);
    for (const { name, count, group } of model.parameters) if (group === 'bias' || name.includes('offset')) model.setParameter(name, new Float64Array(count));
    const { gates } = await inspectGates(model, someSequences([5], 2));
    for (const gate of ['f', 'o']) assert.deepEqual([...gates[gate]!.data], [...gates['i']!.data], gate);
    assertNear(gates['g']!.data, gates['i']!.data.map((i) => Math.tanh(Math.log(i / (1 - i)))), 'g', 1e-12);
    const own = (await inspectGates(built([lstm({ units: 3 })]), someSequences([5], 2))).gates;
    assert.ok(largestDifference(own['o']!.data, own['i']!.data) > 1e-2, 'weights of their own make gates of their own');
  });
  it('[A19.5] i scales what enters the cell; how much of the past moves on is f alone', () => {
    const kept = (cell: typeof lstmCell | typeof lstmWithoutForgetGateCell, weights: WeightChoice): number[] => {
      const [less, more] = [0.2, 0.7].map((c) => runCell(cell as typeof lstmCell, { x: cellSequence(4, 1), weights, state: { h: new Float64Array(6), c: new Float64Array(6).fill(c) } }).final['c']!.data);
      return Array.from(more!, (c, i) => (c - less![i]!) / 0.5);
    };
    const biased = (gate: string, bias: number): WeightChoice => (name) => (name === `bias_ih.${gate}` ? bias : undefined);
    for (const bias of [-30, 0, 30]) {
      assertNear(kept(lstmWithoutForgetGateCell, biased('i', bias)), new Float64Array(6).fill(1), `without forget gate, bias of i ${bias}`, 1e-14);
      assertNear(kept(lstmCell, biased('i', bias)), kept(lstmCell, biased('i', 1)), `with one, bias of i ${bias}`, 1e-14);
    }
    assert.ok(kept(lstmCell, biased('f', -30)).every((share) => share < 1e-12) && kept(lstmCell, biased('f', 30)).every((share) => share > 1 - 1e-12));
  });
  it('[A19.6] the squared norm is not the norm: [3, 4] is cut to a length of 0.2 where 1 was meant', () => {
    const lengthOf = (clip: object): number => Math.hypot(...evaluate(clipGradients([constant([3, 4], [2])], clip).gradients)[0]!.data);
    assert.ok(Math.abs(lengthOf({ squaredNorm: 1 }) - 0.2) < 1e-15);
    assert.ok(Math.abs(lengthOf({ globalNorm: 1 }) - 1) < 1e-15);
  });
  it('[A19.7] a largest singular value above 1 is not sufficient: gradients may vanish all the same', async () => {
    const model = built([rnn({ units: 2, activation: 'linear' })]);
    model.setParameter('rnn/weight_hh_l0', [[0, 2], [0, 0]]);
    const { weight, rows: [row], text } = await jacobianNorms(model, someSequences([3], 2));
    assert.equal(weight!.largest, 2);
    assert.deepEqual(row!.product, [2, 0, 0], 'nothing is left after two steps');
    assert.match(text, /necessary, not sufficient/);
    const saturated = built([rnn({ units: 1, initializer: { bias: { kind: 'constant', options: { value: 3 } } } })], 1);
    saturated.setParameter('rnn/weight_hh_l0', [[2]]);
    const report = await jacobianNorms(saturated, [[[0], [0], [0], [0]]]);
    assert.ok(report.weight!.largest === 2 && report.verdict === 'vanishes', report.text);
  });
  it('[A19.8] an LSTM that gives its last output cannot feed a SimpleRNN: refused, with the cure', () => {
    const printed = (output: 'last' | 'sequence') => () => sequential([embedding({ size: 64 }), lstm({ units: 128, output }), rnn({ units: 128, output: 'last' }), dense({ units: 10 })], { input: { tokens: 1000 } });
    assertThrows(printed('last'), 'ERR_BPTT_SHAPE', /^rnn: .*gives its last step only \(output: 'last'\); let it give the sequence/);
    assert.equal(printed('sequence')().parameterCount, 197_002);
  });
  it('[A19.9] a sigmoid around C_t forgets what f = 1 and i = 0 should keep', () => {
    const keep: WeightChoice = (name) => (/^weight_.*\.[if]$/.test(name) ? 0 : ({ 'bias_ih.f': 40, 'bias_ih.i': -800 })[name]);
    const state = { h: new Float64Array(6), c: [0.9, -0.4, 0.1, 0.2, 5, -7] };
    assert.deepEqual([...runCell(lstmCell, { weights: keep, state }).final['c']!.data], state.c);
    const x = cellSequence(4, 1);
    assertNear(runCell(squashedLstmCell, { x, weights: keep, state }).final['c']!.data, state.c.map(sigmoid), 'after one step', 1e-15);
  });
  it('[A19.10] CIFG is no GRU: it has a cell behind an output gate, and other gates', () => {
    assert.deepEqual([Object.keys(cifgCell.state), Object.keys(gruCell.state)], [['h', 'c'], ['h']]);
    const gatesOf = (sizes: Map<string, number>): string[] => [...sizes.keys()].filter((name) => name.startsWith('weight_hh.')).map((name) => name.slice(-1)).sort();
    assert.deepEqual([gatesOf(weightSizes(cifgCell)), gatesOf(weightSizes(gruCell))], [['g', 'i', 'o'], ['n', 'r', 'z']]);
    const closed = runCell(cifgCell, { weights: (name) => (name === 'bias_ih.o' ? -800 : undefined) });
    assert.ok(closed.output.data.every((h) => h === 0) && closed.final['c']!.data.some((c) => Math.abs(c) > 0.05), 'it holds what it does not show');
  });
  it('[A19.11] self-normalisation changes neither the loss nor the choice: what is printed as accuracy is speed', () => {
    const logits = [1.5, -0.3, 2.2, 0.4];
    const logZ = Math.log(sumOf(logits.map(Math.exp)));
    const normal = logits.map((logit) => logit - logZ);
    const lossOf = (values: readonly number[]): number => evaluate([softmaxCrossEntropy(constant(values, [1, 4]), constant(Int32Array.of(3), [1], 'int32'))])[0]!.data[0]!;
    assert.ok(Math.abs(sumOf(normal.map(Math.exp)) - 1) < 1e-15 && logZ > 1, 'a sum of 1 without division');
    assert.ok(Math.abs(lossOf(normal) - lossOf(logits)) < 1e-15 && Math.abs(lossOf(normal) + normal[3]!) < 1e-15);
    assert.equal(argMax(normal), argMax(logits));
    assert.match(errata[10]!.text, /Ruder.*speed/s);
  });
  it('[A19.12] U and V are exchanged between the notes: no option is called by either letter', () => {
    for (const letter of ['U', 'V', 'W']) {
      assertThrows(() => rnn({ units: 2, [letter]: 'zeros' }), 'ERR_BPTT_OPTION', new RegExp(letter));
      assertThrows(() => rnn({ units: 2, initializer: { [letter]: 'zeros' } }), 'ERR_BPTT_OPTION', /input/);
    }
    const model = built([rnn({ units: 3, initializer: { input: 'zeros', recurrent: 'identity' } }), dense({ units: 5 })]);
    assert.deepEqual([...model.parameter('rnn/weight_ih_l0').view], new Array<number>(6).fill(0));
    assert.deepEqual([...model.parameter('rnn/weight_hh_l0').view], [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    assert.deepEqual(['rnn/weight_ih_l0', 'dense/weight'].map((name) => model.parameter(name).shape), [[2, 3], [3, 5]], 'what one calls V and U, the other U and V');
  });
  it('[A19.13] z is reversed: the same weights give another network, negated ones the same', () => {
    const keep = runCell(gruCell, { options: { reset: 'before' } }).output.data;
    const replace = (weights?: WeightChoice) => runCell(gruCell, { options: { reset: 'before', update: 'replace' }, ...(weights && { weights }) }).output.data;
    assert.ok(largestDifference(keep, replace()) > 1e-3);
    assert.ok(largestDifference(keep, replace((name, shape) => (name.endsWith('.z') ? numbersFor(name, shape).map((element) => -element) : undefined))) < 1e-15);
  });
  it('[A19.14] the time-delay network is by Waibel, Hanazawa, Hinton, Shikano and Lang', () => {
    for (const name of ['Waibel', 'Hanazawa', 'Hinton', 'Shikano', 'Lang']) assert.ok(errata[13]!.text.includes(name), name);
    assert.equal(timeDelay({ units: 2, window: 3 }).kind, 'timeDelay');
  });
  it('[A19.15] three columns of the speech table do not sum to 1; its argmax still reads "bad"', () => {
    assert.deepEqual(speech.map((column) => Math.round(100 * sumOf(column)) / 100), [1, 1, 1.05, 1, 1, 0.9, 1.1]);
    const repaired = speech.map((column) => [...evaluate([softmax(constant(column.map(Math.log), [1, 6]))])[0]!.data]);
    for (const column of repaired) assert.ok(Math.abs(sumOf(column) - 1) < 1e-15);
    const read = (columns: readonly (readonly number[])[]): string => columns.map((column) => 'abdeif'[argMax(column)]!).filter((symbol, t, all) => symbol !== all[t - 1]).join('');
    assert.deepEqual([read(speech), read(repaired)], ['bad', 'bad']);
  });
  it('[A19.16] the closed form needs its parenthesis: Σ (Wⁿ⁻ᵗ V x_t + Wⁿ⁻ᵗ b)', async () => {
    const [v, w, b, start] = [0.7, 0.9, 0.25, 0.4];
    const model = built([rnn({ units: 1, activation: 'linear' })], 1);
    for (const [name, value] of Object.entries({ weight_ih_l0: [[v]], weight_hh_l0: [[w]], bias_ih_l0: [b] })) model.setParameter(`rnn/${name}`, value);
    const { output } = await model.predict([xs.map((x) => [x])], { state: { 'rnn/h': [[start]] } });
    const closed = (inside: (t: number) => number): number => w ** 3 * start + sumOf(xs.map((x, i) => w ** (2 - i) * v * x + inside(i + 1)));
    assert.ok(Math.abs(output.data[2]! - closed((t) => w ** (3 - t) * b)) < 1e-15);
    for (const t of [1, 2, 3]) assert.ok(Math.abs(output.data[2]! - closed(() => 0) - w ** (3 - t) * b) > 0.1, `the bias once only, for t = ${t}`);
  });
  it('[A19.17] the highest probability is a choice, not a draw', () => {
    const logits = [0.3, 0.4, 0.3].map(Math.log);
    const stream = { rows: 1, output: logits, step: () => logits };
    assert.deepEqual([...new Set(sample(stream, { greedy: true, length: 300 }))], [1]);
    const counts = [0, 0, 0];
    for (const token of sample(stream, { seed: 2, length: 3000 })) counts[token]!++;
    counts.forEach((count, token) => assert.ok(Math.abs(count / 3000 - [0.3, 0.4, 0.3][token]!) < 0.04, counts.join()));
  });
  it('[A19.18] the paper on counting is arXiv 1805.04908', () => {
    const identifier = /^\d{4}\.\d{4,5}$/;
    assert.ok(identifier.test('1805.04908') && !identifier.test('1805.0490856'));
    assert.match(errata[17]!.text, /1805\.04908\b.*Weiss/s);
    assert.match(pageText('cells/lstm.md'), /arXiv:1805\.04908\b/);
  });
  it('[A19.19] a recurrent network does not remember everything, and that is not what an LSTM is', async () => {
    const model = built([rnn({ units: 3, initializer: { recurrent: { kind: 'orthogonal', options: { gain: 0.5 } } } })]);
    const after = async (h: number[]): Promise<ArrayLike<number>> => (await model.predict(someSequences([60], 2), { state: { 'rnn/h': [h] } })).state['rnn/h']!.data;
    assert.ok(largestDifference(await after([1, 1, 1]), await after([-1, 0, 1])) < 1e-14, 'two pasts, one state');
    const weights: WeightChoice = (name) => (name.startsWith('weight') ? 0 : ({ 'bias_ih.f': 1 })[name] ?? 0);
    const state = { h: new Float64Array(2 * units), c: new Float64Array(2 * units).fill(1) };
    const left = runCell(lstmCell, { x: cellSequence(4, 100), weights, state }).final['c']!.data;
    assert.ok(left.every((c) => Math.abs(c / sigmoid(1) ** 100 - 1) < 1e-9 && c < 1e-13), `an LSTM forgets at the rate of its gate: ${left[0]}`);
  });
  it('[A19.20] the GRU and the TCN come from their papers where the notes have no equations', () => {
    assert.match(errata[19]!.text, /arXiv:1406\.1078.*arXiv:1803\.01271/s);
    assert.equal(receptiveField(tcn({ channels: new Array<number>(7).fill(2), kernel: 7 })), 1 + 2 * 6 * (2 ** 7 - 1));
    const one = sequential([gru({ units: 1, reset: 'before' })], { input: { features: 1 }, seed: 5, runtime: referenceRuntime });
    const [w, u] = [one.parameter('gru/weight_ih_l0').view, one.parameter('gru/weight_hh_l0').view] as [ArrayLike<number>, ArrayLike<number>];
    let h = 0;
    for (const x of xs) {
      const [r, z] = [0, 1].map((gate) => sigmoid(w[gate]! * x + u[gate]! * h)) as [number, number];
      h = z * h + (1 - z) * Math.tanh(w[2]! * x + u[2]! * (r * h));
    }
    return one.predict([xs.map((x) => [x])]).then(({ output }) => assert.ok(Math.abs(output.data[2]! - h) < 1e-15, `${output.data[2]} and ${h}`));
  });

  it('the page has all twenty, each with a test of this file that is there', () => {
    assert.deepEqual(errata.map(({ number }) => number), Array.from({ length: 20 }, (_, i) => i + 1));
    for (const { number, text } of errata) {
      const [named] = testsOfPage(text);
      assert.ok(named?.startsWith(`[A19.${number}] `), `${number}: ${named}`);
    }
  });
});
