import { BpttError, checkOptions, describe } from '../../errors.ts';
import { formatValue, requireShape, requireType, requireValue } from '../checks.ts';
import { applyOne, defineOperation } from '../operation.ts';
import { fillRandom } from '../philox.ts';
import { allocate } from '../tensor.ts';
import { sameShape, type Shape, type Value } from '../value.ts';

export interface RandomOptions {
  /** uniform: [0, 1) in steps of 2⁻²⁴; normal: mean 0, deviation 1. */
  readonly distribution: 'uniform' | 'normal';
  /** Tells apart the draws that share a key: a whole number from 0 to 2³² − 1. */
  readonly stream: number;
}

interface RandomAttributes extends RandomOptions {
  readonly shape: Shape;
}

defineOperation({
  name: 'random',
  infer([key], attributes) {
    const { shape, distribution, stream } = attributes as unknown as RandomAttributes;
    requireType('random', 'a key', key!, ['int32']);
    if (!sameShape(key!.shape, [2]) && !sameShape(key!.shape, [3])) {
      throw new BpttError('ERR_BPTT_SHAPE', `random: expected a key of shape [2] or [3], received ${formatValue(key!)}`, { expected: [2], received: key!.shape });
    }
    requireShape('random', shape);
    if (distribution !== 'uniform' && distribution !== 'normal') {
      throw new BpttError('ERR_BPTT_OPTION', `random: expected the distribution uniform or normal, received ${describe(distribution)}`, { expected: ['uniform', 'normal'], received: distribution });
    }
    if (!Number.isInteger(stream) || stream < 0 || stream > 0xffffffff) {
      throw new BpttError('ERR_BPTT_RANGE', `random: expected a stream from 0 to 4294967295, received ${describe(stream)}`, { expected: [0, 0xffffffff], received: stream });
    }
    return [{ shape, type: 'float32' }];
  },
  reference(node, [key]) {
    const { shape, distribution, stream } = node.attributes as unknown as RandomAttributes;
    const result = allocate(shape, 'float32');
    const before = key!.data.length === 3 ? (key!.data[2]! >>> 0) * (result.data.length / (shape[0] ?? 1)) : 0;
    fillRandom(result.data as Float64Array, { key: [key!.data[0]!, key!.data[1]!], stream, distribution, before });
    return [result];
  },
});

/**
 * Random numbers that depend on the int32 key [2], the stream and each element's place alone, so that the same key gives the same numbers. A key [3] ends with a
 * whole number s, 0 … 2³² − 1 read as unsigned: the result is the part that begins at slice s of the first dimension of a longer draw under the same key.
 * @throws ERR_BPTT_SHAPE for a key that is neither [2] nor [3], ERR_BPTT_RANGE for a stream that is not unsigned 32-bit.
 */
export function random(key: Value, shape: Shape, options: RandomOptions): Value {
  checkOptions('random', options, ['distribution', 'stream']);
  requireValue('random', 'the key', key);
  return applyOne('random', [key], { shape: [...shape], distribution: options.distribution, stream: options.stream });
}
