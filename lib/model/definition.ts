import { requireInteger } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import { Vocabulary } from '../data/vocabulary.ts';
import { layerFromDescription } from '../layers/index.ts';
import type { Layer } from '../layers/layer.ts';
import { connect, input, isSymbolic, requireName } from './symbolic.ts';
import type { InputDefinition, Symbolic } from './symbolic.ts';

/** A layer of a model with its name there and the names of what it reads. */
export interface LayerDefinition {
  readonly name: string;
  readonly kind: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
  /** An earlier layer, equal but for its name, whose weights it has; absent where they are its own. */
  readonly weights?: string;
}

/** A model without its numbers: JSON-safe, enough to build an equal one. */
export interface ModelDefinition {
  readonly version: 1;
  readonly name: string | null;
  readonly seed: number;
  readonly inputs: readonly InputDefinition[];
  /** In an order in which each follows what it reads. */
  readonly layers: readonly LayerDefinition[];
  /** Names of layers or inputs. */
  readonly outputs: readonly string[];
}

/** A definition with its layers at hand. */
export interface Wiring {
  readonly definition: ModelDefinition;
  /** As `definition.layers`. */
  readonly layers: readonly Layer[];
}

export interface WiringOptions {
  readonly inputs: Symbolic | readonly Symbolic[];
  readonly outputs: Symbolic | readonly Symbolic[];
  readonly seed?: number | undefined;
  readonly name?: string | undefined;
}

/** Gives every place a name: the one it asks for, else its kind, numbered from the second on. */
class Names {
  readonly #taken = new Set<string>();
  readonly #counts = new Map<string, number>();

  constructor(given: readonly string[]) {
    for (const name of given) {
      if (this.#taken.has(name)) {
        throw new BpttError('ERR_BPTT_OPTION', `model: expected different names, received "${name}" twice; names of layers and inputs are one list`, { received: name });
      }
      this.#taken.add(name);
    }
  }

