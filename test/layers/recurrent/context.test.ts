import assert from 'node:assert/strict';
import { cell, peepholeLstmCell } from '../../../lib/cells/index.ts';
import { constant, elementCount, gradient, input, multiply, sum, tanh, type Value } from '../../../lib/graph/index.ts';
import { bidirectional, dense, gru, lstm, recurrent, rnn, withInitialState, type Layer, type RecurrentOptions } from '../../../lib/layers/index.ts';
import { connect, input as declare, model, type Model } from '../../../lib/model/index.ts';
import { crossEntropy } from '../../../lib/losses/index.ts';
import { adam } from '../../../lib/optimizers/index.ts';
import { Trainer } from '../../../lib/training/index.ts';
import { evaluate } from '../../../lib/runtime/reference/interpreter.ts';
import { assertAgreement, graphOf } from '../../differential/support.ts';
import { assertThrows } from '../../support/errors.ts';
import { checkGradient } from '../../support/gradient-check.ts';
import { assertNear, someSequence, someSequences } from '../../support/models.ts';
import { largestDifference, someNumbers } from '../../support/numbers.ts';
import { numbersFor, TestScope } from '../../support/scope.ts';
import { engineOrSkip } from '../convolution/support.ts';

const layers = (options: RecurrentOptions): Layer[] => [rnn(options), lstm(options), gru(options), recurrent(peepholeLstmCell, options)];
const lengths = [5, 2, 4];

interface Given {
  readonly scope: TestScope;
  readonly output: Value;
  readonly leaves: readonly Value[];
  readonly inputs: Record<string, ArrayLike<number>>;
}

/** Rows of 5 steps of 2 features with a context of 3, on their own. */
function build(layer: Layer, given: { context?: ArrayLike<number>; ragged?: boolean; states?: boolean; weights?: Record<string, ArrayLike<number>> } = {}): Given {
  const scope = new TestScope({ givenStates: given.states ?? false });
  const x = input('x', [5, 3, 2]);
  const context = input('context', [3, 3]);
  const signals = [{ value: x, time: true, lengths: given.ragged ? input('lengths', [3], 'int32') : undefined }, { value: context, time: false }];
  const { value } = layer.build(scope, ...signals.slice(0, layer.options['context'] === undefined ? 1 : 2));
  const parameters = [...scope.requests.parameters];
  const inputs: Record<string, ArrayLike<number>> = { x: someNumbers(30, 4), context: given.context ?? someNumbers(9, 5), lengths };
  for (const [path, { shape }] of parameters) inputs[path] = given.weights?.[path] ?? numbersFor(path, shape);
  for (const [path, { shape }] of scope.requests.states) inputs[path] = path.endsWith('started') ? [0, 1, 0] : numbersFor(path, shape);
  return { scope, output: value, leaves: [x, context, ...parameters.map(([, parameter]) => parameter.value)], inputs };
}

function run(layer: Layer, given: Parameters<typeof build>[1] = {}): Float64Array {
  const { output, inputs } = build(layer, given);
  return Float64Array.from(evaluate([output], { inputs })[0]!.data);
}

