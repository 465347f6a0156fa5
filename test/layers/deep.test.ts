import assert from 'node:assert/strict';
import { add, slice, sum, type Value } from '../../lib/graph/index.ts';
import { bidirectional, defineLayer, dense, gru, highway, lstm, namedOutput, normal, parallel, residual, rnn, stack, type Layer } from '../../lib/layers/index.ts';
import { connect, input, model, sequential, type Model } from '../../lib/model/index.ts';
import { referenceRuntime, type Runtime } from '../../lib/runtime/index.ts';
import { assertThrows } from '../support/errors.ts';
import { buildMany, checkMany, gradientsOf, someInput, valuesOf } from '../support/manyInputs.ts';
import { assertNear, someSequences } from '../support/models.ts';
import { largestDifference } from '../support/numbers.ts';
import { initialNumbers, numbersFor, runTestLayer } from '../support/scope.ts';
import { numbers, type Numbers } from '../support/tensors.ts';

const x = someInput([6, 3, 4]);
const lengths = [6, 2, 4];

/** Every row's valid part turned round, zeros after it. */
function reversed({ shape, data }: Numbers, ends: readonly number[]): Numbers {
  const [, rows, width] = shape as [number, number, number];
  const result = new Float64Array(data.length);
  ends.forEach((end, row) => {
    for (let t = 0; t < end; t++) result.set(data.subarray(((end - 1 - t) * rows + row) * width, ((end - 1 - t) * rows + row + 1) * width), (t * rows + row) * width);
  });
  return numbers(shape, result);
}

function parametersOf(layer: Layer): Map<string, readonly number[]> {
  return new Map([...buildMany(layer, [{ x }]).scope.requests.parameters].map(([path, { shape }]) => [path, shape]));
}

/** Length of the gradient of what the layer ends with by the first step's input. */
function gradientAtStart(layer: Layer, steps: number): number {
  const built = buildMany(layer, [{ x: someInput([steps, 1, 8]) }]);
  for (const [path, requested] of built.scope.requests.parameters) built.inputs[path] = initialNumbers(path, requested);
  const [gradient] = gradientsOf(built, built.signal.value, [built.xs[0]!]);
  return Math.hypot(...gradient!.data.subarray(0, 8));
}

describe('deep and skip: two directions', () => {
  it('[88] the backward direction is the forward one over each row turned round, beginning at its true end', () => {
    const forward = runTestLayer({ layer: gru({ units: 3 }), x: reversed(x, lengths), lengths }).output;
    const weights = Object.fromEntries(['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0'].map((name) => [`${name}_reverse`, numbersFor(name, parametersOf(gru({ units: 3 })).get(name)!)]));
    const backward = runTestLayer({ layer: gru({ units: 3, direction: 'backward' }), x, lengths, weights }).output;
    assert.deepEqual([...backward.data], [...reversed(forward, lengths).data]);
  });

  it('[88] directions of cells of their own, joined by concat, sum, average or product, or each for itself by name', () => {
    const [features, hidden] = [input({ features: 4 }), { units: 3 }];
    for (const [merge, join] of Object.entries({ sum: (a: number, b: number) => a + b, average: (a: number, b: number) => (a + b) / 2, product: (a: number, b: number) => a * b })) {
      const both = buildMany(bidirectional({ forward: gru(hidden), backward: lstm({ ...hidden, direction: 'backward' }), merge: merge as 'sum' }), [{ x, lengths }]);
      const [joined, forward, backward] = valuesOf(both, [both.signal.value, both.signal.named!['forward']!.value, both.signal.named!['backward']!.value]);
      assert.ok(largestDifference(joined!.data, forward!.data.map((value, i) => join(value, backward!.data[i]!))) < 1e-15, merge);
    }
    const place = connect(bidirectional({ forward: gru(hidden), backward: rnn({ ...hidden, direction: 'backward' }), name: 'both' }), features);
    const built = model({ inputs: features, outputs: [place, connect(namedOutput({ output: 'backward', name: 'back' }), place)] });
    assert.deepEqual(built.outputs.map(({ sizes }) => sizes), [[6], [3]]);
  });

  it('[88] gradients of both directions with cells of their own over ragged rows', () => checkMany(bidirectional({ forward: gru({ units: 2 }), backward: lstm({ units: 3, direction: 'backward' }) }), [{ x, lengths }]));

  it('[89] the forward half knows nothing of the future, the backward half nothing of the past', () => {
    const built = buildMany(lstm({ units: 3, direction: 'bidirectional' }), [{ x }]);
    const at = 2;
    const half = (value: Value, from: number): Value => sum(stepOf(value, at, from));
    const [forward, backward] = [0, 3].map((from) => gradientsOf(built, half(built.signal.value, from), [built.xs[0]!])[0]!.data);
    const touched = (gradient: Float64Array): boolean[] => Array.from({ length: 6 }, (_, t) => gradient.subarray(t * 12, (t + 1) * 12).some((element) => element !== 0));
    assert.deepEqual(touched(forward as Float64Array), [true, true, true, false, false, false]);
    assert.deepEqual(touched(backward as Float64Array), [false, false, true, true, true, true]);
  });
});

