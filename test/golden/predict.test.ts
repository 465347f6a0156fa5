import { gru, lstm, rnn } from '../../lib/layers/index.ts';
import { sequential } from '../../lib/model/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { statePath } from '../support/layers.ts';
import { testedTolerance } from '../support/runtime.ts';
import { assertClose, part, readGolden, restore, restoreAll } from '../support/tensors.ts';
import type { Numbers, StoredNumbers } from '../support/tensors.ts';
import { loadWeights } from '../support/weights.ts';

type Stored = Readonly<Record<string, StoredNumbers>>;

interface RecurrentCase {
  readonly name: string;
  readonly kind: 'rnn_tanh' | 'rnn_relu' | 'lstm' | 'gru';
  readonly layers: number;
  readonly bidirectional: boolean;
  readonly units: number;
  readonly lengths: readonly number[] | null;
  readonly weights: Stored;
  readonly input: StoredNumbers;
  readonly state: Stored | null;
  readonly output: StoredNumbers;
  readonly final: Stored;
}

/** The layer's own path is its name here. */
const name = 'tested';

function modelOf({ kind, units, layers, bidirectional, input, weights }: RecurrentCase): Model {
  const options = { name, units, layers, direction: bidirectional ? 'bidirectional' : 'forward', bias: 'double' } as const;
  const layer = kind === 'lstm' ? lstm(options) : kind === 'gru' ? gru(options) : rnn({ ...options, activation: kind === 'rnn_relu' ? 'relu' : 'tanh' });
  const model = sequential([layer], { input: { features: input.shape[2]! } });
  loadWeights(model, Object.fromEntries(Object.entries(restoreAll(weights)).map(([disk, value]) => [`${name}.${disk}`, value])));
  return model;
}

function byPath({ layers, bidirectional }: RecurrentCase, stored: Stored | null): Record<string, Numbers> {
  const directions = bidirectional ? ['forward', 'backward'] as const : [undefined];
  return Object.fromEntries(Object.entries(stored ?? {}).flatMap(([state, value]) => (
    Array.from({ length: layers * directions.length }, (_, i) => {
      const path = statePath(state, { layer: layers > 1 ? Math.floor(i / directions.length) : undefined, direction: directions[i % directions.length] });
      return [`${name}/${path}`, part(restore(value), i)] as const;
    }))));
}

async function check(source: RecurrentCase): Promise<void> {
  const model = modelOf(source);
  const lengths = source.lengths ? { lengths: source.lengths } : {};
  const { output, state } = await model.predict(restore(source.input), { state: byPath(source, source.state), ...lengths });
  const plain = (value: { readonly shape: readonly number[]; readonly data: ArrayLike<number> }): Numbers => ({ shape: value.shape, data: Float64Array.from(value.data) });
  assertClose(plain(output), restore(source.output), testedTolerance(), 'output');
  for (const [path, expected] of Object.entries(byPath(source, source.final))) assertClose(plain(state[path]!), expected, testedTolerance(), path);
}

describe('golden values: model.predict against PyTorch', () => {
  for (const kind of ['rnn_tanh', 'rnn_relu', 'lstm', 'gru']) {
    for (const source of readGolden<{ cases: RecurrentCase[] }>(kind).cases) it(source.name, () => check(source));
  }
});