describe('context of a recurrent layer', () => {
  it('[97] h = tanh(W x + U h + W_c v + b), at every step or at the first one only', () => {
    const [wi, wh, wc, b] = [numbersFor('weight_ih_l0', [2, 4]), numbersFor('weight_hh_l0', [4, 4]), numbersFor('weight_ch_l0', [3, 4]), numbersFor('bias_ih_l0', [4])];
    const [x, v] = [someNumbers(30, 4), someNumbers(9, 5)];
    for (const context of ['every', 'first'] as const) {
      const found = run(rnn({ units: 4, context }));
      const expected: number[] = [];
      let h = [0, 1, 2].map(() => [0, 0, 0, 0]);
      for (let t = 0; t < 5; t++) {
        h = h.map((before, row) => before.map((_, k) => Math.tanh(b[k]! + [0, 1].reduce((total, c) => total + x[(t * 3 + row) * 2 + c]! * wi[c * 4 + k]!, 0)
          + before.reduce((total, value, j) => total + value * wh[j * 4 + k]!, 0) + (context === 'every' || t === 0 ? [0, 1, 2].reduce((total, c) => total + v[row * 3 + c]! * wc[c * 4 + k]!, 0) : 0))));
        expected.push(...h.flat());
      }
      assert.ok(largestDifference(found, expected) < 1e-14, context);
    }
  });
  it('[97] that is zero changes nothing, on any cell', () => {
    for (const options of [{ units: 4 }, { units: 4, layers: 2, direction: 'bidirectional' }, { units: 4, bias: 'double' }] as const) {
      const without = layers(options).map((layer) => run(layer, { ragged: true }));
      for (const context of ['every', 'first'] as const) {
        assert.deepEqual(layers({ ...options, context }).map((layer) => run(layer, { context: new Array<number>(9).fill(0), ragged: true })), without);
      }
    }
  });
  it('[97] has right gradients for its weight, the context and all else', () => {
    for (const context of ['every', 'first'] as const) {
      for (const layer of [...layers({ units: 3, context }), lstm({ units: 2, layers: 2, direction: 'bidirectional', context })]) {
        const { output, leaves, inputs, scope } = build(layer, { ragged: true, states: true });
        assert.ok(scope.requests.parameters.has('weight_ch_l0'));
        checkGradient(output, leaves, { inputs, samples: 5 });
      }
    }
  });
  it('[97] is the same on the engine', function () {
    engineOrSkip(this);
    for (const layer of [...layers({ units: 5, context: 'every' }), ...layers({ units: 5, context: 'first' }), gru({ units: 5, context: 'first', direction: 'backward' })]) {
      const { output, leaves } = build(layer, { ragged: true });
      const loss = sum(multiply(output, constant(someNumbers(elementCount(output.shape), 5), output.shape)));
      assertAgreement(graphOf({ output, ...Object.fromEntries(gradient(loss, leaves).gradients.map((value, i) => [`gradient ${i}`, value])) }), { indices: 6 });
    }
  });
  it('enters the first stacked layer, in each direction at the step that it reads first', () => {
    const names = [...build(gru({ units: 4, layers: 2, direction: 'bidirectional', context: 'every' })).scope.requests.parameters].filter(([name]) => name.includes('_ch_'));
    assert.deepEqual(names.map(([name, { shape, options }]) => [name, shape, options.group, options.disk?.transpose, options.gates?.length]), [
      ['weight_ch_l0', [3, 12], 'input', true, 3], ['weight_ch_l0_reverse', [3, 12], 'input', true, 3],
    ]);
    // Without recurrent products a context is seen at its own step only.
    const weights = { weight_hh_l0_reverse: new Array<number>(16).fill(0) };
    const layer = rnn({ units: 4, context: 'first', direction: 'backward' });
    const [usual, changed] = [someNumbers(9, 5), someNumbers(9, 6)].map((context) => run(layer, { ragged: true, weights, context }));
    const seen = [0, 1, 2].map((row) => [0, 1, 2, 3, 4].filter((t) => usual![(t * 3 + row) * 4] !== changed![(t * 3 + row) * 4]));
    assert.deepEqual(seen, lengths.map((length) => [length - 1]));
  });
  it('refuses what does not fit', () => {
    const layer = lstm({ units: 3, context: 'every', name: 'writer' });
    const signal = (...shape: number[]): { value: Value; time: boolean } => ({ value: input(`x${shape.length}`, shape), time: shape.length === 3 });
    const scope = new TestScope({ path: 'writer' });
    assertThrows(() => layer.build(scope, signal(5, 3, 2)), 'ERR_BPTT_GRAPH', /lstm "writer": expected two inputs, the sequence and then its context \[N, features\], received 1/);
    assertThrows(() => layer.build(scope, signal(5, 3, 2), { value: input('c', [5, 3, 2]), time: true }), 'ERR_BPTT_SHAPE', /one vector for each row, \[N, features\], received \[3, 5, 2\]; concatenate\(\)/);
    assertThrows(() => layer.build(scope, signal(5, 3, 2), { value: input('c', [3, 2], 'int32'), time: false }), 'ERR_BPTT_TYPE', /context: expected float32/);
    assertThrows(() => lstm({ units: 3, context: 'last' as 'first' }), 'ERR_BPTT_OPTION', /context to be one of "every", "first", received "last"/);
    assertThrows(() => lstm({ units: 3, context: 'every', bias: false }), 'ERR_BPTT_OPTION', /bias: false leaves none/);
    assertThrows(() => lstm({ units: 3 }).build(scope, signal(5, 3, 2), signal(3, 2)), 'ERR_BPTT_GRAPH', /expected one input/);
    assertThrows(() => bidirectional({ forward: lstm({ units: 3, context: 'every' }) }).build(scope, signal(5, 3, 2)), 'ERR_BPTT_GRAPH', /expected two inputs/);
    const unread = cell('testUnread', { state: { h: 'units' } }, ({ x, h, affine }) => {
      const next = tanh(affine('h', h));
      return { output: multiply(next, sum(x)), h: next };
    });
    assertThrows(() => recurrent(unread, { units: 3, context: 'every' }).build(scope, signal(5, 3, 2), signal(3, 2)), 'ERR_BPTT_OPTION', /this cell has no such gate/);
  });
});

