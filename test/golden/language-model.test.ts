import { dense, embedding, gru, lstm, oneHot } from '../../lib/layers/index.ts';
import { crossEntropy } from '../../lib/losses/index.ts';
import { sequential } from '../../lib/model/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { optimizerFromDescription } from '../../lib/optimizers/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { testedRuntime, testedTolerance } from '../support/runtime.ts';
import { assertClose, numbers, readGolden, restore, restoreAll } from '../support/tensors.ts';
import type { Numbers, StoredNumbers } from '../support/tensors.ts';
import { loadWeights, savedWeights } from '../support/weights.ts';

type Stored = Readonly<Record<string, StoredNumbers>>;

interface LanguageModelCase {
  readonly name: string;
  readonly kind: 'lstm' | 'gru';
  readonly tokens: number;
  /** Of the embedding; 0 for one-hot input. */
  readonly width: number;
  readonly units: number;
  readonly layers: number;
  readonly rows: number;
  readonly steps: number;
  readonly optimizer: { readonly kind: string; readonly options: Readonly<Record<string, number>> };
  readonly clip: { readonly globalNorm?: number; readonly value?: number };
  readonly start: Stored;
  /** [rows, steps · batches + 1]. */
  readonly stream: StoredNumbers;
  readonly losses: readonly number[];
  readonly norms: readonly number[];
  readonly end: Stored;
}

/** PyTorch divides by (norm + 1e-6) when it clips; here the bound is met exactly. */
const clippingDifference = 1e-6;
/** What ten updates make of float32's last bits where a moment is near zero. */
const driftOfFloats = 1e-4;

function modelOf({ kind, tokens, width, units, layers }: LanguageModelCase): Model {
  const recurrence = { name: 'recurrent', units, layers, bias: 'double' } as const;
  return sequential([
    width > 0 ? embedding({ name: 'embedding', size: width }) : oneHot({ depth: tokens }),
    kind === 'lstm' ? lstm(recurrence) : gru(recurrence),
    dense({ name: 'dense', units: tokens }),
  ], { input: { tokens } });
}

function piece(stream: Numbers, start: number, steps: number): { data: Int32Array; shape: number[] } {
  const [rows, width] = stream.shape as [number, number];
  const data = Int32Array.from({ length: rows * steps }, (_, i) => stream.data[Math.floor(i / steps) * width + start + (i % steps)]!);
  return { data, shape: [rows, steps] };
}

async function check(source: LanguageModelCase): Promise<void> {
  const { rows, steps } = source;
  const model = modelOf(source);
  loadWeights(model, restoreAll(source.start));
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: optimizerFromDescription(source.optimizer), clip: source.clip });
  const stream = restore(source.stream);
  const tolerance = Math.max(testedTolerance(), source.clip.globalNorm === undefined ? 0 : clippingDifference);
  for (let index = 0; index < source.losses.length; index++) {
    const { loss, gradientNorm } = await trainer.step({
      input: piece(stream, index * steps, steps), target: piece(stream, index * steps + 1, steps), fresh: new Array<boolean>(rows).fill(index === 0),
    });
    assertClose(numbers([], [loss]), numbers([], [source.losses[index]!]), tolerance, `loss of step ${index + 1}`);
    assertClose(numbers([], [gradientNorm]), numbers([], [source.norms[index]!]), 10 * tolerance, `gradient's norm at step ${index + 1}`);
  }
  const weights = savedWeights(model);
  const drift = testedRuntime().name === 'native' ? driftOfFloats : tolerance;
  for (const [name, expected] of Object.entries(source.end)) assertClose(weights[name]!, restore(expected), drift, `${name} after training`);
}

describe('golden values: training a character model against PyTorch', () => {
  for (const source of readGolden<{ cases: LanguageModelCase[] }>('language_model').cases) it(source.name, () => check(source));
});
