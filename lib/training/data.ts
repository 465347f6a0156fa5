import { wrongType } from '../checks.ts';
import { BpttError } from '../errors.ts';
import type { Batch, Dataset } from '../data/batch.ts';

function isDataset(data: unknown): data is Dataset {
  return typeof (data as Dataset | null)?.epoch === 'function';
}

function isBatch(data: unknown): data is Batch {
  return typeof data === 'object' && data !== null && 'input' in data;
}

/** How many batches an epoch has, where that is known. */
export function countBatches(data: Dataset | readonly Batch[] | Batch): number | null {
  if (isDataset(data)) return data.count ?? null;
  return Array.isArray(data) ? data.length : 1;
}

/**
 * The batches of one epoch.
 * @throws ERR_BPTT_TYPE for something else.
 */
export function batchesOf(owner: string, data: Dataset | readonly Batch[] | Batch, epoch: number): Iterable<Batch> | AsyncIterable<Batch> {
  const source = isDataset(data) ? data.epoch(epoch) : Array.isArray(data) ? data as readonly Batch[] : isBatch(data) ? [data] : undefined;
  if (source === undefined) throw wrongType(owner, 'the data', 'a data set (textStream, sequences, batches), an array of batches, or { input, target }', data);
  if (typeof source !== 'object' || source === null || !(Symbol.iterator in source || Symbol.asyncIterator in source)) throw wrongType(owner, 'epoch()', 'an iterable of batches', source);
  return source;
}

/** An ERR_BPTT_DATA for an epoch that had none. */
export function noBatches(owner: string): BpttError {
  return new BpttError('ERR_BPTT_DATA', `${owner}: expected at least one batch, received none`, { expected: '1 or more', received: 0 });
}