function captioner(context: 'every' | 'first', layer: Layer = lstm({ units: 6, context })): Model {
  const [words, picture] = [declare({ name: 'words', features: 2 }), declare({ name: 'picture', features: 3, time: false })];
  return model({ inputs: [words, picture], outputs: connect(dense({ units: 4 }), connect(layer, words, picture)), seed: 3 });
}

describe('models with a context', () => {
  for (const context of ['every', 'first'] as const) {
    it(`[97] stream, and go on in parts, with the context at ${context === 'every' ? 'every step' : 'the first step'}`, async () => {
      const made = captioner(context);
      const [words, picture] = [someSequence(9, 2), [[0.5, -1, 2]]];
      const whole = (await made.predict({ words: [words], picture })).output.data;
      const stream = made.stream();
      assert.deepEqual(words.flatMap((x) => [...stream.step({ words: x, picture: picture[0]! })]), [...whole]);
      const first = await made.predict({ words: [words.slice(0, 4)], picture });
      const second = await made.predict({ words: [words.slice(4)], picture }, { state: first.state });
      assert.deepEqual([...first.output.data, ...second.output.data], [...whole]);
      stream.reset();
      assert.deepEqual([...stream.step({ words: words[0]!, picture: picture[0]! })], [...whole.subarray(0, 4)]);
    });
  }
  it('stream with the context given once', async () => {
    for (const context of ['every', 'first'] as const) {
      const made = captioner(context);
      const [words, picture] = [someSequence(5, 2), [[0.5, -1, 2]]];
      const whole = (await made.predict({ words: [words], picture })).output.data;
      const stream = made.stream({ given: { picture } });
      assertNear(words.flatMap((x) => [...stream.step(x)]), whole, context);
    }
  });
  it('give rows of different lengths what each alone would have', async () => {
    const made = captioner('first', lstm({ units: 6, context: 'first', direction: 'bidirectional', layers: 2 }));
    const [words, picture] = [someSequences([9, 3, 1], 2), someSequence(3, 3)];
    const { output } = await made.predict({ words, picture });
    for (const [i, row] of words.entries()) assertNear(output.row(i).data, (await made.predict({ words: [row], picture: [picture[i]!] })).output.data, `row ${i}`);
  });
  it('are hand in hand with an initial state from elsewhere', async () => {
    const [words, picture, start] = [declare({ name: 'words', features: 2 }), declare({ name: 'picture', features: 3, time: false }), declare({ name: 'start', features: 4, time: false })];
    const both = model({ inputs: [words, picture, start], outputs: connect(withInitialState({ layer: gru({ units: 4, context: 'every' }) }), words, picture, start) });
    const { output } = await both.predict({ words: [someSequence(3, 2)], picture: [[1, 2, 3]], start: [[0, 0, 0, 0]] });
    assert.deepEqual(output.shape, [1, 3, 4]);
  });
  it('[97] learn what only the context says', async () => {
    const made = captioner('first');
    const rows = Array.from({ length: 12 }, (_, i) => i % 3);
    const batch = {
      input: { words: rows.map(() => Array.from({ length: 5 }, () => [1, 0])), picture: rows.map((kind) => [0, 1, 2].map((k) => Number(k === kind))) },
      target: rows.map((kind) => [0, 1, 2, 3, 4].map((t) => (t + kind) % 4)),
    };
    const trainer = new Trainer(made, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.03 }) });
    let loss = Infinity;
    for (let step = 0; step < 150; step++) loss = (await trainer.step(batch)).loss;
    assert.ok(loss < 0.1, `loss ${loss}`);
  });
});
