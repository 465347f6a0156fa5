import { BpttError, checkOptions, describe } from '../errors.ts';
import { defineLayer, layerLabel, onlyInput, type LayerOptions } from './define.ts';
import type { Layer, Signal } from './layer.ts';
import { asLayer, describeLayer, registerLayer, type LayerDescription } from './registry.ts';

export interface StackOptions extends LayerOptions {
  /** From the input to the output. */
  readonly layers: readonly (Layer | LayerDescription)[];
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

/**
 * Layers one after the other as one layer.
 * @throws ERR_BPTT_OPTION for an empty list or a name that two of them have; ERR_BPTT_TYPE for something that is no layer.
 */
export function stack(options: StackOptions): Layer {
  checkOptions('stack', options, ['name', 'layers']);
  if (!Array.isArray(options.layers) || options.layers.length === 0) {
    throw new BpttError('ERR_BPTT_OPTION', `stack: expected layers to be a list of at least one layer, received ${describe(options.layers)}`, { received: options.layers });
  }
  const layers = options.layers.map((layer, i) => asLayer(`stack: layers[${i}]`, layer));
  const names = childNames(layers);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new BpttError('ERR_BPTT_OPTION', `stack: expected layers of different names, received two called "${twice}"`, { received: twice });
  return defineLayer('stack', { ...options, layers: layers.map(describeLayer) }, (scope, ...inputs) => (
    layers.reduce<Signal>((signal, layer, i) => layer.build(scope.child(names[i]!), signal), onlyInput(layerLabel('stack', scope), inputs))));
}

registerLayer('stack', stack);
