import { BpttError, checkOptions, describe } from '../../errors.ts';
import { formatValue, requireRank, requireType, requireValue, shapeError } from '../checks.ts';
import { apply, applyOne, defineOperation } from '../operation.ts';
import { allocate } from '../tensor.ts';
import { sameShape, type Value } from '../value.ts';
import { add, multiply, subtract } from './arithmetic.ts';
import { negate } from './functions.ts';
import { constant } from './leaves.ts';
import { mean, sum } from './reductions.ts';
import { expand, reshape } from './views.ts';

/** The smallest number that the engine does not take for 0. */
const leastEpsilon = 2 ** -126;

/** Σ term(i) / count over one row. */
function meanOf(count: number, term: (i: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total / count;
}

/** d ⊙ the mean over each row of a ⊙ b. */
function byMeanProduct(d: Value, a: Value, b: Value): Value {
  return multiply(d, mean(multiply(a, b), [1], true));
}

// Outputs: (x − mean) · s [R, C] and s = 1 / √(variance + ε) [R], which the gradient needs.
defineOperation({
  name: 'standardize',
  infer([x], attributes) {
    const epsilon = attributes['epsilon'];
    requireType('standardize', 'the input', x!, ['float32']);
    requireRank('standardize', 'the input', x!, 2);
    if (typeof epsilon !== 'number' || !(epsilon >= leastEpsilon && Math.fround(epsilon) < Infinity)) {
      throw new BpttError('ERR_BPTT_RANGE', `standardize: expected an epsilon of 2⁻¹²⁶ or more that float32 holds, received ${describe(epsilon)}`, { expected: leastEpsilon, received: epsilon });
    }
    return [{ shape: x!.shape, type: 'float32' }, { shape: [x!.shape[0]!], type: 'float32' }];
  },
  gradient(node, [ofY, ofScale]) {
    const [y, scale] = node.outputs as [Value, Value];
    const fromY = ofY && applyOne('standardizeGradient', [ofY, constant(1, [y.shape[1]!]), y, scale]);
    // ds/dx = −s² y / C
    const fromScale = ofScale && multiply(y, expand(multiply(multiply(ofScale, multiply(scale, scale)), -1 / y.shape[1]!), [1]));
    return [fromY && fromScale ? add(fromY, fromScale) : fromY ?? fromScale];
  },
  reference(node, [x]) {
    const [rows, count] = x!.shape as [number, number];
    const [y, scale] = [allocate([rows, count], 'float32'), allocate([rows], 'float32')];
    for (let row = 0; row < rows; row++) {
      const from = x!.data.subarray(row * count, (row + 1) * count);
      const center = meanOf(count, (i) => from[i]!);
      const variance = meanOf(count, (i) => (from[i]! - center) ** 2);
      scale.data[row] = 1 / Math.sqrt(variance + (node.attributes['epsilon'] as number));
      from.forEach((element, i) => { y.data[row * count + i] = (element - center) * scale.data[row]!; });
    }
    return [y, scale];
  },
});

// What flows back to x from e = d ⊙ gain, the gradient of the standardized rows y: s · (e − mean e − y · mean(e ⊙ y)), the means over each row. The compiler puts a gain
// of more than ones there, so that d ⊙ gain is not written down.
defineOperation({
  name: 'standardizeGradient',
  infer(inputs) {
    const [d, gain, y, scale] = inputs as [Value, Value, Value, Value];
    for (const value of inputs) requireType('standardizeGradient', 'the inputs', value, ['float32']);
    requireRank('standardizeGradient', 'the rows', y, 2);
    if (!sameShape(d.shape, y.shape) || !sameShape(gain.shape, [y.shape[1]!]) || !sameShape(scale.shape, [y.shape[0]!])) {
      throw new BpttError('ERR_BPTT_SHAPE', `standardizeGradient: expected a gradient for each element, a gain for each column and a factor for each row of ${formatValue(y)}, received ${formatValue(d)}, ${formatValue(gain)} and ${formatValue(scale)}`,
        { expected: y.shape, received: d.shape });
    }
    return [{ shape: d.shape, type: 'float32' }];
  },
  gradient(node, [upstream]) {
    if (!upstream) return [undefined, undefined, undefined, undefined];
    const [d, gain, y, scale] = node.inputs as [Value, Value, Value, Value];
    const e = multiply(d, gain);
    const unscaled = subtract(subtract(e, mean(e, [1], true)), byMeanProduct(y, e, y));
    const ofY = multiply(negate(add(byMeanProduct(upstream, e, y), byMeanProduct(e, upstream, y))), expand(scale, [1]));
    // As a map from e to the result the operation is its own transpose.
    const ofE = applyOne('standardizeGradient', [upstream, constant(1, gain.shape), y, scale]);
    return [multiply(ofE, gain), sum(multiply(ofE, d), [0]), ofY, sum(multiply(upstream, unscaled), [1])];
  },
  reference(_node, [d, gain, y, scale]) {
    const [rows, count] = y!.shape as [number, number];
    const result = allocate([rows, count], 'float32');
    for (let row = 0; row < rows; row++) {
      const from = row * count;
      const e = Float64Array.from({ length: count }, (_, i) => d!.data[from + i]! * gain!.data[i]!);
      const center = meanOf(count, (i) => e[i]!);
      const slope = meanOf(count, (i) => e[i]! * y!.data[from + i]!);
      e.forEach((element, i) => { result.data[from + i] = scale!.data[row]! * (element - center - y!.data[from + i]! * slope); });
    }
    return [result];
  },
});

/**
 * Every row along the last axis less its mean, by its standard deviation: (x − mean x) / √(var x + ε) for x float32 [..., C]. The variance is that of all C elements, as in
 * layer normalisation; `epsilon` is ε, 1e−5 unless given; a row of equal elements gives zeros, but for the rounding of its mean.
 * @throws ERR_BPTT_TYPE for a value that is not float32, ERR_BPTT_SHAPE for a scalar, ERR_BPTT_RANGE for an epsilon below 2⁻¹²⁶ or beyond float32.
 */
export function standardize(x: Value, options: { readonly epsilon?: number | undefined } = {}): Value {
  checkOptions('standardize', options, ['epsilon']);
  requireValue('standardize', 'the input', x);
  const size = x.shape[x.shape.length - 1];
  if (size === undefined) throw shapeError('standardize', 'an input of rank 1 or more', x.shape);
  const [y] = apply('standardize', [reshape(x, [-1, size])], { epsilon: options.epsilon ?? 1e-5 });
  return reshape(y!, x.shape);
}
