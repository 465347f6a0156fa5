import { checkOptions } from '../errors.ts';
import { add, broadcast, divide, exp, multiply, sqrt, square, subtract, type Value } from '../graph/index.ts';
import { biasCorrection, runningAverage } from './arithmetic.ts';
import { defineOptimizer, requireDecay, requirePositive, type Optimizer, type OptimizerOptions, type UpdateInputs, type UpdateResult } from './optimizer.ts';

export interface AdamOptions extends OptimizerOptions {
  /** Decay of the average of gradients; default 0.9. */
  readonly beta1?: number | undefined;
  /** Decay of the average of squared gradients; default 0.999. */
  readonly beta2?: number | undefined;
  /** Added to the root; default 1e-8. */
  readonly epsilon?: number | undefined;
}

interface Moments {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

const momentNames = ['mean', 'square'];

function readMoments(kind: string, options: AdamOptions): Moments {
  return {
    beta1: requireDecay(kind, 'beta1', options.beta1 ?? 0.9),
    beta2: requireDecay(kind, 'beta2', options.beta2 ?? 0.999),
    epsilon: requirePositive(kind, 'epsilon', options.epsilon ?? 1e-8),
  };
}

function adamStep({ beta1, beta2, epsilon }: Moments, { parameter, gradient, slots, learningRate, step }: UpdateInputs): UpdateResult {
  const mean = runningAverage(slots['mean']!, gradient, beta1);
  const squares = runningAverage(slots['square']!, square(gradient), beta2);
  const rate = divide(learningRate, biasCorrection(beta1, step));
  const scale = add(divide(sqrt(squares), sqrt(biasCorrection(beta2, step))), epsilon);
  return { parameter: subtract(parameter, multiply(rate, divide(mean, scale))), slots: { mean, square: squares } };
}

/**
 * Adam (D. Kingma and J. Ba, arXiv:1412.6980, 2014): m ← β₁ m + (1 − β₁) g, v ← β₂ v + (1 − β₂) g², w ← w − η m̂ / (√v̂ + ε) with m̂ = m / (1 − β₁ᵗ) and
 * v̂ = v / (1 − β₂ᵗ). Learning rate 0.001 by default.
 * @throws ERR_BPTT_RANGE for numbers out of range.
 */
export function adam(options: AdamOptions = {}): Optimizer {
  checkOptions('adam', options, ['learningRate', 'beta1', 'beta2', 'epsilon']);
  const moments = readMoments('adam', options);
  return defineOptimizer('adam', options, 0.001, momentNames, (inputs) => adamStep(moments, inputs));
}

export interface AdamwOptions extends AdamOptions {
  /** Share of the learning rate by which every parameter shrinks in each step, outside of the moments; default 0.01. */
  readonly weightDecay?: number | undefined;
}

/**
 * Adam with decoupled weight decay (I. Loshchilov and F. Hutter, arXiv:1711.05101, 2017): w ← (1 − η λ) w, then Adam's step. Learning rate 0.001 by default.
 * @throws ERR_BPTT_RANGE for numbers out of range.
 */
export function adamw(options: AdamwOptions = {}): Optimizer {
  checkOptions('adamw', options, ['learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay']);
  const moments = readMoments('adamw', options);
  const weightDecay = requirePositive('adamw', 'weightDecay', options.weightDecay ?? 0.01);
  return defineOptimizer('adamw', options, 0.001, momentNames, (inputs) => {
    const kept = subtract(1, multiply(inputs.learningRate, weightDecay));
    return adamStep(moments, { ...inputs, parameter: multiply(inputs.parameter, kept) });
  });
}

export interface NadamOptions extends AdamOptions {
  /** How fast the momentum grows to beta1; default 0.004. */
  readonly momentumDecay?: number | undefined;
}

/** β₁ (1 − ½ 0.96^(t ψ)): the momentum of step t. */
function momentumAt(step: Value, beta1: number, momentumDecay: number): Value {
  return multiply(beta1, subtract(1, multiply(0.5, exp(multiply(step, Math.log(0.96) * momentumDecay)))));
}

/**
 * Adam with Nesterov's momentum (T. Dozat, 2016), with the momentum schedule of its paper: μ_t = β₁ (1 − ½ 0.96^(t ψ)),
 * w ← w − η ((1 − μ_t) g / (1 − Πμ) + μ_{t+1} m / (1 − Πμ μ_{t+1})) / (√v̂ + ε). Learning rate 0.002 by default.
 *
 * The slot `momentumGap` holds 1 − Πμ: it begins at 0 as every slot does, and keeps its digits while the product falls to nothing.
 * @throws ERR_BPTT_RANGE for numbers out of range.
 */
export function nadam(options: NadamOptions = {}): Optimizer {
  checkOptions('nadam', options, ['learningRate', 'beta1', 'beta2', 'epsilon', 'momentumDecay']);
  const { beta1, beta2, epsilon } = readMoments('nadam', options);
  const momentumDecay = requirePositive('nadam', 'momentumDecay', options.momentumDecay ?? 0.004);
  return defineOptimizer('nadam', options, 0.002, [...momentNames, 'momentumGap'], ({ parameter, gradient, slots, learningRate, step }) => {
    const momentum = momentumAt(step, beta1, momentumDecay);
    const nextMomentum = momentumAt(add(step, 1), beta1, momentumDecay);
    const gap = subtract(1, multiply(subtract(1, slots['momentumGap']!), momentum));
    const nextGap = subtract(1, multiply(subtract(1, gap), nextMomentum));
    const mean = runningAverage(slots['mean']!, gradient, beta1);
    const squares = runningAverage(slots['square']!, square(gradient), beta2);
    const scale = add(sqrt(divide(squares, biasCorrection(beta2, step))), epsilon);
    const fromGradient = divide(multiply(subtract(1, momentum), gradient), gap);
    const fromMean = divide(multiply(nextMomentum, mean), nextGap);
    const direction = divide(add(fromGradient, fromMean), scale);
    return {
      parameter: subtract(parameter, multiply(learningRate, direction)),
      slots: { mean, square: squares, momentumGap: broadcast(gap, parameter.shape) },
    };
  });
}
