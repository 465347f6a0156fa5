import { BpttError } from '../errors.ts';
import type { Data } from '../data/tensor.ts';
import { elementCount } from '../graph/index.ts';
import { mix } from '../random.ts';
import { packInputs } from '../model/door.ts';
import type { Model } from '../model/index.ts';
import type { InputDefinition } from '../model/index.ts';
import { featureSizes } from '../model/symbolic.ts';
import type { RunArray } from '../runtime/runtime.ts';
import { feedKeys } from './randomKeys.ts';
import { buildWhole } from './segmentProgram.ts';

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

type Arrays = Readonly<Record<string, RunArray>>;

/** What the training of a model sees of steps `begin` … `end − 1`, after the states that it gave before. @returns "output/<name>" and "state/<path>" */
async function partOf(model: Model, begin: number, end: number, before: Arrays): Promise<Arrays> {
  const { door, store } = model.core;
  const { signature, feeds } = packInputs(door, Object.fromEntries(model.inputs.map((input) => [input.name, sampleInput(input, begin, end)])), undefined, false);
  const { graph, keys, keysOverTime } = buildWhole(model, signature);
  const floats = (count: number): RunArray => (door.double ? new Float64Array(count) : new Float32Array(count));
  for (const { node, shape } of graph.inputs) {
    const name = String(node.attributes['name']);
    if (name.startsWith('state/')) feeds[name] = before[name] ?? floats(elementCount(shape));
    if (name === 'fresh') feeds[name] = Uint8Array.of(begin === 0 ? 1 : 0);
  }
  feeds['updates'] = floats(1);
  feeds['firstStep'] = Int32Array.of(begin);
  feedKeys(feeds, keys, { seed: 0, update: 0, overTime: keysOverTime, firstStep: begin });
  return model.runtime.compile(graph, { layouts: [store.variables] }).bind([store]).runAsync(feeds);
}

function agree(whole: ArrayLike<number>, tail: ArrayLike<number>): boolean {
  const scale = Array.from(whole).reduce((most, number) => Math.max(most, Math.abs(number)), 1e-6);
  const offset = whole.length - tail.length;
  return Array.from(tail).every((number, i) => Math.abs(number - whole[offset + i]!) <= tolerance * scale || Object.is(number, whole[offset + i]));
}

/**
 * Makes sure that what a model in training gives for a part of a sequence depends on the part, its place and the states it begins with alone: a short sequence is run whole and in two parts.
 * @throws (as a rejection) ERR_BPTT_OPTION for a model with a layer that sees several steps at once, such as attention over the whole sequence, or carries over in another way.
 */
export async function requireStepwise(owner: string, model: Model): Promise<void> {
  const refuse = (cause?: unknown): BpttError => new BpttError('ERR_BPTT_OPTION',
    `${owner}: expected a model whose layers reach from step to step through their states alone, received one that gives other results in training when a sequence is cut in two; `
    + 'leave the option out', { expected: 'a model that can be run part by part', received: model.definition.layers.map(({ kind }) => kind), cause });
  const run = async (): Promise<boolean> => {
    const whole = await partOf(model, 0, wholeSteps, {});
    const first = await partOf(model, 0, firstSteps, {});
    const second = await partOf(model, firstSteps, wholeSteps, first);
    return model.outputs.every(({ name }) => agree(whole[`output/${name}`]!, second[`output/${name}`]!));
  };
  const same = await model.core.turns.take({ owner, writes: false }, run).catch((error: unknown) => {
    if (error instanceof BpttError && error.code === 'ERR_BPTT_SHAPE') throw refuse(error);
    throw error;
  });
  if (!same) throw refuse();
}
