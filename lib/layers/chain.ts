import { BpttError, describe } from '../errors.ts';
import type { Direction, Layer, LayerTraits, Scope, Signal } from './layer.ts';
import { asLayer, type LayerDescription } from './registry.ts';

/** Layers one after the other with their names in a scope. */
export interface Chain {
  readonly layers: readonly Layer[];
  readonly names: readonly string[];
  /** How many inputs its layers take beside the first one, together. */
  readonly furtherInputs: number;
}

/** Scope names for layers side by side: their own, else kind, kind_1, … */
export function childNames(layers: readonly Layer[]): string[] {
  const counts = new Map<string, number>();
  const taken = new Set(layers.flatMap(({ name }) => name ?? []));
  return layers.map(({ kind, name }) => {
    if (name !== undefined) return name;
    for (;;) {
      const count = counts.get(kind) ?? 0;
      counts.set(kind, count + 1);
      const candidate = count === 0 ? kind : `${kind}_${count}`;
      if (!taken.has(candidate)) return candidate;
    }
  });
}

function inputsBeside(layers: readonly Layer[]): number {
  return layers.reduce((sum, { furtherInputs = 0 }) => sum + furtherInputs, 0);
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
  return { layers, names, furtherInputs: inputsBeside(layers) };
}

/**
 * Builds the layers one on top of the other, each in a scope of its own name; those that take further inputs get them in order. What one of them ended with keeps its end.
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
    const result = layer.build(scope.child(names[i]!), enter(signal, layer), ...own);
    return result.time || signal.end === undefined || result.end !== undefined ? result : { ...result, end: signal.end };
  }, first);
}

/** The direction that all recurrences of these layers have; absent where there is no recurrence. */
function commonDirection(layers: readonly Layer[]): Direction | undefined {
  const [first, ...others] = new Set(layers.flatMap(({ direction, recurrence }): Direction[] => (direction ? [direction] : recurrence ? ['forward'] : [])));
  return others.length === 0 ? first : 'bidirectional';
}

/** What a layer says of itself that runs these, one after the other or side by side. */
export function traitsOf(layers: readonly Layer[]): LayerTraits {
  const furtherInputs = inputsBeside(layers);
  return {
    ...(furtherInputs === 0 ? {} : { furtherInputs }),
    rowwise: layers.every(({ rowwise }) => rowwise),
    recurrence: layers.some(({ recurrence }) => recurrence),
    direction: commonDirection(layers),
    readsTokens: layers[0]!.readsTokens,
  };
}
