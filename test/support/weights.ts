import type { Model } from '../../lib/model/index.ts';
import { permute } from './tensors.ts';
import type { Numbers } from './tensors.ts';

/** Writes every weight of a model from numbers under their names on disk, in the layout on disk. */
export function loadWeights(model: Model, weights: Readonly<Record<string, Numbers>>): void {
  const unused = new Set(Object.keys(weights));
  for (const { name, diskName, diskTransposed } of model.parameters) {
    const source = weights[diskName];
    if (!source) throw new Error(`no weights for ${diskName}; given: ${Object.keys(weights).join(', ')}`);
    unused.delete(diskName);
    const { shape, data } = diskTransposed ? permute(source, [...source.shape.keys()].slice(2).concat(1, 0)) : source;
    model.setParameter(name, { shape, data });
  }
  if (unused.size > 0) throw new Error(`the model has no parameter called ${[...unused].join(', ')}`);
}

/** Every weight of a model under its name on disk, in the layout on disk. */
export function savedWeights(model: Model): Record<string, Numbers> {
  return Object.fromEntries(model.parameters.map(({ diskName, diskTransposed, shape, view }) => {
    const value = { shape, data: Float64Array.from(view) };
    const axes = [...shape.keys()];
    return [diskName, diskTransposed ? permute(value, [...axes.slice(-2).reverse(), ...axes.slice(0, -2)]) : value];
  }));
}
