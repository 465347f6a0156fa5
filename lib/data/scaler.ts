import { requireChoice, wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { isTensor, requireReadable, requireTensor } from './tensor.ts';
import type { NumberArray, Tensor } from './tensor.ts';
import { readSeries } from './windows.ts';
import type { Series } from './windows.ts';

/** JSON of a scaler. */
export interface ScalerDefinition {
  readonly kind: 'standard' | 'range';
  /** What is subtracted from each feature. */
  readonly offsets: readonly number[];
  /** What each feature is then divided by. */
  readonly scales: readonly number[];
}

/** Brings features to a common scale and back: (x − offset) / scale. */
export class Scaler {
  readonly kind: 'standard' | 'range';
  readonly offsets: readonly number[];
  readonly scales: readonly number[];

  constructor(definition: ScalerDefinition) {
    checkOptions('scaler', definition, ['kind', 'offsets', 'scales']);
    this.kind = requireChoice('scaler', 'kind', definition.kind, ['standard', 'range']);
    for (const name of ['offsets', 'scales'] as const) {
      if (!Array.isArray(definition[name])) throw wrongType('scaler', name, 'a list of numbers', definition[name]);
    }
    this.offsets = Object.freeze([...definition.offsets]);
    this.scales = Object.freeze([...definition.scales]);
    const good = this.offsets.length === this.scales.length && this.offsets.every(Number.isFinite) && this.scales.every((scale) => Number.isFinite(scale) && scale !== 0);
    if (!good) throw new BpttError('ERR_BPTT_DATA', 'scaler: expected as many finite offsets as finite scales other than 0', { received: definition });
  }

  /** Scales a series [L, C], or a tensor […, C]. Gives float32 of the same shape ([L, C] for arrays). */
  transform(data: Series): Tensor<Float32Array> {
    return this.#map(data, (number, offset, scale) => (number - offset) / scale);
  }

  /** The way back: number · scale + offset. `features` says which of them the last axis holds, default all. */
  inverse(data: Series, features?: readonly number[]): Tensor<Float32Array> {
    return this.#map(data, (number, offset, scale) => number * scale + offset, features);
  }

  toJSON(): ScalerDefinition {
    return { kind: this.kind, offsets: this.offsets, scales: this.scales };
  }

  #map(data: Series, change: (number: number, offset: number, scale: number) => number, features?: readonly number[]): Tensor<Float32Array> {
    const { data: numbers, shape } = isTensor(data) ? requireTensor('scaler', data) : readSeries('scaler', data);
    if (features !== undefined && !Array.isArray(features)) throw wrongType('scaler', 'features', 'a list of feature numbers', features);
    const columns: readonly number[] = features ?? this.offsets.map((_, i) => i);
    const width = shape.length > 1 ? shape.at(-1)! : 1;
    if (width !== columns.length || columns.some((column) => this.offsets[column] === undefined)) {
      throw new BpttError('ERR_BPTT_SHAPE', `scaler: expected ${columns.length} features of ${this.offsets.length} on the last axis, received shape [${shape.join(', ')}]`,
        { expected: columns.length, received: width });
    }
    const result = new Float32Array(numbers.length);
    for (let i = 0; i < numbers.length; i++) {
      const column = columns[i % width]!;
      result[i] = change(numbers[i]!, this.offsets[column]!, this.scales[column]!);
    }
    return { data: result, shape };
  }
}

/**
 * Learns a scale from data: 'standard' gives mean 0 and standard deviation 1, 'range' values from 0 to 1. A constant feature keeps scale 1.
 * Learn it on the training part only.
 * @param data [L], [L, C], or a tensor […, C].
 * @throws ERR_BPTT_DATA for empty data, NaN or infinities.
 */
export function scaler(data: Series, options: { readonly kind?: 'standard' | 'range' } = {}): Scaler {
  checkOptions('scaler', options, ['kind']);
  const kind = requireChoice('scaler', 'kind', options.kind ?? 'standard', ['standard', 'range']);
  const table: Tensor = isTensor(data) ? requireTensor('scaler', data) : readSeries('scaler', data);
  const numbers = requireReadable('scaler', table.data);
  const width = table.shape.length > 1 ? table.shape.at(-1)! : 1;
  const rows = numbers.length / width;
  if (!(rows >= 1)) throw new BpttError('ERR_BPTT_DATA', 'scaler: expected at least one row, received none', { expected: '1 or more', received: 0 });
  const statistics = Array.from({ length: width }, (_, column) => measure(numbers, column, width, kind));
  return new Scaler({ kind, offsets: statistics.map(({ offset }) => offset), scales: statistics.map(({ scale }) => scale || 1) });
}

function measure(numbers: NumberArray, column: number, width: number, kind: 'standard' | 'range'): { offset: number; scale: number } {
  let count = 0;
  let mean = 0;
  let squares = 0;
  let least = Infinity;
  let most = -Infinity;
  for (let i = column; i < numbers.length; i += width) {
    const number = numbers[i]!;
    if (!Number.isFinite(number)) {
      throw new BpttError('ERR_BPTT_DATA', `scaler: expected finite numbers, received ${number} at step ${Math.floor(i / width)}, feature ${column}`, { expected: 'finite', received: number });
    }
    const distance = number - mean;
    mean += distance / ++count;
    squares += distance * (number - mean);
    least = Math.min(least, number);
    most = Math.max(most, number);
  }
  return kind === 'standard' ? { offset: mean, scale: Math.sqrt(squares / count) } : { offset: least, scale: most - least };
}
