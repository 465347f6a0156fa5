import { requireBoolean } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { add, divide, maximum, multiply, sqrt, square, subtract } from '../graph/index.ts';
import { runningAverage } from './arithmetic.ts';
import { defineOptimizer, requireDecay, requirePositive, type Optimizer, type OptimizerOptions, type UpdateResult } from './optimizer.ts';

export interface SgdOptions extends OptimizerOptions {
  /** Share of the last step that goes on; default 0. */
  readonly momentum?: number | undefined;
  /** Y. Nesterov's look ahead; needs momentum. Default false. */
  readonly nesterov?: boolean | undefined;
}

/**
 * Gradient descent: w ← w − η g; with momentum b ← μ b + g, w ← w − η b; with Nesterov w ← w − η (g + μ b). Learning rate 0.001 by default.
 * Without momentum, and without a penalty on it, a table of which at most half as many rows are read as it has is updated in those rows alone. Momentum and every
 * other optimizer change rows that were not read as well, and so go through the whole table.
 * @throws ERR_BPTT_RANGE for numbers out of range, ERR_BPTT_OPTION for nesterov without momentum.
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  checkOptions('sgd', options, ['learningRate', 'momentum', 'nesterov']);
  const momentum = requirePositive('sgd', 'momentum', options.momentum ?? 0);
  const nesterov = requireBoolean('sgd', 'nesterov', options.nesterov ?? false);
  if (nesterov && momentum === 0) {
    throw new BpttError('ERR_BPTT_OPTION', 'sgd: nesterov looks ahead along the momentum; expected a momentum above 0, received 0', { expected: 'momentum', received: momentum });
  }
  return defineOptimizer('sgd', options, 0.001, momentum === 0 ? [] : ['momentum'], ({ parameter, gradient, slots, learningRate }): UpdateResult => {
    if (momentum === 0) return { parameter: subtract(parameter, multiply(learningRate, gradient)), slots: {} };
    const moving = add(multiply(slots['momentum']!, momentum), gradient);
    const direction = nesterov ? add(gradient, multiply(moving, momentum)) : moving;
    return { parameter: subtract(parameter, multiply(learningRate, direction)), slots: { momentum: moving } };
  });
}

export interface RmspropOptions extends OptimizerOptions {
  /** Of the average of squares; default 0.99. */
  readonly decay?: number | undefined;
  /** Added to the root; default 1e-8. */
  readonly epsilon?: number | undefined;
  /** Divides by the deviation instead of the root mean square (A. Graves, arXiv:1308.0850). Default false. */
  readonly centered?: boolean | undefined;
  /** Default 0. */
  readonly momentum?: number | undefined;
}

/**
 * RMSProp (T. Tieleman and G. Hinton, 2012): s ← ρ s + (1 − ρ) g², w ← w − η g / (√s + ε). Learning rate 0.01 by default.
 * @throws ERR_BPTT_RANGE for numbers out of range.
 */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  checkOptions('rmsprop', options, ['learningRate', 'decay', 'epsilon', 'centered', 'momentum']);
  const decay = requireDecay('rmsprop', 'decay', options.decay ?? 0.99);
  const epsilon = requirePositive('rmsprop', 'epsilon', options.epsilon ?? 1e-8);
  const centered = requireBoolean('rmsprop', 'centered', options.centered ?? false);
  const momentum = requirePositive('rmsprop', 'momentum', options.momentum ?? 0);
  const slotNames = ['square', ...(centered ? ['mean'] : []), ...(momentum > 0 ? ['momentum'] : [])];
  return defineOptimizer('rmsprop', options, 0.01, slotNames, ({ parameter, gradient, slots, learningRate }) => {
    const squares = runningAverage(slots['square']!, square(gradient), decay);
    const mean = centered ? runningAverage(slots['mean']!, gradient, decay) : undefined;
    const scale = add(sqrt(mean ? maximum(subtract(squares, square(mean)), 0) : squares), epsilon);
    const direction = divide(gradient, scale);
    const moving = momentum > 0 ? add(multiply(slots['momentum']!, momentum), direction) : undefined;
    return {
      parameter: subtract(parameter, multiply(learningRate, moving ?? direction)),
      slots: { square: squares, ...(mean ? { mean } : {}), ...(moving ? { momentum: moving } : {}) },
    };
  });
}

export interface AdagradOptions extends OptimizerOptions {
  /** Added to the root; default 1e-10. */
  readonly epsilon?: number | undefined;
}

/**
 * AdaGrad (J. Duchi, E. Hazan and Y. Singer, 2011): s ← s + g², w ← w − η g / (√s + ε). Learning rate 0.01 by default.
 * @throws ERR_BPTT_RANGE for numbers out of range.
 */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  checkOptions('adagrad', options, ['learningRate', 'epsilon']);
  const epsilon = requirePositive('adagrad', 'epsilon', options.epsilon ?? 1e-10);
  return defineOptimizer('adagrad', options, 0.01, ['square'], ({ parameter, gradient, slots, learningRate }) => {
    const squares = add(slots['square']!, square(gradient));
    return { parameter: subtract(parameter, multiply(learningRate, divide(gradient, add(sqrt(squares), epsilon)))), slots: { square: squares } };
  });
}

export interface AdadeltaOptions extends OptimizerOptions {
  /** Of both averages of squares; default 0.9. */
  readonly decay?: number | undefined;
  /** Added below both roots; default 1e-6. */
  readonly epsilon?: number | undefined;
}

/**
 * AdaDelta (M. Zeiler, arXiv:1212.5701, 2012): s ← ρ s + (1 − ρ) g², d = √(u + ε) / √(s + ε) · g, u ← ρ u + (1 − ρ) d², w ← w − η d. Learning rate 1 by default.
 * @throws ERR_BPTT_RANGE for numbers out of range.
 */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  checkOptions('adadelta', options, ['learningRate', 'decay', 'epsilon']);
  const decay = requireDecay('adadelta', 'decay', options.decay ?? 0.9);
  const epsilon = requirePositive('adadelta', 'epsilon', options.epsilon ?? 1e-6);
  return defineOptimizer('adadelta', options, 1, ['square', 'change'], ({ parameter, gradient, slots, learningRate }) => {
    const squares = runningAverage(slots['square']!, square(gradient), decay);
    const change = multiply(divide(sqrt(add(slots['change']!, epsilon)), sqrt(add(squares, epsilon))), gradient);
    return {
      parameter: subtract(parameter, multiply(learningRate, change)),
      slots: { square: squares, change: runningAverage(slots['change']!, square(change), decay) },
    };
  });
}
