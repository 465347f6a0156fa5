import { BpttError, formatShape } from '../errors.ts';
import { sameShape } from '../graph/index.ts';
import { onlyInput, outerShape, requireFeatures } from './define.ts';
import type { Signal } from './layer.ts';
import { boundaryStep, zeroPadding } from './masking.ts';

/** The input of a layer that something goes past: features of any rank, zeros beyond each row's end. */
export function shortcutInput(label: string, first: Signal | undefined): Signal {
  const signal = onlyInput(label, first ? [first] : []);
  requireFeatures(label, signal);
  return zeroPadding(signal);
}

/** At which end results that become one ended; undefined where none of them says. */
export function commonEnd(results: readonly Signal[]): Signal['end'] {
  if (results.every(({ end }) => end === undefined)) return undefined;
  const [first, ...others] = new Set(results.map(({ end = 'last' }) => end));
  return others.length === 0 ? first : 'both';
}

/**
 * The input as it goes past a layer: where the layer gives only what it ended with, the step at which it ended.
 * @throws ERR_BPTT_SHAPE for a layer that makes a sequence of a vector; ERR_BPTT_OPTION for one that ends at both ends.
 */
export function shortcut(label: string, signal: Signal, result: Signal): Signal {
  if (signal.time === result.time) return { ...signal, named: undefined };
  if (result.time) throw new BpttError('ERR_BPTT_SHAPE', `${label}: its layer makes a sequence of a vector, which the vector cannot go past; leave that layer outside`, { received: outerShape(result) });
  if (result.end === 'both') {
    throw new BpttError('ERR_BPTT_OPTION', `${label}: its layer ends at both ends of the sequence, so there is no one step to go past it; let it give the sequence and take lastStep() after it`, { received: result.end });
  }
  return { value: boundaryStep(signal, result.end === 'first'), time: false };
}

/** @throws ERR_BPTT_SHAPE unless what goes past a layer has the shape of its result. */
export function requireSameShape(label: string, past: Signal, result: Signal, cure: string): void {
  if (sameShape(past.value.shape, result.value.shape)) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${label}: expected its layer to keep the shape of the input, ${formatShape(outerShape(past))}, received ${formatShape(outerShape(result))}; ${cure}`,
    { expected: outerShape(past), received: outerShape(result) });
}