  choose(kind: string): string {
    for (;;) {
      const count = this.#counts.get(kind) ?? 0;
      this.#counts.set(kind, count + 1);
      const name = count === 0 ? kind : `${kind}_${count}`;
      if (this.#taken.has(name)) continue;
      this.#taken.add(name);
      return name;
    }
  }
}

function asList(owner: 'inputs' | 'outputs', given: Symbolic | readonly Symbolic[]): readonly Symbolic[] {
  const list: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (list.length > 0 && list.every(isSymbolic)) return list;
  const cure = given !== null && typeof given === 'object' && Object.values(given).length > 0 && Object.values(given).every(isSymbolic)
    ? `; give a list, [${Object.keys(given).join(', ')}], in which each is called as ${owner === 'inputs' ? 'input({ name })' : 'the layer that makes it, such as dense({ name })'} says` : '';
  throw new BpttError('ERR_BPTT_TYPE', `model: expected ${owner} to be what input() or connect() gives, or a list of them, received ${cure === '' ? describe(given) : 'them by name'}${cure}`, { received: given });
}

/** Every place that the outputs need, each after its sources. */
function orderOf(outputs: readonly Symbolic[]): Symbolic[] {
  const done = new Set<Symbolic>();
  const visit = (place: Symbolic): void => {
    if (done.has(place)) return;
    place.sources.forEach(visit);
    done.add(place);
  };
  outputs.forEach(visit);
  return [...done];
}

/**
 * Names and orders what the outputs need.
 * @throws ERR_BPTT_GRAPH for an input that is declared and not read, or read and not declared; ERR_BPTT_OPTION for a name that comes twice.
 */
export function wire(options: WiringOptions): Wiring {
  const inputs = asList('inputs', options.inputs);
  const outputs = asList('outputs', options.outputs);
  const order = orderOf(outputs);
  checkInputs(inputs, order);
  const places = [...inputs, ...order.filter((place) => place.layer)];
  const built = order.filter((place) => place.layer);
  const owners = new Map<Symbolic, Symbolic>();
  for (const place of built) owners.set(place, built.find(({ layer }) => layer === place.layer)!);
  const fixed = (place: Symbolic): string | undefined => place.name ?? place.input?.name ?? (owners.get(place) === place ? place.layer!.name : undefined);
  const chooser = new Names(places.flatMap((place) => fixed(place) ?? []));
  const names = new Map(places.map((place) => [place, fixed(place) ?? chooser.choose(place.layer?.name ?? place.layer?.kind ?? 'input')]));
  const definition: ModelDefinition = {
    version: 1,
    name: options.name === undefined ? null : requireName('model', options.name),
    seed: requireInteger('model', 'seed', options.seed ?? 0, 0),
    inputs: inputs.map((place) => ({ ...place.input!, name: names.get(place)! })),
    layers: built.map((place) => ({
      name: names.get(place)!, kind: place.layer!.kind, options: place.layer!.options, inputs: place.sources.map((source) => names.get(source)!),
      ...(owners.get(place) === place ? {} : { weights: names.get(owners.get(place)!)! }),
    })),
    outputs: outputs.map((place) => names.get(place)!),
  };
  const twice = definition.outputs.find((name, i) => definition.outputs.indexOf(name) !== i);
  if (twice !== undefined) throw new BpttError('ERR_BPTT_OPTION', `model: expected different outputs, received "${twice}" twice`, { received: twice });
  return { definition, layers: built.map((place) => place.layer!) };
}

function checkInputs(inputs: readonly Symbolic[], order: readonly Symbolic[]): void {
  for (const [i, place] of inputs.entries()) {
    if (inputs.indexOf(place) !== i) throw new BpttError('ERR_BPTT_OPTION', `model: expected different inputs, received "${place.input?.name ?? 'input'}" twice`, { received: place.input });
    if (!place.input) throw new BpttError('ERR_BPTT_TYPE', `model: expected inputs made by input(), received what the layer ${place.layer?.kind ?? '?'} gives`);
    if (order.includes(place)) continue;
    throw new BpttError('ERR_BPTT_GRAPH', `model: no output needs the input "${place.input.name ?? 'input'}"; connect it or leave it out`, { received: place.input });
  }
  const missing = order.find((place) => place.input && !inputs.includes(place));
  if (missing) throw new BpttError('ERR_BPTT_GRAPH', `model: an output needs the input "${missing.input!.name ?? 'input'}", which is not among inputs; add it`, { received: missing.input });
}

/**
 * Reads what `JSON.parse` gave and makes the layers again.
 * @throws ERR_BPTT_FORMAT for something that is no definition, or one of a later version; the layers' own errors for their options.
 */
export function readDefinition(json: unknown): Wiring {
  const fields = ['version', 'name', 'seed', 'inputs', 'layers', 'outputs'] as const;
  const source = json as Partial<Record<(typeof fields)[number], unknown>> | null;
  if (typeof source !== 'object' || source === null) throw malformed('a model definition', json);
  if (source.version !== 1) throw malformed('version 1', source.version);
  checkOptions('model definition', source, fields);
  const { name, seed, inputs, layers, outputs } = source;
  if (!Array.isArray(inputs) || !Array.isArray(layers) || !isTexts(outputs)) throw malformed('lists of inputs, layers and outputs', { inputs, layers, outputs });
  const places = new Map<string, Symbolic>();
  const add = (placeName: string, place: Symbolic): void => {
    if (places.has(placeName)) throw malformed('different names', placeName);
    places.set(placeName, place);
  };
  const find = (placeName: string): Symbolic => {
    const place = places.get(placeName);
    if (place) return place;
    throw malformed('each layer after what it reads', placeName);
  };
  for (const entry of inputs as unknown[]) add(...readInput(entry));
  for (const entry of layers as unknown[]) {
    const { layerName, layer, sources, owner } = readLayer(entry);
    add(layerName, Object.freeze({ ...connect(owner === undefined ? layer : sameLayer(layer, find(owner)), ...sources.map(find)), name: layerName }));
  }
  return wire({
    inputs: [...places.values()].filter((place) => place.input), outputs: outputs.map(find), seed: seed as number, ...(name === null ? {} : { name: name as string }),
  });
}

function readInput(entry: unknown): [string, Symbolic] {
  checkOptions('model definition: input', entry, ['name', 'tokens', 'features', 'time', 'vocabulary']);
  const { name, tokens, features, time, vocabulary } = entry as InputDefinition;
  if (typeof name !== 'string') throw malformed('an input with a name', entry);
  const place = input({
    name, time,
    ...(features === null ? {} : { features }),
    ...(vocabulary ? { vocabulary: new Vocabulary(vocabulary) } : tokens === null ? {} : { tokens }),
  });
  return [name, place];
}

/** The layer whose weights another one has. @throws ERR_BPTT_FORMAT unless both are of one kind and equal options. */
function sameLayer(layer: Layer, { layer: owner }: Symbolic): Layer {
  if (owner && owner.kind === layer.kind && JSON.stringify(owner.options) === JSON.stringify(layer.options)) return owner;
  throw malformed('layers that share weights to be equal', `${layer.kind} and ${owner?.kind ?? 'an input'}`);
}

function readLayer(entry: unknown): { layerName: string; layer: Layer; sources: string[]; owner: string | undefined } {
  checkOptions('model definition: layer', entry, ['name', 'kind', 'options', 'inputs', 'weights']);
  const { name, kind, options, inputs, weights } = entry as LayerDefinition;
  if (weights !== undefined && typeof weights !== 'string') throw malformed('weights as the name of a layer', weights);
  if (typeof name !== 'string' || !isTexts(inputs) || inputs.length === 0) throw malformed('a layer with a name and inputs', entry);
  return { layerName: name, layer: layerFromDescription({ kind, name, options }), sources: inputs, owner: weights };
}

function isTexts(candidate: unknown): candidate is string[] {
  return Array.isArray(candidate) && candidate.every((entry) => typeof entry === 'string');
}

function malformed(expected: string, received: unknown): BpttError {
  return new BpttError('ERR_BPTT_FORMAT', `model definition: expected ${expected}, received ${describe(received)}`, { expected, received });
}
