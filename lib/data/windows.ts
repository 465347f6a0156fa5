import { requireChoice, requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import type { Examples } from './batch.ts';
import { isTensor, requireReadable, requireTensor } from './tensor.ts';
import type { NumberArray, Tensor } from './tensor.ts';

/** A series over time: flat (one feature) or [L, C]. */
export type Series = NumberArray | readonly number[] | readonly (readonly number[])[] | Tensor;

export interface WindowOptions {
  /** Steps of each window. */
  readonly length: number;
  /** 'next' (default): what follows the window, [C]. 'shifted': the same window `horizon` steps later, [length, C]. */
  readonly target?: 'next' | 'shifted';
  /** How many steps ahead the target lies. Default 1. */
  readonly horizon?: number;
  /** Steps from one window to the next. Default 1. */
  readonly stride?: number;
  /** Which features are foretold. Default all. */
  readonly targetFeatures?: readonly number[];
}

/**
 * Cuts a series into windows with targets. Window i covers steps i·stride … i·stride + length − 1.
 * @returns input [count, length, C]; target [count, C'] ('next') or [count, length, C'] ('shifted').
 * @throws ERR_BPTT_DATA when the series is too short for one window.
 */
export function windows(series: Series, options: WindowOptions): Examples {
  checkOptions('windows', options, ['length', 'target', 'horizon', 'stride', 'targetFeatures']);
  const table = readSeries('windows', series);
  const [total, features] = table.shape as [number, number];
  const length = requireInteger('windows', 'length', options.length, 1);
  const horizon = requireInteger('windows', 'horizon', options.horizon ?? 1, 1);
  const stride = requireInteger('windows', 'stride', options.stride ?? 1, 1);
  const target = requireChoice('windows', 'target', options.target ?? 'next', ['next', 'shifted']);
  if (options.targetFeatures !== undefined && !(Array.isArray(options.targetFeatures) && options.targetFeatures.length > 0)) {
    throw wrongType('windows', 'targetFeatures', 'a list of at least one feature number', options.targetFeatures);
  }
  const columns = (options.targetFeatures ?? Array.from({ length: features }, (_, i) => i)).map((column) => requireInteger('windows', 'targetFeatures', column, 0, features - 1));
  const count = Math.floor((total - length - horizon) / stride) + 1;
  if (count < 1) {
    throw new BpttError('ERR_BPTT_DATA', `windows: expected a series of at least ${length + horizon} steps, received ${total}; choose a shorter length or horizon`,
      { expected: length + horizon, received: total });
  }
  const targetSteps = target === 'next' ? 1 : length;
  const inputs = new Float32Array(count * length * features);
  const targets = new Float32Array(count * targetSteps * columns.length);
  for (let index = 0; index < count; index++) {
    const start = index * stride;
    inputs.set(table.data.subarray(start * features, (start + length) * features), index * length * features);
    const first = start + length + horizon - targetSteps;
    for (let step = 0; step < targetSteps; step++) {
      columns.forEach((column, i) => { targets[(index * targetSteps + step) * columns.length + i] = table.data[(first + step) * features + column]!; });
    }
  }
  return {
    count, input: { data: inputs, shape: [count, length, features] },
    target: { data: targets, shape: target === 'next' ? [count, columns.length] : [count, length, columns.length] },
  };
}

/** A series of any accepted form as [L, C]. */
export function readSeries(owner: string, series: Series): Tensor {
  if (isTensor(series)) {
    const { data, shape } = requireTensor(owner, series);
    if (shape.length === 1) return { data, shape: [shape[0]!, 1] };
    if (shape.length === 2) return series;
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected a series of shape [L] or [L, C], received [${shape.join(', ')}]`, { expected: '[L, C]', received: shape });
  }
  if (ArrayBuffer.isView(series)) return { data: requireReadable(owner, series), shape: [series.length, 1] };
  if (!Array.isArray(series)) throw wrongType(owner, 'the series', 'an array of numbers or of rows, or { data, shape }', series);
  const rows = series.map((row: number | readonly number[]) => (typeof row === 'number' ? [row] : row));
  const features = rows[0]?.length ?? 1;
  rows.forEach((row, step) => {
    if (Array.isArray(row) && row.length === features && row.every((number) => typeof number === 'number')) return;
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected ${features} numbers at every step, received something else at step ${step}`, { expected: features, received: row });
  });
  return { data: Float64Array.from(rows.flat()), shape: [rows.length, features] };
}
