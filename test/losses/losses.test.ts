import assert from 'node:assert/strict';
import { constant, gradient, input, type Value } from '../../lib/graph/index.ts';
import type { Signal } from '../../lib/layers/layer.ts';
import {
  absoluteError, accuracySums, binaryCrossEntropy, bitsPerToken, crossEntropy, huber, isClassification, lossFromDescription, lossSums, perplexity, reduceLoss, reductions, squaredError, type Loss,
} from '../../lib/losses/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { assertThrows } from '../support/errors.ts';
import { checkGradient } from '../support/gradient-check.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';

const steps = 4;
const rows = 3;
const features = 5;
const lengths = [4, 1, 2];
const losses: readonly Loss[] = [crossEntropy(), binaryCrossEntropy(), squaredError(), absoluteError(), huber({ delta: 0.6 })];

interface Setting {
  readonly prediction: Signal;
  readonly target: Value;
  readonly inputs: Record<string, ArrayLike<number>>;
}

function setting(loss: Loss, { ragged = false, time = true } = {}): Setting {
  const leading = time ? [steps, rows] : [rows];
  const count = leading.reduce((a, b) => a * b);
  const value = input('prediction', [...leading, features]);
  const target = loss.targetType === 'int32' ? input('target', leading, 'int32') : input('target', [...leading, features]);
  const targets = loss.targetType === 'int32' ? Array.from({ length: count }, (_, i) => (i * 7) % features)
    : loss.kind === 'binaryCrossEntropy' ? Array.from({ length: count * features }, (_, i) => i % 3 / 2) : someNumbers(count * features, 31);
  return {
    prediction: { value, time, lengths: ragged ? input('lengths', [rows], 'int32') : undefined },
    target,
    inputs: { prediction: someNumbers(count * features, 12).map((element) => 2 * element), target: targets, lengths },
  };
}

function numberOf(value: Value, inputs: Record<string, ArrayLike<number>>): number {
  return evaluate([value], { inputs })[0]!.data[0]!;
}

function spoil(numbers: ArrayLike<number>, width: number, filler: number): Float64Array {
  return Float64Array.from(numbers, (value, i) => {
    const step = Math.floor(i / width);
    return Math.floor(step / rows) < lengths[step % rows]! ? value : filler;
  });
}

describe('losses', () => {
  for (const loss of losses) {
    it(`${loss.kind}: right gradients for every reduction, with and without padding, time and last steps`, () => {
      for (const reduction of reductions) {
        for (const options of [{}, { ragged: true }, { time: false }]) {
          for (const lossOn of ['all', 'last'] as const) {
            const { prediction, target, inputs } = setting(loss, options);
            checkGradient(reduceLoss({ loss, prediction, target, reduction, lossOn }), [prediction.value], { inputs, samples: 10 });
          }
        }
      }
    });
    it(`${loss.kind}: what stands in the padding reaches neither loss nor gradient`, () => {
      const { prediction, target, inputs } = setting(loss, { ragged: true });
      const total = reduceLoss({ loss, prediction, target });
      const values = [total, ...gradient(total, [prediction.value]).gradients];
      const clean = evaluate(values, { inputs });
      const spoilt = { ...inputs, prediction: spoil(inputs['prediction']!, features, NaN), target: loss.targetType === 'int32' ? spoil(inputs['target']!, 1, -9) : spoil(inputs['target']!, features, NaN) };
      const found = evaluate(values, { inputs: spoilt });
      found.forEach(({ data }, i) => assert.equal(largestDifference(data, clean[i]!.data), 0));
    });
    it(`${loss.kind}: comes back from JSON, frozen`, () => {
      const again = lossFromDescription(JSON.parse(JSON.stringify({ kind: loss.kind, options: loss.options })) as { kind: string });
      assert.deepEqual(again.options, loss.options);
      assert.ok(Object.isFrozen(again) && Object.isFrozen(again.options));
    });
  }

  it('mean the numbers of their definitions', () => {
    const at = (loss: Loss, predicted: number[], wanted: number[]): number => {
      const value = input('p', [1, predicted.length]);
      const target = loss.targetType === 'int32' ? constant(wanted, [1], 'int32') : constant(wanted, [1, wanted.length]);
      return numberOf(reduceLoss({ loss, prediction: { value, time: false }, target, reduction: 'sum' }), { p: predicted });
    };
    assert.equal(at(squaredError(), [1, 5], [2, 2]), 10);
    assert.equal(at(absoluteError(), [1, 5], [2, 2]), 4);
    assert.equal(at(huber(), [0.5, 5], [0, 2]), 0.125 + 2.5);
    assert.ok(Math.abs(at(crossEntropy(), [0, 0, 0, 0], [2]) - Math.log(4)) < 1e-15);
    assert.ok(Math.abs(at(binaryCrossEntropy(), [0, 3], [1, 0]) - (Math.LN2 + Math.log1p(Math.exp(3)))) < 1e-14);
    assert.equal(at(binaryCrossEntropy(), [1000, -1000], [1, 0]), 0);
    assert.equal(at(binaryCrossEntropy(), [-1000], [1]), 1000);
    assert.equal(at(crossEntropy(), [1000, 0], [1]), 1000);
  });
});

