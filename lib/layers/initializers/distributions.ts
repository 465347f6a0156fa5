import { requireNumber } from '../../checks.ts';
import { BpttError, checkOptions, formatShape } from '../../errors.ts';
import { elementCount } from '../../graph/index.ts';
import type { Initializer } from '../layer.ts';
import { defineInitializer, registerInitializer } from './initializer.ts';

/** Numbers with mean 0 and deviation 1 from uniform ones (G. Box and M. Muller, 1958). */
export function normalNumbers(count: number, random: () => number): Float64Array {
  const numbers = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    numbers[i] = radius * Math.cos(angle);
    if (i + 1 < count) numbers[i + 1] = radius * Math.sin(angle);
  }
  return numbers;
}

function uniformNumbers(count: number, low: number, high: number, random: () => number): Float64Array {
  return Float64Array.from({ length: count }, () => low + (high - low) * random());
}

function scaled(numbers: Float64Array, scale: number): Float64Array {
  return numbers.map((number) => number * scale);
}

/** Uniform numbers from `low` (default −0.05) up to `high` (default 0.05). @throws ERR_BPTT_RANGE unless low ≤ high. */
export function uniform(options: { readonly low?: number; readonly high?: number } = {}): Initializer {
  checkOptions('uniform', options, ['low', 'high']);
  const { low = -0.05, high = 0.05 } = options;
  requireNumber('uniform', 'high', high, -Number.MAX_VALUE, Number.MAX_VALUE);
  requireNumber('uniform', 'low', low, -Number.MAX_VALUE, high);
  return defineInitializer('uniform', options, ({ shape }, random) => uniformNumbers(elementCount(shape), low, high, random));
}

/** Normal numbers with `mean` (default 0) and `deviation` (default 0.05). */
export function normal(options: { readonly mean?: number; readonly deviation?: number } = {}): Initializer {
  checkOptions('normal', options, ['mean', 'deviation']);
  const { mean = 0, deviation = 0.05 } = options;
  requireNumber('normal', 'mean', mean, -Number.MAX_VALUE, Number.MAX_VALUE);
  requireNumber('normal', 'deviation', deviation, 0, Number.MAX_VALUE);
  return defineInitializer('normal', options, ({ shape }, random) => normalNumbers(elementCount(shape), random).map((x) => mean + deviation * x));
}

type Gain = { readonly gain?: number };

function readGain(kind: string, options: Gain): number {
  checkOptions(kind, options, ['gain']);
  return requireNumber(kind, 'gain', options.gain ?? 1, 0, Number.MAX_VALUE);
}

/** Uniform within ±gain·√(6 / (fanIn + fanOut)): X. Glorot and Y. Bengio (2010). Fans are those of one gate's block. */
export function glorotUniform(options: Gain = {}): Initializer {
  const gain = readGain('glorotUniform', options);
  return defineInitializer('glorotUniform', options, ({ shape, fanIn, fanOut }, random) => {
    const limit = gain * Math.sqrt(6 / (fanIn + fanOut));
    return uniformNumbers(elementCount(shape), -limit, limit, random);
  });
}

/** Normal with deviation gain·√(2 / (fanIn + fanOut)): X. Glorot and Y. Bengio (2010). */
export function glorotNormal(options: Gain = {}): Initializer {
  const gain = readGain('glorotNormal', options);
  return defineInitializer('glorotNormal', options, ({ shape, fanIn, fanOut }, random) => (
    scaled(normalNumbers(elementCount(shape), random), gain * Math.sqrt(2 / (fanIn + fanOut)))));
}

/** Uniform within ±√(6 / fanIn): K. He et al., arXiv:1502.01852 (2015), for relu. */
export function heUniform(options: Gain = {}): Initializer {
  const gain = readGain('heUniform', options);
  return defineInitializer('heUniform', options, ({ shape, fanIn }, random) => {
    const limit = gain * Math.sqrt(6 / fanIn);
    return uniformNumbers(elementCount(shape), -limit, limit, random);
  });
}

/** Normal with deviation √(2 / fanIn): K. He et al., arXiv:1502.01852 (2015), for relu. */
export function heNormal(options: Gain = {}): Initializer {
  const gain = readGain('heNormal', options);
  return defineInitializer('heNormal', options, ({ shape, fanIn }, random) => scaled(normalNumbers(elementCount(shape), random), gain * Math.sqrt(2 / fanIn)));
}

/** `gain` on the diagonal, 0 elsewhere: Q. Le, N. Jaitly and G. Hinton, arXiv:1504.00941 (2015). @throws ERR_BPTT_SHAPE for a block that is no matrix. */
export function identity(options: Gain = {}): Initializer {
  const gain = readGain('identity', options);
  return defineInitializer('identity', options, ({ shape }) => {
    const [rows, columns] = matrixSizes('identity', shape);
    const numbers = new Float64Array(rows * columns);
    for (let i = 0; i < Math.min(rows, columns); i++) numbers[i * columns + i] = gain;
    return numbers;
  });
}

/** One number everywhere. */
export function constantValue(options: { readonly value: number }): Initializer {
  checkOptions('constant', options, ['value']);
  const value = requireNumber('constant', 'value', options.value, -Number.MAX_VALUE, Number.MAX_VALUE);
  return defineInitializer('constant', options, ({ shape }) => new Float64Array(elementCount(shape)).fill(value));
}

/** Zeros. */
export function zeros(options: Readonly<Record<never, never>> = {}): Initializer {
  checkOptions('zeros', options, []);
  return defineInitializer('zeros', {}, ({ shape }) => new Float64Array(elementCount(shape)));
}

/** Ones. */
export function ones(options: Readonly<Record<never, never>> = {}): Initializer {
  checkOptions('ones', options, []);
  return defineInitializer('ones', {}, ({ shape }) => new Float64Array(elementCount(shape)).fill(1));
}

/** @throws ERR_BPTT_SHAPE unless the block is a matrix. */
export function matrixSizes(kind: string, shape: readonly number[]): [number, number] {
  if (shape.length === 2) return [shape[0]!, shape[1]!];
  throw new BpttError('ERR_BPTT_SHAPE', `${kind}: expected a matrix to fill, received shape ${formatShape(shape)}; choose another initializer for it`,
    { expected: 'matrix', received: shape });
}

registerInitializer('uniform', uniform);
registerInitializer('normal', normal);
registerInitializer('glorotUniform', glorotUniform);
registerInitializer('glorotNormal', glorotNormal);
registerInitializer('heUniform', heUniform);
registerInitializer('heNormal', heNormal);
registerInitializer('identity', identity);
registerInitializer('constant', constantValue);
registerInitializer('zeros', zeros);
registerInitializer('ones', ones);
