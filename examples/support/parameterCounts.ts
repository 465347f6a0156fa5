import type { Model } from '../../lib/index.ts';

/** How many numbers each layer of a model learns, by the layer's name, without those that learn nothing. */
export function parameterCounts(model: Model): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { name, count } of model.parameters) {
    const [layer] = name.split('/') as [string];
    counts[layer] = (counts[layer] ?? 0) + count;
  }
  return counts;
}
