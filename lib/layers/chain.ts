import { BpttError, describe } from '../errors.ts';
import type { Layer, Scope, Signal } from './layer.ts';
import { asLayer, type LayerDescription } from './registry.ts';
import { childNames } from './stack.ts';

/** Layers one after the other with their names in a scope. */
export interface Chain {
  readonly layers: readonly Layer[];
  readonly names: readonly string[];
  /** How many inputs its layers take beside the first one, together. */
  readonly furtherInputs: number;
}

/** @throws ERR_BPTT_OPTION for an empty list or a name that two layers have; ERR_BPTT_TYPE for something that is no layer. */
export function readChain(owner: string, given: readonly (Layer | LayerDescription)[]): Chain {
  if (!Array.isArray(given) || given.length === 0) {
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected layers to be a list of at least one layer, received ${describe(given)}`, { received: given });
  }
  const layers = given.map((layer: Layer | LayerDescription, i) => asLayer(`${owner}: layers[${i}]`, layer));
  const names = childNames(layers);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected layers of different names, received two called "${twice}"`, { received: twice });
  return { layers, names, furtherInputs: layers.reduce((sum, { furtherInputs = 0 }) => sum + furtherInputs, 0) };
}

/**
 * Builds the layers one on top of the other, each in a scope of its own name; those that take further inputs get them in order.
 * @param enter what a layer gets of the signal before it; default the signal.
 * @throws ERR_BPTT_GRAPH when there are more or fewer inputs than the layers take.
 */
export function buildChain(label: string, { layers, names, furtherInputs }: Chain, scope: Scope, inputs: readonly Signal[], enter = (signal: Signal, _layer: Layer): Signal => signal): Signal {
  const [first, ...further] = inputs;
  if (!first || further.length !== furtherInputs) {
    throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected ${1 + furtherInputs} input${furtherInputs === 0 ? '' : 's'}, the first layer's and then what its layers read beside, received ${inputs.length}`,
      { expected: 1 + furtherInputs, received: inputs.length });
  }
  let taken = 0;
  return layers.reduce<Signal>((signal, layer, i) => {
    const own = further.slice(taken, taken + (layer.furtherInputs ?? 0));
    taken += own.length;
    return layer.build(scope.child(names[i]!), enter(signal, layer), ...own);
  }, first);
}

/** The layer's property for a chain in it. */
export function chainInputs(layer: Layer, { furtherInputs }: Chain): Layer {
  return furtherInputs === 0 ? layer : Object.freeze({ ...layer, furtherInputs });
}
