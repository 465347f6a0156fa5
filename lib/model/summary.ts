import type { Signal } from '../layers/layer.ts';
import type { ModelDefinition } from './definition.ts';
import type { Parameter } from './parameters.ts';
import type { Unfolding } from './unfold.ts';

/** One line of a model's description. */
export interface LayerSummary {
  readonly name: string;
  /** Kind of the layer, or "tokens" or "features" for an input. */
  readonly kind: string;
  /** Sizes of the output; "N" is the batch and "T" the steps. */
  readonly outputShape: readonly (number | string)[];
  readonly parameters: number;
  readonly reads: readonly string[];
}

/** A model as data. */
export interface ModelDescription {
  readonly name: string | null;
  readonly layers: readonly LayerSummary[];
  readonly parameters: number;
  /** The graph over time, where it was asked for. */
  readonly unfolded?: Unfolding | undefined;
}

/** ["N", "T", 64] */
export function symbolicShape({ value, time }: Signal): (number | string)[] {
  return time ? ['N', 'T', ...value.shape.slice(2)] : ['N', ...value.shape.slice(1)];
}

export function describeModel(definition: ModelDefinition, signals: ReadonlyMap<string, Signal>, parameters: readonly Parameter[]): ModelDescription {
  const count = (layer: string): number => parameters.filter(({ name }) => name.startsWith(`${layer}/`)).reduce((sum, parameter) => sum + parameter.count, 0);
  const entries = [
    ...definition.inputs.map(({ name, tokens }) => ({ name, kind: tokens === null ? 'features' : 'tokens', reads: [] as readonly string[] })),
    ...definition.layers.map(({ name, kind, inputs }) => ({ name, kind, reads: inputs })),
  ];
  const layers = entries.map(({ name, kind, reads }) => ({ name, kind, outputShape: symbolicShape(signals.get(name)!), parameters: count(name), reads }));
  return { name: definition.name, layers, parameters: layers.reduce((sum, layer) => sum + layer.parameters, 0) };
}

const thousands = (count: number): string => count.toLocaleString('en-US');

/** The description as a table of text. The column of what each layer reads is there only where it is not the line above. */
export function formatSummary({ name, layers, parameters }: ModelDescription): string {
  const chain = layers.every(({ reads }, i) => (i === 0 ? reads.length === 0 : reads.length === 1 && reads[0] === layers[i - 1]!.name));
  const heading = ['Layer (kind)', 'Output shape', 'Parameters', ...(chain ? [] : ['Reads'])];
  const lines = layers.map((layer) => [
    layer.name === layer.kind ? layer.name : `${layer.name} (${layer.kind})`, `[${layer.outputShape.join(', ')}]`, thousands(layer.parameters), ...(chain ? [] : [layer.reads.join(', ')]),
  ]);
  const widths = heading.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]!.length)));
  const row = (cells: readonly string[]): string => cells.map((cell, column) => (column === 2 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ').trimEnd();
  const rule = '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  const title = name === null ? [] : [`Model "${name}"`];
  return [...title, row(heading), rule, ...lines.map(row), rule, `Total parameters: ${thousands(parameters)}`].join('\n');
}