describe('deep and skip: stacks', () => {
  it('[90] [91] stacked layers of n units over n features: W^l is [2n → n] of the simple network, [2n → 4n] of the LSTM', () => {
    const square = buildMany(rnn({ units: 4, layers: 3, bias: false }), [{ x }]).scope.requests.parameters;
    for (const layer of [0, 1, 2]) assert.deepEqual([square.get(`weight_ih_l${layer}`)!.shape, square.get(`weight_hh_l${layer}`)!.shape], [[4, 4], [4, 4]]);
    const gated = buildMany(lstm({ units: 4, layers: 2, bias: false }), [{ x }]).scope.requests.parameters;
    for (const layer of [0, 1]) assert.deepEqual([gated.get(`weight_ih_l${layer}`)!.shape, gated.get(`weight_hh_l${layer}`)!.shape], [[4, 16], [4, 16]]);
  });

  it('[90] [91] a stack is its layers one after the other, number for number', () => {
    for (const make of [rnn, lstm]) {
      const deep = buildMany(make({ units: 3, layers: 2 }), [{ x, lengths }]);
      const chained = buildMany(stack({ layers: [make({ units: 3, name: 'a' }), make({ units: 3, name: 'b' })] }), [{ x, lengths }]);
      for (const path of chained.scope.requests.parameters.keys()) chained.inputs[path] = deep.inputs[path.slice(2).replace('_l0', path.startsWith('a') ? '_l0' : '_l1')]!;
      assert.deepEqual([...valuesOf(chained, [chained.signal.value])[0]!.data], [...valuesOf(deep, [deep.signal.value])[0]!.data]);
    }
  });

  it('[92] dense layers before, between and after recurrent ones', async () => {
    const built = sequential([dense({ units: 5, activation: 'relu' }), lstm({ units: 6 }), dense({ units: 4, activation: 'tanh' }), lstm({ units: 3 }), dense({ units: 2 })], { input: { features: 4 } });
    const { output } = await built.predict(someSequences([5, 2], 4));
    assert.deepEqual([output.shape, built.describe().layers.slice(1).map(({ outputShape }) => outputShape.at(-1))], [[2, 5, 2], [5, 6, 4, 3, 2]]);
    checkMany(stack({ layers: [dense({ units: 3, activation: 'tanh' }), lstm({ units: 2 }), dense({ units: 2, name: 'between' }), lstm({ units: 2, name: 'upper' }), dense({ units: 1, name: 'last' })] }), [{ x, lengths }], { samples: 6 });
  });

  it('[95] sequential recursion feeds the next recurrence, parallel recursion stands beside it', () => {
    const beside = parallel({ layers: [gru({ units: 3 }), lstm({ units: 2 }), rnn({ units: 4, direction: 'backward', name: 'back' })] });
    const built = buildMany(beside, [{ x, lengths }]);
    assert.deepEqual(built.signal.value.shape, [6, 3, 9]);
    const [joined, alone] = valuesOf(built, [built.signal.value, built.signal.named!['lstm']!.value]);
    for (let step = 0; step < 18; step++) assert.deepEqual([...joined!.data.subarray(step * 9 + 3, step * 9 + 5)], [...alone!.data.subarray(step * 2, step * 2 + 2)]);
    checkMany(beside, [{ x, lengths }], { samples: 6 });
    assertThrows(() => buildMany(parallel({ layers: [gru({ units: 3 }), lstm({ units: 2 })], merge: 'sum' }), [{ x }]), 'ERR_BPTT_SHAPE', /results that "sum" can join, received \[3, 6, 3\] of "gru" and \[3, 6, 2\] of "lstm"/);
  });
});

