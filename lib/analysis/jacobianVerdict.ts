import type { Variable } from '../graph/index.ts';
import type { rnn } from '../layers/index.ts';
import type { Model } from '../model/index.ts';
import type { JacobianReport, JacobianRow } from './jacobians.ts';
import { singularValues } from './singularValues.ts';

/** The rule of the recurrent weight: ∂h(t)/∂h(t−1) = f′ ⊙ W, so that its norm is at most slope · largest; with zoneout z I + (1 − z) f′ ⊙ W, of at most z + (1 − z) · slope · largest. */
export interface WeightBound {
  /** Name of the recurrent weight. */
  readonly parameter: string;
  /** Its largest singular value. */
  readonly largest: number;
  /** The greatest slope that the activation has anywhere. */
  readonly slope: number;
  /** The rate of zoneout, by which a state stays what it was; 0 without. */
  readonly zoneout: number;
  readonly bound: number;
}

/** Greatest slopes of what a simple recurrence may use. */
const slopes: Readonly<Record<string, number>> = { tanh: 1, relu: 1, sigmoid: 0.25, linear: 1 };

/** What a float32 weight that is meant to have a singular value of 1 may lack of it. */
const rounding = 1e-6;

type Dropout = Parameters<typeof rnn>[0]['dropout'];

function zoneoutOf(dropout: Dropout): number {
  const rates = typeof dropout === 'object' ? dropout.zoneout ?? 0 : 0;
  return typeof rates === 'number' ? rates : rates['h'] ?? 0;
}

function weightBound(model: Model, place: string, variables: ReadonlyMap<Variable, Float64Array>): WeightBound | null {
  const [name, stacked = 'layer_0'] = place.split('/') as [string, string?];
  const layer = model.definition.layers.find((entry) => entry.name === name);
  const parameter = model.parameters.find((entry) => entry.name === `${name}/weight_hh_l${stacked.slice('layer_'.length)}`);
  if (layer?.kind !== 'rnn' || !parameter) return null;
  const [rows, columns] = parameter.shape as [number, number];
  const largest = singularValues(variables.get(parameter.variable)!, rows, columns)[0]!;
  const { activation = 'tanh', dropout } = layer.options as { activation?: string; dropout?: Dropout };
  const slope = slopes[activation] ?? 1;
  const zoneout = zoneoutOf(dropout);
  return { parameter: parameter.name, largest, slope, zoneout, bound: zoneout + (1 - zoneout) * slope * largest };
}

const short = (value: number): string => Number(value.toPrecision(3)).toString();

function aboutSteps(most: number, least: number, verdict: JacobianReport['verdict']): string {
  const range = `The largest singular value of ∂s(t)/∂s(t−1) is ${least === most ? short(most) : `between ${short(least)} and ${short(most)}`}.`;
  if (verdict === 'vanishes') {
    return `${range} It is below 1 at every step, which is sufficient: on this data a gradient shrinks to at most ${short(most)} of itself at every step back, since the norm of a product is at most the product of the norms.`;
  }
  if (verdict === 'may explode') {
    return `${range} It is above 1 at every step, which is necessary for gradients to explode but not sufficient: the directions that grow at one step need not be those that grow at the next.`;
  }
  return `${range} It is not on one side of 1 at every step: the single steps prove neither that gradients vanish nor that they explode.`;
}

function aboutWeight(bound: WeightBound | null): string {
  if (!bound) return 'The rule of the recurrent weight\'s singular values is about simple recurrences only, layers rnn that go forward and stand in no other: whatever else a step has, such as gates, changes its Jacobian.';
  const kept = bound.zoneout > 0 ? `, and zoneout keeps ${short(bound.zoneout)} of the state` : '';
  const numbers = `The recurrent weight's largest singular value is ${short(bound.largest)}, the slope of the activation at most ${short(bound.slope)}${kept}.`;
  const whole = kept ? `The bound of both, ${short(bound.bound)},` : `Their product ${short(bound.bound)}`;
  if (bound.bound < 1 - rounding) return `${numbers} ${whole} is below 1: gradients vanish whatever the data (sufficient).`;
  return `${numbers} ${whole} is not below 1: exploding is possible (necessary, not sufficient), and saturated units may still make gradients vanish.`;
}

/** The Jacobians of one recurrence, and what they were computed with. */
interface Judged {
  readonly place: string;
  readonly rows: readonly JacobianRow[];
  readonly variables: ReadonlyMap<Variable, Float64Array>;
  readonly stopsGradients: boolean;
}

/** What Jacobians prove, in a word and in words. */
export function judgeJacobians(model: Model, { place, rows, variables, stopsGradients }: Judged): Pick<JacobianReport, 'weight' | 'verdict' | 'text'> {
  const all = rows.flatMap(({ largest }) => largest);
  const [most, least] = [all.reduce((a, b) => Math.max(a, b)), all.reduce((a, b) => Math.min(a, b))];
  const verdict = most < 1 ? 'vanishes' : least > 1 ? 'may explode' : 'neither';
  const weight = weightBound(model, place, variables);
  const ends = rows.map(({ product }) => product.at(-1)!);
  const end = ends.reduce((a, b) => Math.max(a, b));
  const steps = Math.max(...rows.map(({ largest }) => largest.length));
  const through = `Through all ${steps} steps the largest singular value of the product is ${short(end)}: what really happened here.`;
  const remark = 'The step stops gradients on purpose (stopGradient): this is what gradients are multiplied by, and says nothing of how long states are remembered.';
  return { weight, verdict, text: [aboutSteps(most, least, verdict), through, aboutWeight(weight), ...(stopsGradients ? [remark] : [])].join(' ') };
}
