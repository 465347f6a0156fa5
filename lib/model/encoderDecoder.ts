import { requireChoice, requireInteger } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import { Vocabulary } from '../data/vocabulary.ts';
import { mostSteps } from '../layers/limits.ts';
import { concatenate, isLayer, lastStep, repeatVector, scheduledSampling, withInitialState } from '../layers/index.ts';
import type { Layer, ScheduledSamplingOptions } from '../layers/index.ts';
import { buildModel } from './builder.ts';
import { wire } from './definition.ts';
import { model } from './model.ts';
import type { Model, ModelSettings } from './model.ts';
import { ParameterTable } from './parameters.ts';
import { connect, input } from './symbolic.ts';
import type { InputOptions, Symbolic } from './symbolic.ts';

export interface EncoderDecoderOptions extends ModelSettings {
  /** What the encoder reads: a vocabulary, or what `input` takes. Its name is "source" unless it has one. */
  readonly source: Vocabulary | InputOptions;
  /** What the decoder reads, one step late; its name is "target" unless it has one. Left out, the decoder reads what the encoder made instead, `steps` times. */
  readonly target?: Vocabulary | InputOptions | undefined;
  /** How many steps the decoder gives where it reads no target, up to 65,536. */
  readonly steps?: number | undefined;
  /** From the source on. */
  readonly encoder: readonly Layer[];
  /** From the target to the output. An attention among them looks at what the encoder's last layer gives. A layer that comes twice has one set of weights, and states for each place; refused beside truthShare. */
  readonly decoder: readonly Layer[];
  /**
   * How the decoder learns of the source beside by attention. "state" (default): its recurrent layers begin with the final states of the encoder's, each with those of its
   * own number, counted from the output; layers around recurrent ones, such as `residual` or an attention, count as one each. "vector": at every step it reads beside its own input what the encoder ends in, the vector that its layers make or else their last step. "none": by attention alone.
   */
  readonly bridge?: 'state' | 'vector' | 'none' | undefined;
  /** How often the decoder reads its target rather than its own output while training; default always. See `scheduledSampling`. */
  readonly truthShare?: ScheduledSamplingOptions['truthShare'] | undefined;
}

const optionNames = ['source', 'target', 'steps', 'encoder', 'decoder', 'bridge', 'truthShare', 'name', 'seed', 'runtime'] as const;

function inputFor(name: string, given: Vocabulary | InputOptions): Symbolic {
  return input(given instanceof Vocabulary ? { name, vocabulary: given } : { name, ...given });
}

function requireLayers(name: 'encoder' | 'decoder', given: unknown): readonly Layer[] {
  if (Array.isArray(given) && given.length > 0 && given.every(isLayer)) return given;
  throw new BpttError('ERR_BPTT_TYPE', `encoderDecoder: expected ${name} to be a list of at least one layer, received ${describe(given)}`, { received: given });
}

/** What an attention looks at, once for each that a layer holds. */
const lookedAt = ({ furtherInputs = 0 }: Layer, memory: Symbolic): Symbolic[] => Array.from({ length: furtherInputs }, () => memory);

/** What the decoder's layers begin with, by place: the states of a layer of the encoder, or nothing of its. */
function stateSources(encoder: readonly Layer[], places: readonly Symbolic[], decoder: readonly Layer[]): (Symbolic | undefined)[] {
  const sources = places.filter((_, i) => encoder[i]!.recurrence);
  const count = decoder.filter(({ recurrence }) => recurrence).length;
  if (count === 0 || sources.length < count) {
    throw new BpttError('ERR_BPTT_OPTION', `encoderDecoder: bridge "state" needs a recurrent layer in the encoder for each of the decoder's ${count}, received ${sources.length}; choose bridge "vector" or "none", `
      + 'or connect the layers by model() and withInitialState()', { expected: count, received: sources.length });
  }
  const inBoth = decoder.find((layer) => layer.recurrence && encoder.includes(layer));
  if (inBoth) {
    throw new BpttError('ERR_BPTT_OPTION', `encoderDecoder: expected recurrent layers of the decoder's own, for with bridge "state" they begin with the encoder's states, received one ${inBoth.kind} layer in both; `
      + 'make two layers by two calls, or choose another bridge to share the weights', { received: inBoth.kind });
  }
  const own = sources.slice(sources.length - count);
  return decoder.map(({ recurrence }) => (recurrence ? own.shift() : undefined));
}

/** What the encoder ends in, [N, …]: the last step where there are steps still. Only layers that are built say whether there are: pooling, for instance, ends sequences but not images. */
function asVector(source: Symbolic, encoded: Symbolic): Symbolic {
  const wiring = wire({ inputs: source, outputs: encoded });
  const sizes = wiring.definition.inputs.map(({ name, time }) => [name, { steps: time ? 2 : 1, ragged: false }] as const);
  const { outputs } = buildModel(wiring, new ParameterTable(), { rows: 1, inputs: Object.fromEntries(sizes) }, { training: false });
  return Object.values(outputs)[0]!.time ? connect(lastStep(), encoded) : encoded;
}

/** A layer of the decoder with what it reads beside its input. */
interface Wired {
  readonly layer: Layer;
  readonly further: readonly Symbolic[];
}

/** A layer that comes several times stays one layer, with one set of weights; each of its places begins with the states of its own source. */
function wireDecoder(decoder: readonly Layer[], memory: Symbolic, sources: readonly (Symbolic | undefined)[]): Wired[] {
  const beginning = new Map<Layer, Layer>();
  return decoder.map((layer, i) => {
    const looked = lookedAt(layer, memory);
    const source = sources[i];
    if (!source) return { layer, further: looked };
    const begun = beginning.get(layer) ?? withInitialState({ layer, ...(layer.name === undefined ? {} : { name: layer.name }) });
    beginning.set(layer, begun);
    return { layer: begun, further: [...looked, source] };
  });
}

