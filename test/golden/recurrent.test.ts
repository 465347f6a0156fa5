import { gru, lstm, rnn } from '../../lib/layers/index.ts';
import type { Layer } from '../../lib/layers/layer.ts';
import { runLayer, statePath } from '../support/layers.ts';
import { testedTolerance } from '../support/runtime.ts';
import { assertClose, part, readGolden, restore, restoreAll, stackParts } from '../support/tensors.ts';
import type { Numbers, StoredNumbers } from '../support/tensors.ts';

type Stored = Readonly<Record<string, StoredNumbers>>;

interface RecurrentCase {
  readonly name: string;
  readonly kind: 'rnn_tanh' | 'rnn_relu' | 'lstm' | 'gru' | 'lstm_projection';
  readonly layers: number;
  readonly bidirectional: boolean;
  readonly units: number;
  readonly projection?: number;
  readonly lengths: readonly number[] | null;
  readonly weights: Stored;
  readonly input: StoredNumbers;
  readonly state: Stored | null;
  readonly upstream: Stored;
  readonly output: StoredNumbers;
  readonly final: Stored;
  readonly gradients: { readonly weights: Stored; readonly input: StoredNumbers; readonly state: Stored | null };
}

function layerOf({ kind, units, projection, layers, bidirectional }: RecurrentCase): Layer {
  const options = { units, layers, direction: bidirectional ? 'bidirectional' : 'forward', bias: 'double' } as const;
  switch (kind) {
    case 'lstm': return lstm(options);
    case 'lstm_projection': return lstm({ ...options, projection });
    case 'gru': return gru({ ...options, reset: 'after' });
    case 'rnn_relu': return rnn({ ...options, activation: 'relu' });
    case 'rnn_tanh': return rnn({ ...options, activation: 'tanh' });
  }
}

/** PyTorch stacks states as [layer 0, layer 0 reverse, layer 1, …]; here each has its path. */
function statePaths({ layers, bidirectional }: RecurrentCase, name: string): string[] {
  const directions = bidirectional ? ['forward', 'backward'] as const : [undefined];
  return Array.from({ length: layers }, (_, index) => index).flatMap((index) => (
    directions.map((direction) => statePath(name, { layer: layers > 1 ? index : undefined, direction }))));
}

function unstacked(source: RecurrentCase, stored: Stored | null): Record<string, Numbers> {
  return Object.fromEntries(Object.entries(stored ?? {}).filter(([name]) => name !== 'output').flatMap(([name, value]) => (
    statePaths(source, name).map((path, i) => [path, part(restore(value), i)] as const))));
}

function stacked(source: RecurrentCase, name: string, byPath: Readonly<Record<string, Numbers>>): Numbers {
  return stackParts(statePaths(source, name).map((path) => byPath[path]!));
}

function check(source: RecurrentCase): void {
  const tolerance = testedTolerance();
  const result = runLayer({
    layer: layerOf(source),
    input: restore(source.input),
    lengths: source.lengths ?? undefined,
    weights: restoreAll(source.weights),
    state: unstacked(source, source.state),
    upstream: { output: restore(source.upstream.output!), final: unstacked(source, source.upstream) },
  });
  assertClose(result.output, restore(source.output), tolerance, 'output');
  for (const [name, expected] of Object.entries(source.final)) assertClose(stacked(source, name, result.final), restore(expected), tolerance, `final ${name}`);
  const gradients = result.gradients!;
  assertClose(gradients.input, restore(source.gradients.input), tolerance, 'gradient of the input');
  for (const [name, expected] of Object.entries(source.gradients.weights)) {
    assertClose(gradients.weights[name]!, restore(expected), tolerance, `gradient of ${name}`);
  }
  for (const [name, expected] of Object.entries(source.gradients.state ?? {})) {
    assertClose(stacked(source, name, gradients.state), restore(expected), tolerance, `gradient of the initial ${name}`);
  }
}

/** Numbers of the lecture notes' checklist. */
const rows: Readonly<Record<string, string>> = { lstm: '[57] [58] LSTM2: ', gru: '[70] the reset after the product: ' };

describe('golden values: recurrent layers against PyTorch', () => {
  for (const kind of ['rnn_tanh', 'rnn_relu', 'lstm', 'gru', 'lstm_projection']) {
    const { made, cases } = readGolden<{ made: { torch: string }; cases: RecurrentCase[] }>(kind);
    describe(`PyTorch ${made.torch}`, () => {
      for (const source of cases) it(`${rows[kind] ?? ''}${source.name}`, () => check(source));
    });
  }
});
