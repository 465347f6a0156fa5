import assert from 'node:assert/strict';
import { cell, type rnnCell } from '../../lib/cells/index.ts';
import { add, matmul, multiply, sigmoid, sliceAxis, subtract, tanh, type Value } from '../../lib/graph/index.ts';
import { dense, gru, lstm, recurrent, referenceRuntime, sequential, type Model } from '../../lib/index.ts';
import { assertNear, someSequences } from '../support/models.ts';
import { largestDifference } from '../support/numbers.ts';
import { pageText } from './page.ts';

const [units, features] = [3, 2];

/** Orders of gates as the page has them, by library: of the LSTM and of the GRU. */
const orders = new Map([...pageText('errata.md').matchAll(/^\| ([\w, ]+) \| ((?:\w, ){3}\w) \| ((?:\w, ){2}\w)? ?\|$/gm)].map(([, library, four, three]) => [library!, [four!.split(', '), three?.split(', ')] as const]));

function built(layer: ReturnType<typeof lstm>): Model {
  return sequential([layer], { input: { features }, seed: 3, runtime: referenceRuntime });
}

/** Columns of a matrix of gates, block by block, from one order into another. */
function reorder(numbers: ArrayLike<number>, from: readonly string[], to: readonly string[]): Float64Array {
  const width = units * from.length;
  return Float64Array.from({ length: numbers.length }, (_, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    return numbers[row * width + from.indexOf(to[Math.floor(column / units)]!) * units + column % units]!;
  });
}

let made = 0;

/** One product with all gates in this order, from which each gate takes its block: an LSTM, or the GRU that resets before the product. */
const inOrder = {
  lstm: (order: readonly string[]) => cell(`lstm${++made}InOrder${order.join('')}`, { state: { h: 'units', c: 'units' } }, ({ x, h, c, parameter }) => {
    const all = add(add(matmul(x, parameter('from_input', [features, 4 * units])), matmul(h, parameter('from_state', [units, 4 * units]))), parameter('offset', [4 * units]));
    const gate = (name: string): Value => sliceAxis(all, 1, order.indexOf(name) * units, units);
    const memory = add(multiply(sigmoid(gate('f')), c), multiply(sigmoid(gate('i')), tanh(gate('g'))));
    const next = multiply(sigmoid(gate('o')), tanh(memory));
    return { output: next, h: next, c: memory };
  }),
  gru: (order: readonly string[]) => cell(`gru${++made}InOrder${order.join('')}`, { state: { h: 'units' } }, ({ x, h, parameter }) => {
    const product = matmul(x, parameter('from_input', [features, 3 * units]));
    const weight = parameter('from_state', [units, 3 * units]);
    const fed = add(product, parameter('offset', [3 * units]));
    const from = (name: string): number => order.indexOf(name) * units;
    const gate = (name: string, state: Value): Value => add(sliceAxis(fed, 1, from(name), units), matmul(state, sliceAxis(weight, 1, from(name), units)));
    const z = sigmoid(gate('z', h));
    const next = add(multiply(z, h), multiply(subtract(1, z), tanh(gate('n', multiply(sigmoid(gate('r', h)), h)))));
    return { output: next, h: next };
  }),
};

/** The output of `own`, and of the cell in another order with its weights permuted, or left as they lie. */
async function compare(own: Model, make: (order: readonly string[]) => unknown, { from, to, permuted }: { from: readonly string[]; to: readonly string[]; permuted: boolean }): Promise<number> {
  const other = built(recurrent(make(to) as typeof rnnCell, { units }));
  const weights = own.parameters.map(({ view }) => (permuted ? reorder(view, from, to) : view));
  other.parameters.forEach(({ name }, i) => other.setParameter(name, Float64Array.from(weights[i]!)));
  const rows = someSequences([5], features);
  return largestDifference((await own.predict(rows)).output.data, (await other.predict(rows)).output.data);
}

/** A model whose biases are not all alike. */
function withBiases(layer: ReturnType<typeof lstm>): Model {
  const model = built(layer);
  for (const { name, group, count } of model.parameters) if (group === 'bias') model.setParameter(name, Float64Array.from({ length: count }, (_, i) => Math.sin(i)));
  return model;
}

describe('notation of the lecture notes', () => {
  it('every order of gates on the page: permuted weights give the same LSTM and GRU, weights as they lie another, and the way back is the way out', async () => {
    assert.deepEqual([...orders.keys()], ['bptt', 'PyTorch', 'Keras', 'ONNX', 'MATLAB', 'B, on slides']);
    const [ownFour, ownThree] = orders.get('bptt')! as [string[], string[]];
    const models = { lstm: withBiases(lstm({ units })), gru: withBiases(gru({ units, reset: 'before' })) };
    for (const [library, [four, three]] of orders) {
      for (const [kind, from, to] of [['lstm', ownFour, four], ['gru', ownThree, three]] as const) {
        if (!to) continue;
        const [own, make] = [models[kind], inOrder[kind]];
        assert.deepEqual([...to].sort(), [...from].sort(), library);
        assert.ok(await compare(own, make, { from, to, permuted: true }) < 1e-14, `${library}: ${kind}`);
        if (to.join() !== from.join()) assert.ok(await compare(own, make, { from, to, permuted: false }) > 1e-3, `${library}: ${kind} unpermuted`);
        for (const { view } of own.parameters) assert.deepEqual([...reorder(reorder(view, from, to), to, from)], [...view]);
      }
    }
  });

  it('[57] LSTM2: weights for each gate, h = o ⊙ tanh(c), y = softmax(U h_t + b): lstm and dense, as a loop over the gates says', async () => {
    const model = sequential([lstm({ units }), dense({ units: 2, activation: 'softmax' })], { input: { features }, seed: 4, runtime: referenceRuntime });
    const [W, V, b, U, top] = ['lstm/weight_hh_l0', 'lstm/weight_ih_l0', 'lstm/bias_ih_l0', 'dense/weight', 'dense/bias'].map((name) => model.parameter(name).view) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
    const [rows] = [someSequences([4], features)];
    let [h, c] = [[0, 0, 0], [0, 0, 0]];
    const expected = rows[0]!.flatMap((x) => {
      const gate = (index: number): number[] => [0, 1, 2].map((unit) => {
        const column = index * units + unit;
        return h.reduce((sum, value, k) => sum + W[k * 12 + column]! * value, 0) + x.reduce((sum, value, k) => sum + V[k * 12 + column]! * value, 0) + b[column]!;
      });
      const logistic = (values: number[]): number[] => values.map((value) => 1 / (1 + Math.exp(-value)));
      const [i, f, g, o] = [logistic(gate(0)), logistic(gate(1)), gate(2).map(Math.tanh), logistic(gate(3))] as const;
      c = c.map((old, unit) => f[unit]! * old + i[unit]! * g[unit]!);
      h = o.map((open, unit) => open * Math.tanh(c[unit]!));
      const powers = [0, 1].map((k) => Math.exp(h.reduce((sum, value, unit) => sum + U[unit * 2 + k]! * value, 0) + top[k]!));
      return powers.map((power) => power / (powers[0]! + powers[1]!));
    });
    assertNear((await model.predict(rows)).output.data, expected, 'output', 1e-14);
  });

  it('[108] mathgen is named as what it is: a grammar, out of scope', () => {
    assert.match(pageText('applications.md'), /mathgen itself is a grammar, not a network/);
  });
});
