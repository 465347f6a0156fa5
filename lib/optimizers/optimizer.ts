import { requireNumber } from '../checks.ts';
import type { Value } from '../graph/index.ts';
import { asSchedule, type Schedule, type ScheduleDescription } from './schedules.ts';

/** One parameter's update, as graph. */
export interface UpdateInputs {
  readonly parameter: Value;
  /** After regularisation and clipping; of the parameter's shape. */
  readonly gradient: Value;
  /** By the optimizer's slot names; of the parameter's shape, zeros at the beginning. */
  readonly slots: Readonly<Record<string, Value>>;
  /** float32 []. */
  readonly learningRate: Value;
  /** The number of this update, counted from 1: float32 []. */
  readonly step: Value;
}

export interface UpdateResult {
  readonly parameter: Value;
  readonly slots: Readonly<Record<string, Value>>;
}

/** How gradients change parameters. A frozen plain value; optimizers of one kind come from one factory. */
export interface Optimizer {
  readonly kind: string;
  /** JSON-safe. */
  readonly options: Readonly<Record<string, unknown>>;
  /** What it remembers for each parameter, each of the parameter's shape. */
  readonly slots: readonly string[];
  /** The learning rate over time; constant where a number was given. */
  readonly learningRate: Schedule;
  update(inputs: UpdateInputs): UpdateResult;
}

/** What every optimizer accepts. */
export interface OptimizerOptions {
  /** A number above 0 or a schedule. */
  readonly learningRate?: number | Schedule | ScheduleDescription | undefined;
}

/** Makes a frozen optimizer; a schedule among the options is kept as its description. */
export function defineOptimizer(kind: string, options: OptimizerOptions, defaultRate: number, slots: readonly string[], update: Optimizer['update']): Optimizer {
  const given = options.learningRate ?? defaultRate;
  const learningRate = asSchedule(`${kind}: learningRate`, given);
  const rate = typeof given === 'number' ? given : { kind: learningRate.kind, options: learningRate.options };
  const described = Object.fromEntries(Object.entries({ ...options, learningRate: rate }).filter(([, value]) => value !== undefined));
  return Object.freeze({ kind, options: Object.freeze(described), slots: Object.freeze([...slots]), learningRate, update });
}

/** A decay rate: from 0 up to but not including 1. @throws ERR_BPTT_RANGE */
export function requireDecay(owner: string, name: string, value: number): number {
  return requireNumber(owner, name, value, 0, 1 - Number.EPSILON);
}

/** @throws ERR_BPTT_RANGE unless the number is finite and at least 0. */
export function requirePositive(owner: string, name: string, value: number): number {
  return requireNumber(owner, name, value, 0, Number.MAX_VALUE);
}