describe('deep and skip: past the layers', () => {
  it('[93] the identity path is exact: a layer that gives 0 leaves the input as it is', () => {
    for (const layer of [residual({ layer: lstm({ units: 4 }) }), residual({ layer: dense({ units: 4 }) })]) {
      const built = buildMany(layer, [{ x, lengths }]);
      for (const path of built.scope.requests.parameters.keys()) built.inputs[path] = new Float64Array(built.inputs[path]!.length);
      assert.deepEqual([...valuesOf(built, [built.signal.value])[0]!.data], [...reversed(reversed(x, lengths), lengths).data]);
    }
  });

  it('[93] through a deep and long network the gradient at the first step is larger with skips than without', () => {
    const depth = { units: 8, layers: 12, output: 'last', initializer: { input: normal({ deviation: 0.1 }) } } as const;
    const plain = gradientAtStart(rnn(depth), 12);
    const skipped = gradientAtStart(rnn({ ...depth, skip: 'residual' }), 12);
    const gated = gradientAtStart(rnn({ ...depth, skip: 'highway' }), 12);
    assert.ok(skipped > 10 * plain, `residual ${skipped}, plain ${plain}`);
    assert.ok(gated > 2 * plain, `highway ${gated}, plain ${plain}`);
  });

  it('[93] past a layer that gives what it ended with goes the step where it ended: the last valid one, or the first of a backward layer', () => {
    for (const [direction, ends] of [['forward', lengths.map((length) => length - 1)], ['backward', [0, 0, 0]]] as const) {
      const options = { units: 4, direction, output: 'last' } as const;
      const beside = buildMany(residual({ layer: gru(options) }), [{ x, lengths }]);
      const alone = buildMany(gru(options), [{ x, lengths }]);
      for (const path of alone.scope.requests.parameters.keys()) beside.inputs[`gru/${path}`] = alone.inputs[path]!;
      const [sum, result] = [beside, alone].map((built) => valuesOf(built, [built.signal.value])[0]!.data);
      ends.forEach((step, row) => {
        for (let k = 0; k < 4; k++) assert.equal(sum![row * 4 + k], x.data[(step * 3 + row) * 4 + k]! + result![row * 4 + k]!, `${direction}, row ${row}`);
      });
    }
  });

  const backwardEnd = { units: 4, direction: 'backward', output: 'last' } as const;
  for (const [title, make] of Object.entries({
    'a stack that ends with it': () => stack({ layers: [gru(backwardEnd)] }),
    'a stack that goes on after it': () => stack({ layers: [gru(backwardEnd), dense({ units: 4 }), parallel({ layers: [dense({ units: 2 }), dense({ units: 2 })] })] }),
    'a stack that goes on with a layer of one\'s own': () => stack({ layers: [gru(backwardEnd), defineLayer('twice', {}, (_scope, given) => ({ value: add(given.value, given.value), time: false }))] }),
    'a residual around it': () => residual({ layer: gru(backwardEnd) }),
    'layers side by side': () => parallel({ layers: [gru({ ...backwardEnd, units: 2 }), gru({ ...backwardEnd, units: 2 })] }),
    'its half of two directions': () => stack({ layers: [bidirectional({ forward: gru({ units: 4, output: 'last' }) }), namedOutput({ output: 'backward' })] }),
    'its half of one layer in both directions': () => stack({ layers: [gru({ ...backwardEnd, direction: 'bidirectional' }), namedOutput({ output: 'backward' })] }),
  })) {
    it(`[93] the first step goes past a backward layer inside of others: ${title}`, () => {
      const [beside, alone] = [buildMany(residual({ layer: make() }), [{ x, lengths }]), buildMany(make(), [{ x, lengths }])];
      for (const path of alone.scope.requests.parameters.keys()) {
        const [inside] = [...beside.scope.requests.parameters.keys()].filter((name) => name.endsWith(`/${path}`));
        beside.inputs[inside!] = alone.inputs[path]!;
      }
      const [sum, result] = [beside, alone].map((built) => valuesOf(built, [built.signal.value])[0]!.data);
      for (let i = 0; i < 12; i++) assert.equal(sum![i], x.data[i]! + result![i]!, title);
    });
  }

  it('[93] nothing goes past layers that end at both ends, also inside of others', () => {
    const [forward, backward] = [gru({ units: 2, output: 'last' }), gru({ units: 2, direction: 'backward', output: 'last' })];
    for (const layer of [bidirectional({ forward }), parallel({ layers: [forward, backward] }), stack({ layers: [gru({ units: 2, direction: 'bidirectional', output: 'last' }), dense({ units: 4 })] })]) {
      for (const around of [residual({ layer }), highway({ layer })]) assertThrows(() => buildMany(around, [{ x }]), 'ERR_BPTT_OPTION', /ends at both ends/);
    }
  });

  it('[93] skip of stacked layers adds each layer\'s input after the first; wrappers do the same', () => {
    const inside = buildMany(lstm({ units: 4, layers: 2, skip: 'residual' }), [{ x, lengths }]);
    const outside = buildMany(stack({ layers: [lstm({ units: 4, name: 'a' }), residual({ layer: lstm({ units: 4 }), name: 'b' })] }), [{ x, lengths }]);
    for (const path of outside.scope.requests.parameters.keys()) outside.inputs[path] = inside.inputs[path.replace(/^.*\//, '').replace('_l0', path.startsWith('a') ? '_l0' : '_l1')]!;
    assert.deepEqual([...valuesOf(outside, [outside.signal.value])[0]!.data], [...valuesOf(inside, [inside.signal.value])[0]!.data]);
  });

  it('[94] highway: g ⊙ f(x) + (1 − g) ⊙ x, and with the gate closed the input itself', () => {
    const built = buildMany(highway({ layer: dense({ units: 4 }) }), [{ x: someInput([1, 1, 4]) }]);
    const [result] = valuesOf(built, [built.signal.value]);
    const column = (matrix: ArrayLike<number>, k: number): number => Array.from({ length: 4 }, (_, i) => someInput([1, 1, 4]).data[i]! * matrix[i * 4 + k]!).reduce((a, b) => a + b);
    for (let k = 0; k < 4; k++) {
      const gate = 1 / (1 + Math.exp(-column(built.inputs['gate_weight']!, k) - built.inputs['gate_bias']![k]!));
      const transformed = column(built.inputs['dense/weight']!, k) + built.inputs['dense/bias']![k]!;
      assert.ok(Math.abs(result!.data[k]! - (gate * transformed + (1 - gate) * someInput([1, 1, 4]).data[k]!)) < 1e-12);
    }
    const closed = buildMany(highway({ layer: gru({ units: 4 }) }), [{ x, lengths }]);
    closed.inputs['gate_bias'] = new Float64Array(4).fill(-1e4);
    assert.deepEqual([...valuesOf(closed, [closed.signal.value])[0]!.data], [...reversed(reversed(x, lengths), lengths).data]);
  });

  for (const [name, layer] of Object.entries({
    'residual': residual({ layer: gru({ units: 4 }) }), 'residual with projection': residual({ layer: lstm({ units: 3 }), projection: true }),
    'residual around the last step': residual({ layer: gru({ units: 4, output: 'last' }) }), 'residual around a backward end': residual({ layer: gru({ units: 4, direction: 'backward', output: 'last' }) }),
    'highway': highway({ layer: rnn({ units: 4 }) }), 'stack with residual': gru({ units: 3, layers: 3, skip: 'residual', direction: 'bidirectional' }), 'stack with highway': rnn({ units: 3, layers: 2, skip: 'highway', output: 'last' }),
  })) it(`[93] [94] ${name}: gradients over ragged rows agree with central differences`, () => checkMany(layer, [{ x, lengths }], { samples: 8 }));

  it('run natively as by the reference, and step by step', async () => {
    const make = (runtime?: Runtime): Model => sequential([
      gru({ units: 4, layers: 3, skip: 'highway' }), residual({ layer: lstm({ units: 4 }) }), highway({ layer: dense({ units: 4, activation: 'relu' }) }),
    ], { input: { features: 3 }, runtime });
    const built = make();
    const rows = someSequences([5, 2], 3);
    const together = await built.predict(rows);
    assertNear(together.output.data, (await make(referenceRuntime).predict(rows)).output.data, 'against the reference');
    for (const [i, row] of rows.entries()) assertNear(together.output.row(i).data, (await built.predict([row])).output.data, `row ${i}`);
    const stream = built.stream();
    assertNear(rows[0]!.flatMap((step) => [...stream.step(step)]), together.output.row(0).data, 'stream');
  });

  it('refuse sizes that differ and skips past nothing', () => {
    assertThrows(() => buildMany(residual({ layer: gru({ units: 5 }) }), [{ x }]), 'ERR_BPTT_SHAPE', /keep the shape of the input, \[3, 6, 4\], received \[3, 6, 5\].*projection: true/);
    assertThrows(() => buildMany(highway({ layer: gru({ units: 5 }) }), [{ x }]), 'ERR_BPTT_SHAPE', /as many units/);
    assertThrows(() => lstm({ units: 3, skip: 'residual' }), 'ERR_BPTT_OPTION', /layers of at least 2, received 1; use residual/);
    assertThrows(() => lstm({ units: 3, layers: 2, skip: 'residuals' as 'residual' }), 'ERR_BPTT_OPTION', /"residual", "highway"/);
    assertThrows(() => buildMany(gru({ units: 3, layers: 2, skip: 'residual', direction: 'bidirectional', output: 'last' }), [{ x }]), 'ERR_BPTT_OPTION', /ends at both ends/);
  });
});

function stepOf(value: Value, step: number, from: number): Value {
  return slice(value, [step, 0, from], [1, value.shape[1]!, 3]);
}
