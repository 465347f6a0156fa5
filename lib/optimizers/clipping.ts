import { requireNumber } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import { add, clip, constant, divide, maximum, multiply, sqrt, square, sum, type Value } from '../graph/index.ts';

/** Bounds on gradients, applied in this order. */
export interface ClipOptions {
  /** Every element into [−value, value]. */
  readonly value?: number | undefined;
  /** Each parameter's gradient to this length at most. */
  readonly norm?: number | undefined;
  /** All gradients together, as one vector, to this length at most: their direction stays. */
  readonly globalNorm?: number | undefined;
  /**
   * All gradients together, as published code of a lecture has it: where the squared length ‖g‖² is above θ, g ← θ g / ‖g‖². A slip, for it leaves a length of θ / ‖g‖, the
   * shorter the longer g was: [3, 4] and θ = 1 give [0.12, 0.16]. Only to repeat what was computed with it.
   */
  readonly squaredNorm?: number | undefined;
}

export interface ClippedGradients {
  readonly gradients: Value[];
  /** Length of all gradients together before clipping, float32 []: not a finite number when any gradient is not. */
  readonly norm: Value;
}

function squaredLength(gradients: readonly Value[]): Value {
  const squares = gradients.map((gradient) => sum(square(gradient)));
  return squares.length === 0 ? constant(0, []) : squares.reduce((total, value) => add(total, value));
}

/** bound / max(length, bound): exactly 1 for what is short enough. */
function scaleTo(bound: number, length: Value): Value {
  return divide(bound, maximum(length, bound));
}

/** @throws ERR_BPTT_OPTION for unknown names, ERR_BPTT_RANGE for bounds that are not above 0. */
export function checkClip(options: ClipOptions): void {
  checkOptions('clip', options, ['value', 'norm', 'globalNorm', 'squaredNorm']);
  for (const [name, bound] of Object.entries(options)) if (bound !== undefined) requireNumber('clip', name, bound, Number.MIN_VALUE, Number.MAX_VALUE);
}

/**
 * Bounds gradients (R. Pascanu, T. Mikolov and Y. Bengio, arXiv:1211.5063, 2012: if ‖g‖ > θ, g ← θ g / ‖g‖), as graph. Lengths are Euclidean: [3, 4] has
 * length 5 and `globalNorm: 1` makes [0.6, 0.8] of it.
 * @throws ERR_BPTT_OPTION for unknown names, ERR_BPTT_RANGE for bounds that are not above 0.
 */
export function clipGradients(gradients: readonly Value[], options: ClipOptions = {}): ClippedGradients {
  checkClip(options);
  const { value, norm, globalNorm, squaredNorm } = options;
  const before = sqrt(squaredLength(gradients));
  let clipped = [...gradients];
  if (value !== undefined) clipped = clipped.map((gradient) => clip(gradient, -value, value));
  if (norm !== undefined) clipped = clipped.map((gradient) => multiply(gradient, scaleTo(norm, sqrt(squaredLength([gradient])))));
  if (globalNorm !== undefined) {
    const length = value === undefined && norm === undefined ? before : sqrt(squaredLength(clipped));
    const scale = scaleTo(globalNorm, length);
    clipped = clipped.map((gradient) => multiply(gradient, scale));
  }
  if (squaredNorm !== undefined) {
    const scale = scaleTo(squaredNorm, squaredLength(clipped));
    clipped = clipped.map((gradient) => multiply(gradient, scale));
  }
  return { gradients: clipped, norm: before };
}
