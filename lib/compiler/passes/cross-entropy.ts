import { apply, createSubstitution, topologicalOrder } from '../../graph/index.ts';
import type { Node, Value } from '../../graph/index.ts';

/** The cross-entropy whose gradient a node computes. */
function lossOf({ inputs: [logits, logNormalizer, targets] }: Node): Node | undefined {
  const { node, index } = logNormalizer!;
  return node.operation === 'softmaxCrossEntropy' && index === 1 && node.inputs[0] === logits && node.inputs[1] === targets ? node : undefined;
}

/**
 * Cross-entropies joined with their gradients, where what flows back does not depend on the loss: the logits, which may be the largest values of a program, are then gone
 * through once.
 */
export function joinCrossEntropy(values: readonly Value[]): Value[] {
  const mapping = new Map<Value, Value>();
  for (const node of topologicalOrder(values)) {
    const loss = node.operation === 'softmaxCrossEntropyGradient' ? lossOf(node) : undefined;
    const upstream = node.inputs[3];
    if (!loss || mapping.has(loss.outputs[0]!) || topologicalOrder([upstream!]).includes(loss)) continue;
    const both = apply('softmaxCrossEntropyBoth', [...loss.inputs, upstream!], {}, loss.scope);
    [...loss.outputs, node.outputs[0]!].forEach((value, i) => mapping.set(value, both[i]!));
  }
  return mapping.size === 0 ? [...values] : values.map(createSubstitution(mapping, true));
}
