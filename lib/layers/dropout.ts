import { requireBoolean, requireNumber } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import { cast, greaterEqual, multiply, random, type Shape, type Value } from '../graph/index.ts';
import { anyFeatures, defineLayer, layerLabel, type LayerOptions } from './define.ts';
import type { Layer, Scope, Signal } from './layer.ts';
import { registerLayer } from './registry.ts';

export interface DropoutOptions extends LayerOptions {
  /** Share of the features set to zero while training, from 0 up to but not including 1. */
  readonly rate: number;
  /** One mask for all steps of a row instead of a fresh one at each step, inside of the loop of an attention or of scheduled sampling too. Default false. */
  readonly variational?: boolean | undefined;
}

/** @throws ERR_BPTT_RANGE unless 0 ≤ rate < 1. */
export function requireRate(owner: string, name: string, rate: unknown): number {
  return requireNumber(owner, name, rate, 0, 1 - Number.EPSILON);
}

/** A random mask of zeros (a share of `rate`) and 1 / (1 − rate), so that the mean stays what it was; in a loop over time one for each step, or the same for the run. */
export function dropoutMask(scope: Scope, rate: number, shape: Shape, span: 'step' | 'run'): Value {
  const kept = greaterEqual(random(scope.randomKey(span), shape, { distribution: 'uniform', stream: 0 }), rate);
  return multiply(cast(kept, 'float32'), 1 / (1 - rate));
}

/** The signal with a share of its features dropped; itself when the rate is 0 or nothing is being trained. */
export function applyDropout(scope: Scope, signal: Signal, rate: number, variational: boolean): Signal {
  if (!scope.training || rate === 0) return signal;
  const { value, time } = signal;
  const shape = time && variational ? value.shape.slice(1) : value.shape;
  return { ...signal, value: multiply(value, dropoutMask(scope, rate, shape, variational ? 'run' : 'step')) };
}

/**
 * Dropout: N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15 (2014), scaled while training so that
 * inference is left alone; with `variational`, Y. Gal and Z. Ghahramani, arXiv:1512.05287 (2016).
 *
 * [N, T, C] → [N, T, C] or [N, C] → [N, C]; images too.
 * @throws ERR_BPTT_RANGE for a rate outside of [0, 1).
 */
export function dropout(options: DropoutOptions): Layer {
  checkOptions('dropout', options, ['name', 'rate', 'variational']);
  const { rate, variational = false } = options;
  requireRate('dropout', 'rate', rate);
  requireBoolean('dropout', 'variational', variational);
  return defineLayer('dropout', options, (scope, ...inputs) => applyDropout(scope, anyFeatures(layerLabel('dropout', scope), inputs), rate, variational), { rowwise: true });
}

registerLayer('dropout', dropout);