describe('reductions', () => {
  const { prediction, target, inputs } = setting(squaredError(), { ragged: true });
  const perStep = Float64Array.from(evaluate([squaredError().perStep(prediction, target)], { inputs })[0]!.data);
  const total = perStep.reduce((sum, element) => sum + element, 0);
  const reduce = (options: object): number => numberOf(reduceLoss({ loss: squaredError(), prediction, target, ...options }), inputs);
  const rowMean = (row: number): number => Array.from({ length: lengths[row]! }, (_, t) => perStep[t * rows + row]!).reduce((a, b) => a + b) / lengths[row]!;
  const near = (a: number, b: number): void => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);

  it('sum adds valid steps and features; mean averages both; meanPerSequence row by row first', () => {
    near(reduce({ reduction: 'sum' }), total);
    near(reduce({}), total / 7 / features);
    near(reduce({ reduction: 'meanPerSequence' }), (rowMean(0) + rowMean(1) + rowMean(2)) / 3 / features);
  });
  it('lossOn "last" counts the last valid step of each row', () => {
    const last = lengths.map((length, row) => perStep[(length - 1) * rows + row]!).reduce((a, b) => a + b);
    near(reduce({ reduction: 'sum', lossOn: 'last' }), last);
    near(reduce({ lossOn: 'last' }), last / 3 / features);
  });
  it('weights count steps by [T], [T, N] or not at all', () => {
    const byTime = constant([1, 0, 2, 0], [4]);
    const weighted = perStep.map((element, i) => element * [1, 0, 2, 0][Math.floor(i / rows)]!).reduce((a, b) => a + b);
    near(reduce({ weights: byTime, reduction: 'sum' }), weighted);
    near(reduce({ weights: byTime }), weighted / (3 * 1 + 1 * 2) / features);
    near(reduce({ weights: constant(0, [4, 3]) }), 0);
    near(reduce({ weights: constant(0, [4, 3]), reduction: 'meanPerSequence' }), 0);
    const full = Array.from({ length: 12 }, (_, i) => i / 10);
    near(reduce({ weights: constant(full, [4, 3]), reduction: 'sum' }), perStep.map((element, i) => element * full[i]!).reduce((a, b) => a + b));
  });
  it('refuse what does not fit', () => {
    assertThrows(() => reduce({ reduction: 'average' }), 'ERR_BPTT_OPTION', /"sum", "mean", "meanPerSequence", received "average"/);
    assertThrows(() => reduce({ lossOn: 'first' }), 'ERR_BPTT_OPTION', /lossOn/);
    assertThrows(() => reduce({ weights: constant(1, [5]) }), 'ERR_BPTT_SHAPE', /weights for steps \[4, 3\]/);
    const predicted: Signal = { value: input('p', [4, 3, 5]), time: true };
    assertThrows(() => crossEntropy().perStep(predicted, input('t', [3], 'int32')), 'ERR_BPTT_SHAPE', /crossEntropy: expected a target of shape \[3, 4\]/);
    assertThrows(() => crossEntropy().perStep(predicted, input('t', [4, 3])), 'ERR_BPTT_TYPE', /target of int32 tokens, received float32/);
    assertThrows(() => squaredError().perStep(predicted, input('t', [4, 3, 1])), 'ERR_BPTT_SHAPE', /expected a target of shape \[3, 4, 5\], received \[3, 4, 1\]/);
    assertThrows(() => huber({ delta: 0 }), 'ERR_BPTT_RANGE', /delta/);
    assertThrows(() => crossEntropy({ smoothing: 0.1 }), 'ERR_BPTT_OPTION', /unknown option "smoothing"/);
    assertThrows(() => lossFromDescription({ kind: 'crossentropy' }), 'ERR_BPTT_FORMAT', /did you mean "crossEntropy"/);
  });
});

describe('metrics', () => {
  it('count right tokens over valid steps', () => {
    const value = constant([0, 9, 1, 0, 5, 2, 3, 3, 8, 1, 1, 0], [2, 2, 3]);
    const target = constant([1, 1, 0, 0], [2, 2], 'int32');
    const sums = (rowLengths?: number[]): number[] => {
      const { total, count } = accuracySums({ value, time: true, lengths: rowLengths && constant(rowLengths, [2], 'int32') }, target);
      return evaluate([total, count]).map(({ data }) => data[0]!);
    };
    assert.deepEqual(sums(), [3, 4]);
    assert.deepEqual(sums([1, 2]), [3, 3]);
    assert.deepEqual(sums([1, 1]), [2, 2]);
  });
  it('count right features of yes-or-no targets', () => {
    const { total, count } = accuracySums({ value: constant([2, -1, 0.5, -3], [2, 2]), time: false }, constant([1, 1, 0, 0], [2, 2]));
    assert.deepEqual(evaluate([total, count]).map(({ data }) => data[0]), [2, 4]);
  });
  it('give sums whose ratio is the mean loss', () => {
    for (const loss of losses) {
      const { prediction, target, inputs } = setting(loss, { ragged: true });
      const { total, count } = lossSums(loss, prediction, target);
      const ratio = numberOf(total, inputs) / numberOf(count, inputs);
      assert.ok(Math.abs(ratio - numberOf(reduceLoss({ loss, prediction, target }), inputs)) < 1e-13);
    }
  });
  it('know what is about classes, and its units', () => {
    assert.deepEqual(losses.map(isClassification), [true, true, false, false, false]);
    assert.ok(Math.abs(perplexity(Math.log(7)) - 7) < 1e-12);
    assert.equal(bitsPerToken(Math.LN2), 1);
  });
});

describe('losses: misspelt options', () => {
  it('of a reduction are named', () => {
    assertThrows(() => reduceLoss({ lossOnn: 'last' } as never), 'ERR_BPTT_OPTION', /did you mean "lossOn"/);
  });
});
