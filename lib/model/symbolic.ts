import { requireBoolean, requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import { Vocabulary } from '../data/vocabulary.ts';
import type { VocabularyDefinition } from '../data/vocabulary.ts';
import type { Layer } from '../layers/layer.ts';
import { isLayer } from '../layers/registry.ts';

/** What a model takes: tokens or features, over time or one per row. */
export interface InputOptions {
  /** Default "input", numbered when there are several. */
  readonly name?: string | undefined;
  /** Tokens 0 … tokens − 1. */
  readonly tokens?: number | undefined;
  /** The tokens of a vocabulary, which is saved with the model. */
  readonly vocabulary?: Vocabulary | undefined;
  /** Numbers of each step (each row when there is no time): how many, or the sizes of an array of them, such as [height, width, channels] of an image. */
  readonly features?: number | readonly number[] | undefined;
  /** false: one value per row, [N] or [N, features]. Default true: [N, T] or [N, T, features]. Where features are an array, its sizes stand in their place. */
  readonly time?: boolean | undefined;
}

/** An input as model.json holds it. */
export interface InputDefinition {
  readonly name: string;
  readonly tokens: number | null;
  readonly features: number | readonly number[] | null;
  readonly time: boolean;
  readonly vocabulary: VocabularyDefinition | null;
}

/** A place in a model under construction: an input, or what a layer makes of other places. Frozen. */
export interface Symbolic {
  readonly input: Omit<InputDefinition, 'name'> & { readonly name: string | undefined } | null;
  readonly layer: Layer | null;
  readonly sources: readonly Symbolic[];
  /** What a saved model calls it; absent while a model is written down. */
  readonly name?: string;
}

const pathName = /^[^\s/.][^/.]*$/;

/** The sizes of one step's numbers, [] for tokens. */
export function featureSizes({ features }: Pick<InputDefinition, 'features'>): readonly number[] {
  if (features === null) return [];
  return typeof features === 'number' ? [features] : features;
}

function requireFeatures(features: unknown): number | readonly number[] {
  const largest = 2 ** 31 - 1;
  if (!Array.isArray(features)) return requireInteger('input', 'features', features, 1, largest);
  if (features.length === 0) throw wrongType('input', 'features', 'a number, or sizes such as [height, width, channels]', features);
  const sizes = features.map((size, i) => requireInteger('input', `features[${i}]`, size, 1, largest));
  requireInteger('input', 'the product of features', sizes.reduce((product, size) => product * size, 1), 1, largest);
  return Object.freeze(sizes);
}

/** @throws ERR_BPTT_OPTION unless `name` is a text without "/" and ".". */
export function requireName(owner: string, name: unknown): string {
  if (typeof name === 'string' && pathName.test(name)) return name;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected a name without "/" and ".", received ${describe(name)}`, { received: name });
}

/**
 * An input of a model: exactly one of `tokens`, `vocabulary` and `features` says what it holds.
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE, ERR_BPTT_TYPE for options that do not fit.
 */
export function input(options: InputOptions): Symbolic {
  checkOptions('input', options, ['name', 'tokens', 'vocabulary', 'features', 'time']);
  const { name, tokens, vocabulary, features } = options;
  const kinds = [tokens, vocabulary, features].filter((option) => option !== undefined).length;
  if (kinds !== 1) {
    throw new BpttError('ERR_BPTT_OPTION', `input: expected exactly one of tokens, vocabulary and features, received ${kinds} of them`, { expected: 1, received: kinds });
  }
  if (vocabulary !== undefined && !(vocabulary instanceof Vocabulary)) {
    throw wrongType('input', 'vocabulary', 'what characters() or words() of bptt/data gives', vocabulary);
  }
  if (name !== undefined) requireName('input', name);
  const declared = {
    name,
    tokens: vocabulary ? vocabulary.size : tokens === undefined ? null : requireInteger('input', 'tokens', tokens, 1, 2 ** 31 - 1),
    features: features === undefined ? null : requireFeatures(features),
    time: requireBoolean('input', 'time', options.time ?? true),
    vocabulary: vocabulary ? vocabulary.toJSON() : null,
  };
  return Object.freeze({ input: Object.freeze(declared), layer: null, sources: Object.freeze([]) });
}

/**
 * What `layer` makes of `sources`. One layer connected several times has one set of weights, which all of its connections train, but a state for each; two layers made by
 * two calls of a factory have weights of their own, also with equal options.
 * @throws ERR_BPTT_TYPE for arguments of other kinds.
 */
export function connect(layer: Layer, ...sources: readonly Symbolic[]): Symbolic {
  if (!isLayer(layer)) throw wrongType('connect', 'the first argument', 'a layer such as lstm({ units: 64 })', layer);
  if (sources.length === 0) throw new BpttError('ERR_BPTT_OPTION', `connect: expected something for the layer ${layer.kind} to read, received nothing`, { expected: '1 or more', received: 0 });
  for (const source of sources) {
    if (!isSymbolic(source)) throw wrongType('connect', 'every source', 'what input() or connect() gives', source);
  }
  return Object.freeze({ input: null, layer, sources: Object.freeze([...sources]) });
}

export function isSymbolic(candidate: unknown): candidate is Symbolic {
  return typeof candidate === 'object' && candidate !== null && 'sources' in candidate && Array.isArray(candidate.sources);
}
