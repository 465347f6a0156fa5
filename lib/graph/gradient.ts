import { BpttError, checkOptions } from '../errors.ts';
import { formatValue, requireType, requireValue } from './checks.ts';
import { operationNamed, withScope } from './operation.ts';
import { add } from './operations/arithmetic.ts';
import { constant, zeros } from './operations/leaves.ts';
import { scanGradient } from './scan-gradient.ts';
import { createSubstitution, topologicalOrder } from './traverse.ts';
import { sameShape, type Node, type Value } from './value.ts';

export interface GradientResult {
  /** One for each value of `wrt`, of its shape; zeros where the loss does not depend on it. */
  readonly gradients: Value[];
  /**
   * The equivalent of any value of the forward graph in which scans also keep what their gradients need. Whatever runs together with the gradients
   * (the loss, predictions, final states) must be rewritten, or its scans run twice.
   */
  readonly rewrite: (value: Value) => Value;
}

/** What a walk backwards found. */
export interface Adjoints {
  /** The gradient of every value that was reached; no entry where nothing flows. */
  readonly of: ReadonlyMap<Value, Value>;
  /** Outputs of the scans that were passed → outputs of the scans that took their place. */
  readonly replacements: ReadonlyMap<Value, Value>;
}

/** The values of float32 on the ways from `targets` to the end of `order`. */
function valuesOnTheWay(order: readonly Node[], targets: readonly Value[]): Set<Value> {
  const reached = new Set(targets);
  for (const node of order) {
    if (!node.inputs.some((value) => reached.has(value))) continue;
    for (const value of node.outputs) if (value.type === 'float32') reached.add(value);
  }
  return reached;
}

function inputGradients(node: Node, upstream: readonly (Value | undefined)[], needed: readonly boolean[], replacements: Map<Value, Value>): readonly (Value | undefined)[] {
  if (node.operation === 'scan') {
    const { gradients, rebuilt } = scanGradient(node, upstream, needed);
    node.outputs.forEach((value, i) => replacements.set(value, rebuilt[i]!));
    return gradients;
  }
  const operation = operationNamed(node.operation);
  if (operation.gradient) return operation.gradient(node, upstream);
  if (!node.inputs.some((value) => value.type === 'float32')) return [];
  throw new BpttError('ERR_BPTT_GRAPH', `operation "${node.operation}" has no gradient; stop it before with stopGradient()`, { expected: 'a differentiable operation', received: node.operation });
}

/** Walks backwards from `seeds` (value → its upstream gradient) to `targets`. */
export function backpropagate(seeds: ReadonlyMap<Value, Value>, targets: readonly Value[]): Adjoints {
  const order = topologicalOrder([...seeds.keys()]);
  const onTheWay = valuesOnTheWay(order, targets);
  const adjoints = new Map(seeds);
  const replacements = new Map<Value, Value>();
  for (const node of order.reverse()) {
    const needed = node.inputs.map((value) => value.type === 'float32' && onTheWay.has(value));
    const upstream = node.outputs.map((value) => adjoints.get(value));
    if (!needed.includes(true) || upstream.every((value) => value === undefined)) continue;
    const build = (): readonly (Value | undefined)[] => inputGradients(node, upstream, needed, replacements);
    const contributions = node.scope === '' ? build() : withScope(node.scope, build);
    contributions.forEach((contribution, i) => {
      if (contribution && needed[i]) accumulate(adjoints, node.inputs[i]!, contribution);
    });
  }
  return { of: adjoints, replacements };
}

/** Adds to the gradient that a value has so far. */
export function accumulate(adjoints: Map<Value, Value>, value: Value, contribution: Value): void {
  const known = adjoints.get(value);
  adjoints.set(value, known ? add(known, contribution) : contribution);
}

function checkedUpstream(loss: Value, upstream: Value | undefined): Value {
  if (upstream) {
    requireValue('gradient', 'the upstream gradient', upstream);
    if (sameShape(upstream.shape, loss.shape) && upstream.type === 'float32') return upstream;
    throw new BpttError('ERR_BPTT_SHAPE', `gradient: expected an upstream gradient like the loss, ${formatValue(loss)}, received ${formatValue(upstream)}`,
      { expected: loss.shape, received: upstream.shape });
  }
  if (loss.shape.length === 0) return constant(1);
  throw new BpttError('ERR_BPTT_SHAPE', `gradient: expected a scalar loss, received ${formatValue(loss)}; take its sum or mean, or give an upstream gradient`, { expected: [], received: loss.shape });
}

/**
 * The gradients of a loss with respect to any values of float32 that it may depend on: parameters, inputs, initial states, results in between.
 * They are more graph, so they can be differentiated again. Through a scan they are a scan in the other direction.
 * @throws ERR_BPTT_SHAPE for a loss that is not a scalar when no `upstream` of its shape is given, ERR_BPTT_TYPE for values that are not float32,
 * ERR_BPTT_GRAPH when the way leads through an operation without a gradient.
 */
export function gradient(loss: Value, wrt: readonly Value[], options: { readonly upstream?: Value | undefined } = {}): GradientResult {
  checkOptions('gradient', options, ['upstream']);
  requireValue('gradient', 'the loss', loss);
  requireType('gradient', 'a loss', loss, ['float32']);
  for (const [i, value] of wrt.entries()) {
    requireValue('gradient', `value ${i + 1} to differentiate by`, value);
    requireType('gradient', `value ${i + 1} to differentiate by`, value, ['float32']);
  }
  const { of: adjoints, replacements } = backpropagate(new Map([[loss, checkedUpstream(loss, options.upstream)]]), wrt);
  const rewrite = createSubstitution(replacements, true);
  return { gradients: wrt.map((value) => rewrite(adjoints.get(value) ?? zeros(value.shape))), rewrite };
}
