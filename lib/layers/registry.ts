import { cellNames, findCell } from '../cells/index.ts';
import { wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe, nearest } from '../errors.ts';
import type { Layer } from './layer.ts';

/** A layer as model.json holds it. */
export interface LayerDescription {
  readonly kind: string;
  readonly name?: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Makes a layer of its options. Each kind has its own option type; what comes from a file is checked by the factory itself. */
type LayerFactory = (options: never) => Layer;

const factories = new Map<string, LayerFactory>();

/** How a layer of a cell that has no factory of its own is made; set by the recurrent layer. */
let recurrentFactory: ((cellName: string, options: Readonly<Record<string, unknown>>) => Layer) | undefined;

/**
 * Makes layers of `kind` loadable. A kind of one's own needs it once, where its factory is defined.
 * @throws ERR_BPTT_OPTION when the kind is taken by a layer or a cell; ERR_BPTT_TYPE for arguments of other kinds.
 */
export function registerLayer(kind: string, factory: LayerFactory): void {
  if (typeof kind !== 'string' || kind === '') throw wrongType('registerLayer', 'kind', 'a text', kind);
  if (typeof factory !== 'function') throw wrongType(`registerLayer "${kind}"`, 'the factory', 'a function of options', factory);
  if (isRegisteredLayer(kind) || findCell(kind)) throw new BpttError('ERR_BPTT_OPTION', `layer kind "${kind}" is registered already; choose another name`, { received: kind });
  factories.set(kind, factory);
}

/** Whether a layer other than those made of cells has this kind. */
export function isRegisteredLayer(kind: string): boolean {
  return factories.has(kind);
}

/** Says how layers are made of cells that are found by their name. */
export function registerRecurrentFactory(factory: NonNullable<typeof recurrentFactory>): void {
  recurrentFactory = factory;
}

/** The kinds that `layerFromDescription` can make: registered layers and the cells of one's own. */
export function layerKinds(): string[] {
  return [...new Set([...factories.keys(), ...cellNames()])];
}

/** The JSON-safe description of a layer: `layerFromDescription` makes an equal one of it. */
export function describeLayer(layer: Layer): LayerDescription {
  return { kind: layer.kind, ...(layer.name === undefined ? {} : { name: layer.name }), options: layer.options };
}

/**
 * Makes a layer again from its description.
 * @throws ERR_BPTT_FORMAT for something that is no description and for an unknown kind (a cell whose module was not imported, for instance); the
 * factory's own errors for options that it does not accept.
 */
export function layerFromDescription(description: unknown): Layer {
  const { kind, name, options } = readDescription(description);
  const all = { ...options, ...(name === undefined ? {} : { name }) };
  const factory = factories.get(kind);
  if (factory) return factory(all as never);
  if (recurrentFactory && findCell(kind)) return recurrentFactory(kind, all);
  const hint = nearest(kind, layerKinds());
  throw new BpttError('ERR_BPTT_FORMAT', `unknown layer kind "${kind}"${hint ? `; did you mean "${hint}"?` : '.'} A cell of your own is known once the module that`
    + ` defines it with cell('${kind}', …) has been imported: import it before loading (known: ${layerKinds().join(', ')})`, { expected: layerKinds(), received: kind });
}

function readDescription(description: unknown): LayerDescription {
  checkOptions('layer description', description, ['kind', 'name', 'options']);
  const { kind, name, options } = description as Record<string, unknown>;
  const sound = typeof kind === 'string' && (name === undefined || typeof name === 'string') && typeof options === 'object' && options !== null && !Array.isArray(options);
  if (sound) return description as LayerDescription;
  throw new BpttError('ERR_BPTT_FORMAT', `layer description: expected { kind: text, name?: text, options: object }, received kind ${describe(kind)}, name ${describe(name)}, options ${describe(options)}`,
    { expected: '{ kind, name?, options }', received: description });
}

/** Layers as given, descriptions made into layers: for layers that hold others. */
export function asLayer(owner: string, candidate: unknown): Layer {
  if (isLayer(candidate)) return candidate;
  if (typeof candidate === 'object' && candidate !== null && 'kind' in candidate) return layerFromDescription(candidate);
  throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected a layer, received ${describe(candidate)}; layers are made by factories such as lstm({ units: 64 })`,
    { expected: 'layer', received: candidate });
}

export function isLayer(candidate: unknown): candidate is Layer {
  return typeof candidate === 'object' && candidate !== null && 'kind' in candidate && 'build' in candidate && typeof candidate.build === 'function';
}
