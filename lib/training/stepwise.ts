import { BpttError } from '../errors.ts';
import type { Data } from '../data/tensor.ts';
import { elementCount } from '../graph/index.ts';
import { mix } from '../random.ts';
import type { Model } from '../model/index.ts';
import type { InputDefinition } from '../model/index.ts';
import { featureSizes } from '../model/symbolic.ts';

/** Steps of the sequence that is run whole and in two parts; neither part is a multiple of the other. */
const wholeSteps = 5;
const firstSteps = 3;

/** Relative to the largest number compared. */
const tolerance = 1e-3;

function sampleInput(input: InputDefinition, begin: number, end: number): Data {
  const { features, tokens, time } = input;
  const sizes = featureSizes(input);
  const width = elementCount(sizes);
  const number = (i: number): number => (mix(7, i) >>> 8) / 2 ** 24;
  const steps = time ? end - begin : 1;
  const first = time ? begin : 0;
  const count = steps * width;
  const leading = time ? [1, steps] : [1];
  if (features !== null) return { data: Float32Array.from({ length: count }, (_, i) => 2 * number(first * width + i) - 1), shape: [...leading, ...sizes] };
  return { data: Int32Array.from({ length: count }, (_, i) => Math.floor(number(first + i) * Math.min(tokens ?? 2, 2 ** 16))), shape: leading };
}

async function outputsOf(model: Model, begin: number, end: number, state: Readonly<Record<string, Data>>): Promise<{ outputs: Record<string, ArrayLike<number>>; state: Readonly<Record<string, Data>> }> {
  const result = await model.predict(Object.fromEntries(model.inputs.map((input) => [input.name, sampleInput(input, begin, end)])), { state });
  return { outputs: Object.fromEntries(Object.entries(result.outputs).map(([name, { data }]) => [name, data])), state: result.state };
}

function agree(whole: ArrayLike<number>, tail: ArrayLike<number>): boolean {
  const scale = Array.from(whole).reduce((most, number) => Math.max(most, Math.abs(number)), 1e-6);
  const offset = whole.length - tail.length;
  return Array.from(tail).every((number, i) => Math.abs(number - whole[offset + i]!) <= tolerance * scale || Object.is(number, whole[offset + i]));
}

/**
 * Makes sure that what a model gives for a part of a sequence depends on the part and on the states it begins with alone: a short sequence is run whole and in two parts.
 * @throws (as a rejection) ERR_BPTT_OPTION for a model with a layer that sees several steps at once, such as attention over the whole sequence.
 */
export async function requireStepwise(owner: string, model: Model): Promise<void> {
  const refuse = (cause?: unknown): BpttError => new BpttError('ERR_BPTT_OPTION',
    `${owner}: expected a model whose layers reach from step to step through their states alone, received one that gives other results when a sequence is cut in two; `
    + 'leave the option out', { expected: 'a model that can be run part by part', received: model.definition.layers.map(({ kind }) => kind), cause });
  const run = async (): Promise<boolean> => {
    const whole = await outputsOf(model, 0, wholeSteps, {});
    const first = await outputsOf(model, 0, firstSteps, {});
    const second = await outputsOf(model, firstSteps, wholeSteps, first.state);
    return Object.entries(whole.outputs).every(([name, data]) => agree(data, second.outputs[name]!));
  };
  const same = await run().catch((error: unknown) => {
    if (error instanceof BpttError && error.code === 'ERR_BPTT_SHAPE') throw refuse(error);
    throw error;
  });
  if (!same) throw refuse();
}