/** @throws ERR_BPTT_OPTION for a layer that comes twice: inside of one layer each place would have weights of its own. */
function requireDifferent(decoder: readonly Layer[]): void {
  const twice = decoder.find((layer, i) => decoder.indexOf(layer) !== i);
  if (!twice) return;
  throw new BpttError('ERR_BPTT_OPTION', `encoderDecoder: expected different layers in the decoder beside truthShare, which could not share their weights inside of its loop, received one ${twice.kind} layer twice; make them by two calls`,
    { received: twice.kind });
}

function runDecoder(wired: readonly Wired[], target: Symbolic, vector: Symbolic | undefined): Symbolic {
  const first = wired.findIndex(({ layer }) => !layer.readsTokens);
  if (vector && first < 0) {
    throw new BpttError('ERR_BPTT_OPTION', `encoderDecoder: bridge "vector" puts the encoder's vector beside what a layer of the decoder reads, and ${wired.map(({ layer }) => layer.kind).join(', ')} read${wired.length === 1 ? 's' : ''} tokens; `
      + 'choose another bridge, or let a layer that reads features come after', { expected: 'a layer that reads features', received: wired.map(({ layer }) => layer.kind) });
  }
  return wired.reduce((place, { layer, further }, i) => {
    const read = vector && i === first ? connect(concatenate(), place, connect(repeatVector(), vector, place)) : place;
    return connect(layer, read, ...further);
  }, target);
}

function withoutTarget(options: EncoderDecoderOptions, encoded: Symbolic, decoder: readonly Layer[], vector: () => Symbolic): Symbolic {
  const unused = (['bridge', 'truthShare'] as const).find((name) => options[name] !== undefined);
  if (unused) throw new BpttError('ERR_BPTT_OPTION', `encoderDecoder: ${unused} says how a decoder goes along a target, and there is none; leave it out, or declare the target`, { received: unused });
  const steps = requireInteger('encoderDecoder', 'steps', options.steps, 1, mostSteps);
  return decoder.reduce((place, layer) => connect(layer, place, ...lookedAt(layer, encoded)), connect(repeatVector({ steps }), vector()));
}

function withTarget(options: EncoderDecoderOptions, target: Symbolic, places: readonly Symbolic[], vector: () => Symbolic): Symbolic {
  const { encoder, decoder, truthShare } = options;
  if (options.steps !== undefined) throw new BpttError('ERR_BPTT_OPTION', 'encoderDecoder: a decoder that reads a target has as many steps as that has; leave out steps, or the target', { received: options.steps });
  const bridge = requireChoice('encoderDecoder', 'bridge', options.bridge ?? 'state', ['state', 'vector', 'none'] as const);
  const encoded = places.at(-1)!;
  const wired = wireDecoder(decoder, encoded, bridge === 'state' ? stateSources(encoder, places, decoder) : []);
  if (truthShare === undefined) return runDecoder(wired, target, bridge === 'vector' ? vector() : undefined);
  requireDifferent(decoder);
  if (bridge !== 'vector') return connect(scheduledSampling({ name: 'decoder', layers: wired.map(({ layer }) => layer), truthShare }), target, ...wired.flatMap(({ further }) => further));
  throw new BpttError('ERR_BPTT_OPTION', 'encoderDecoder: expected bridge "state" or "none" beside truthShare, received "vector"', { expected: ['state', 'none'], received: bridge });
}

/**
 * A network that reads one sequence and gives another, of another length: an encoder and a decoder, each a list of layers (I. Sutskever, O. Vinyals and Q. Le,
 * arXiv:1409.3215; K. Cho et al., arXiv:1406.1078; both 2014).
 *
 * With a target the decoder reads the target one step late (teacher forcing: `pairs` of bptt/data makes such batches) and its states begin with the encoder's:
 *
 * ```ts
 * const translator = encoderDecoder({
 *   source: { tokens: 30 }, target: { tokens: 40 },
 *   encoder: [embedding({ size: 32 }), gru({ units: 64 })],
 *   decoder: [embedding({ size: 32 }), bahdanauAttention({ layer: gru({ units: 64 }) }), dense({ units: 40 })],
 * });
 * generate(translator.stream({ given: { source } }), { start: 0, end: 1, length: 50, greedy: true });
 * ```
 *
 * Without one it is a net from sequence to vector and a net from that vector to a sequence of `steps` steps.
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for options that do not fit; the layers' own errors.
 */
export function encoderDecoder(options: EncoderDecoderOptions): Model {
  checkOptions('encoderDecoder', options, optionNames);
  const { seed, name, runtime } = options;
  const encoder = requireLayers('encoder', options.encoder);
  const decoder = requireLayers('decoder', options.decoder);
  const source = inputFor('source', options.source);
  const places = encoder.reduce<Symbolic[]>((before, layer) => [...before, connect(layer, before.at(-1) ?? source)], []);
  const encoded = places.at(-1)!;
  const vector = (): Symbolic => asVector(source, encoded);
  if (options.target === undefined) {
    return model({ inputs: source, outputs: withoutTarget(options, encoded, decoder, vector), seed, name, runtime });
  }
  const target = inputFor('target', options.target);
  return model({ inputs: [source, target], outputs: withTarget(options, target, places, vector), seed, name, runtime });
}
