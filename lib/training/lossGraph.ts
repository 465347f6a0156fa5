import { add, constant, input, maximum, sliceAxis, subtract, transpose } from '../graph/index.ts';
import type { Value } from '../graph/index.ts';
import type { Signal } from '../layers/layer.ts';
import type { Loss, StepSelection } from '../losses/index.ts';
import { swapBatchAndTime } from '../model/builder.ts';
import type { BuiltModel } from '../model/builder.ts';

/** One output as a loss sees it. */
export interface LossTerm {
  readonly name: string;
  readonly loss: Loss;
  readonly prediction: Signal;
  readonly target: Value;
  readonly selection: StepSelection;
}

export interface LossOptions {
  readonly losses: Readonly<Record<string, Loss>>;
  readonly lossOn: 'all' | 'last';
  /** Outputs whose steps are weighted. */
  readonly weighted: readonly string[];
  /** How many steps, at the end, have a loss. */
  readonly lossSteps: number | null;
}

/** The last `count` steps of a signal. */
function lastPart(signal: Signal, count: number | null): Signal {
  const steps = signal.value.shape[0]!;
  if (!signal.time || count === null || count === steps) return signal;
  const lengths = signal.lengths && maximum(subtract(signal.lengths, steps - count), 0);
  return { ...signal, value: sliceAxis(signal.value, 0, steps - count, count), lengths };
}

/**
 * What each output is compared with: adds the inputs "target/<output>" ([N, T, …] or [N, …]) and "weights/<output>" to `feeds`.
 * @param outputs what the layers gave, perhaps with gradients cut.
 */
export function lossTerms(outputs: BuiltModel['outputs'], options: LossOptions, feeds: Value[]): LossTerm[] {
  const feed = (name: string, shape: readonly number[], type: 'float32' | 'int32'): Value => {
    const value = input(name, shape, type);
    feeds.push(value);
    return value;
  };
  return Object.entries(options.losses).map(([name, loss]) => {
    const prediction = lastPart(outputs[name]!, options.lossSteps);
    const { value, time } = prediction;
    const outer = time ? [value.shape[1]!, value.shape[0]!] : [value.shape[0]!];
    const features = loss.targetType === 'int32' ? [] : value.shape.slice(time ? 2 : 1);
    const fed = feed(`target/${name}`, [...outer, ...features], loss.targetType);
    const weights = options.weighted.includes(name) ? feed(`weights/${name}`, outer, 'float32') : undefined;
    return {
      name, loss, prediction, target: time ? swapBatchAndTime(fed) : fed,
      selection: { lossOn: options.lossOn, weights: weights && time ? transpose(weights, [1, 0]) : weights },
    };
  });
}

/** The sum of scalars; 0 for none. */
export function total(values: readonly Value[]): Value {
  return values.length === 0 ? constant(0) : values.reduce((sum, value) => add(sum, value));
}
