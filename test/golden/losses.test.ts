import { gradient, input } from '../../lib/graph/index.ts';
import type { Signal } from '../../lib/layers/layer.ts';
import { absoluteError, binaryCrossEntropy, crossEntropy, huber, reduceLoss, squaredError } from '../../lib/losses/index.ts';
import type { Loss, Reduction } from '../../lib/losses/index.ts';
import { evaluateOnce } from '../support/graphs.ts';
import { testedTolerance } from '../support/runtime.ts';
import { assertClose, numbers, readGolden, restore, swapBatchAndTime } from '../support/tensors.ts';
import type { Numbers, StoredNumbers } from '../support/tensors.ts';

interface LossCase {
  readonly kind: 'crossEntropy' | 'binaryCrossEntropy' | 'squaredError' | 'absoluteError' | 'huber';
  readonly options: { readonly delta?: number };
  readonly reduction: Reduction;
  readonly lengths: readonly number[];
  readonly prediction: StoredNumbers;
  readonly target: StoredNumbers;
  readonly value: number;
  readonly gradient: StoredNumbers;
}

function lossOf({ kind, options }: LossCase): Loss {
  switch (kind) {
    case 'crossEntropy': return crossEntropy();
    case 'binaryCrossEntropy': return binaryCrossEntropy();
    case 'squaredError': return squaredError();
    case 'absoluteError': return absoluteError();
    case 'huber': return huber({ delta: options.delta! });
  }
}

/** The numbers with NaN at every step beyond its row's length. */
function spoilt(source: Numbers, lengths: readonly number[]): Numbers {
  const [, steps, width] = source.shape as [number, number, number];
  return numbers(source.shape, source.data.map((value, i) => (Math.floor(i / width) % steps < lengths[Math.floor(i / (width * steps))]! ? value : NaN)));
}

function check(source: LossCase, ragged: boolean, spoil: boolean): void {
  const stored = restore(source.prediction);
  const [rows, steps, features] = stored.shape as [number, number, number];
  const loss = lossOf(source);
  const x = input('prediction', [steps, rows, features], 'float32');
  const target = input('target', loss.targetType === 'int32' ? [steps, rows] : [steps, rows, features], loss.targetType);
  const prediction: Signal = { value: x, time: true, lengths: ragged ? input('lengths', [rows], 'int32') : undefined };
  const total = reduceLoss({ loss, prediction, target, reduction: source.reduction });
  const { gradients, rewrite } = gradient(total, [x]);
  const given = spoil ? spoilt(stored, source.lengths) : stored;
  const results = evaluateOnce({ value: rewrite(total), gradient: gradients[0]! }, {
    prediction: swapBatchAndTime(given), target: swapBatchAndTime(restore(source.target)), lengths: numbers([rows], source.lengths),
  });
  assertClose(results.value!, numbers([], [source.value]), testedTolerance(), 'value');
  assertClose(swapBatchAndTime(results.gradient!), restore(source.gradient), testedTolerance(), 'gradient');
}

describe('golden values: losses against PyTorch', () => {
  const { cases } = readGolden<{ cases: LossCase[] }>('losses');
  for (const source of cases) {
    const full = source.lengths.every((length) => length === source.prediction.shape[1]);
    const name = `${source.kind}, ${source.reduction}`;
    if (full) it(`${name}, full rows`, () => check(source, false, false));
    it(`${name}, lengths ${source.lengths.join(' ')}`, () => check(source, true, false));
    if (!full) it(`${name}, lengths ${source.lengths.join(' ')}, NaN in the padding`, () => check(source, true, true));
  }
});
