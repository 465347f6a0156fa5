import { add, expMinusOne, multiply, negate, constant, type Value } from '../graph/index.ts';

/** decay · average + (1 − decay) · value. */
export function runningAverage(average: Value, value: Value, decay: number): Value {
  return add(multiply(average, decay), multiply(value, 1 - decay));
}

/** 1 − decay^step, exact in float32 even where the power is near 1. */
export function biasCorrection(decay: number, step: Value): Value {
  return decay === 0 ? constant(1, step.shape) : negate(expMinusOne(multiply(step, Math.log(decay))));
}
