import { requireChoice } from '../checks.ts';
import { BpttError, checkOptions, formatShape } from '../errors.ts';
import { sameShape } from '../graph/index.ts';
import { readChain, traitsOf } from './chain.ts';
import { defineLayer, layerLabel, onlyInput, outerShape, requireFeatures } from './define.ts';
import type { Layer, Signal } from './layer.ts';
import { mergeNames, merges, type MergeName } from './merging.ts';
import { describeLayer, registerLayer } from './registry.ts';
import { commonEnd } from './shortcut.ts';
import type { StackOptions } from './stack.ts';

export interface ParallelOptions extends StackOptions {
  /** How the results become one; default "concat". */
  readonly merge?: MergeName | undefined;
}

function checkResults(label: string, merge: MergeName, names: readonly string[], results: readonly Signal[]): void {
  const compared = ({ value }: Signal): readonly number[] => (merge === 'concat' ? value.shape.slice(0, -1) : value.shape);
  const [first, ...others] = results as [Signal, ...Signal[]];
  for (const result of results) requireFeatures(label, result);
  const wrong = others.findIndex((other) => other.time !== first.time || !sameShape(compared(other), compared(first)));
  if (wrong < 0) return;
  const [a, b] = [outerShape(first), outerShape(others[wrong]!)];
  throw new BpttError('ERR_BPTT_SHAPE', `${label}: expected results that "${merge}" can join, received ${formatShape(a)} of "${names[0]!}" and ${formatShape(b)} of "${names[wrong + 1]!}"`, { expected: a, received: b });
}

/**
 * Layers side by side that all read the same input: parallel recursion, of which the two directions of a bidirectional network are the best known case. Each result
 * is also there by its layer's name for `namedOutput`.
 *
 * [N, T, C] → [N, T, H₁ + H₂ + …] ("concat") or [N, T, H]; without T where the layers give none.
 * @throws ERR_BPTT_OPTION for an empty list, a name that two layers have or an unknown merge; when built, ERR_BPTT_SHAPE when the results cannot be merged.
 */
export function parallel(options: ParallelOptions): Layer {
  checkOptions('parallel', options, ['name', 'layers', 'merge']);
  const merge = requireChoice('parallel', 'merge', options.merge ?? 'concat', mergeNames);
  const { layers, names, furtherInputs } = readChain('parallel', options.layers);
  if (furtherInputs > 0) throw new BpttError('ERR_BPTT_OPTION', 'parallel: expected layers that read one input each; connect() those that read more by themselves and join them by concatenate()', { received: furtherInputs });
  return defineLayer('parallel', { ...options, layers: layers.map(describeLayer) }, (scope, ...inputs) => {
    const label = layerLabel('parallel', scope);
    const signal = onlyInput(label, inputs);
    const results = layers.map((layer, i) => layer.build(scope.child(names[i]!), signal));
    checkResults(label, merge, names, results);
    const [first] = results as [Signal, ...Signal[]];
    const named = Object.fromEntries(results.map((result, i) => [names[i]!, result]));
    return { value: merges[merge](results.map(({ value }) => value)), time: first.time, lengths: first.lengths, end: commonEnd(results), named };
  }, traitsOf(layers));
}

registerLayer('parallel', parallel);
