import { BpttError, checkOptions, formatShape } from '../errors.ts';
import { add as addValues, concat, multiply as multiplyValues, sameShape, type Value } from '../graph/index.ts';
import { defineLayer, layerLabel, outerShape, requireFeatures, type LayerOptions } from './define.ts';
import type { Layer, Signal } from './layer.ts';
import { registerLayer } from './registry.ts';

function sum(values: readonly Value[]): Value {
  return values.reduce((total, value) => addValues(total, value));
}

/** How several values of one shape become one. */
export const merges = {
  concat: (values: readonly Value[]) => concat(values, values[0]!.shape.length - 1),
  sum,
  average: (values: readonly Value[]) => multiplyValues(sum(values), 1 / values.length),
  product: (values: readonly Value[]) => values.reduce((total, value) => multiplyValues(total, value)),
} as const;

export type MergeName = keyof typeof merges;
export const mergeNames = Object.keys(merges) as readonly MergeName[];

function checkMergeable(label: string, inputs: readonly Signal[], merge: MergeName): void {
  if (inputs.length < 2) throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected two or more inputs, received ${inputs.length}`, { expected: 2, received: inputs.length });
  for (const input of inputs) requireFeatures(label, input);
  const [first, ...rest] = inputs as [Signal, ...Signal[]];
  const comparable = ({ value }: Signal): readonly number[] => (merge === 'concat' ? value.shape.slice(0, -1) : value.shape);
  for (const other of rest) {
    if (other.time === first.time && sameShape(comparable(other), comparable(first))) continue;
    throw new BpttError('ERR_BPTT_SHAPE', `${label}: expected inputs of one shape${merge === 'concat' ? ' but for the features' : ''}, received ${inputs.map((input) => formatShape(outerShape(input))).join(' and ')}`,
      { expected: outerShape(first), received: outerShape(other) });
  }
}

function mergeLayer(kind: string, merge: MergeName, options: LayerOptions): Layer {
  checkOptions(kind, options, ['name']);
  return defineLayer(kind, options, (scope, ...inputs) => {
    checkMergeable(layerLabel(kind, scope), inputs, merge);
    const lengths = inputs.find((input) => input.lengths)?.lengths;
    return { value: merges[merge](inputs.map((input) => input.value)), time: inputs[0]!.time, lengths };
  }, { stepwise: true });
}

/** The features of several inputs side by side: [N, T, C₁] and [N, T, C₂] … → [N, T, C₁ + C₂ + …], or without T. */
export function concatenate(options: LayerOptions = {}): Layer {
  return mergeLayer('concatenate', 'concat', options);
}

/** The sum of inputs of one shape: a residual connection, for instance. */
export function add(options: LayerOptions = {}): Layer {
  return mergeLayer('add', 'sum', options);
}

/** The elementwise product of inputs of one shape. */
export function multiply(options: LayerOptions = {}): Layer {
  return mergeLayer('multiply', 'product', options);
}

/** The mean of inputs of one shape. */
export function average(options: LayerOptions = {}): Layer {
  return mergeLayer('average', 'average', options);
}

registerLayer('concatenate', concatenate);
registerLayer('add', add);
registerLayer('multiply', multiply);
registerLayer('average', average);
