import assert from 'node:assert/strict';
import fc from 'fast-check';
import { crossEntropy, dense, embedding, gru, lstm, referenceRuntime, rnn, sequential, sgd, squaredError, Trainer } from '../../lib/index.ts';
import type { Layer, Model, Runtime } from '../../lib/index.ts';
import { createNativeRuntime, loadNative } from '../../lib/runtime/index.ts';
import { smallPacking, smallSpans } from './support.ts';
import { relativeError } from '../support/tensors.ts';

/** One recurrent layer of a random model. */
interface Recurrence {
  readonly kind: 'rnn' | 'lstm' | 'gru before' | 'gru after';
  readonly units: number;
  readonly layers: number;
  readonly skip: 'residual' | 'highway' | undefined;
  readonly direction: 'forward' | 'backward' | 'bidirectional';
  readonly merge: 'concat' | 'sum' | 'average' | 'product';
  readonly bias: 'single' | 'double' | false;
  readonly initialState: 'zero' | 'learned';
  readonly dropout: number;
  readonly variational: boolean;
}

interface Plan {
  readonly recurrences: readonly Recurrence[];
  readonly tokens: boolean;
  readonly last: boolean;
  readonly activation: 'linear' | 'tanh' | 'relu';
  readonly features: number;
  readonly outputs: number;
  readonly lengths: readonly number[];
  readonly ragged: boolean;
  readonly reduction: 'mean' | 'sum' | 'meanPerSequence';
  readonly truncation: { readonly update: number; readonly gradient: number } | undefined;
  readonly seed: number;
}

/** Sizes about the widths of vectors and tiles. */
const size = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom(7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 65));

const recurrence: fc.Arbitrary<Recurrence> = fc.record({
  kind: fc.constantFrom<Recurrence['kind']>('rnn', 'lstm', 'gru before', 'gru after'),
  units: size,
  layers: fc.constantFrom(1, 1, 2),
  skip: fc.constantFrom<Recurrence['skip']>(undefined, 'residual', 'highway'),
  direction: fc.constantFrom<Recurrence['direction']>('forward', 'forward', 'backward', 'bidirectional'),
  merge: fc.constantFrom<Recurrence['merge']>('concat', 'sum', 'average', 'product'),
  bias: fc.constantFrom<Recurrence['bias']>('single', 'double', false),
  initialState: fc.constantFrom<Recurrence['initialState']>('zero', 'learned'),
  dropout: fc.constantFrom(0, 0, 0.3),
  variational: fc.boolean(),
});

const plan: fc.Arbitrary<Plan> = fc.record({
  recurrences: fc.array(recurrence, { minLength: 1, maxLength: 2 }),
  tokens: fc.boolean(),
  last: fc.boolean(),
  activation: fc.constantFrom<Plan['activation']>('linear', 'tanh', 'relu'),
  features: size,
  outputs: size,
  lengths: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 20 }),
  ragged: fc.boolean(),
  reduction: fc.constantFrom<Plan['reduction']>('mean', 'sum', 'meanPerSequence'),
  truncation: fc.option(fc.record({ update: fc.integer({ min: 1, max: 4 }), gradient: fc.integer({ min: 1, max: 6 }) }), { nil: undefined }),
  seed: fc.nat({ max: 1000 }),
});

function layerOf({ kind, merge, direction, dropout, variational, skip, ...rest }: Recurrence, output: 'sequence' | 'last'): Layer {
  const skips = rest.layers > 1 && (direction !== 'bidirectional' || output === 'sequence');
  const options = { ...rest, direction, ...(skips ? { skip } : {}), output, dropout: { input: dropout, output: dropout, recurrent: dropout, recurrentWeight: dropout, zoneout: dropout / 2, variational: variational && dropout > 0 },
    ...(direction === 'bidirectional' ? { merge } : {}) };
  if (kind === 'rnn') return rnn(options);
  return kind === 'lstm' ? lstm(options) : gru({ ...options, reset: kind === 'gru before' ? 'before' : 'after' });
}

function modelOf({ recurrences, tokens, last, activation, features, outputs, seed }: Plan, runtime: Runtime): Model {
  const layers = recurrences.map((each, i) => layerOf(each, last && i === recurrences.length - 1 ? 'last' : 'sequence'));
  return sequential([...(tokens ? [embedding({ size: features })] : []), ...layers, dense({ units: outputs, activation })],
    { input: tokens ? { tokens: 7 } : { features }, seed, runtime });
}

/** Sequences and targets that follow from the plan alone. */
function batchOf({ tokens, last, features, outputs, lengths, ragged, seed }: Plan): { input: unknown[]; target: unknown[] } {
  let state = seed + 1;
  const next = (): number => { state = (state * 48271) % 2147483647; return state / 2147483647; };
  const steps = ragged ? lengths : lengths.map(() => lengths[0]!);
  const some = <Item>(count: number, make: () => Item): Item[] => Array.from({ length: count }, make);
  const step = (): unknown => (tokens ? Math.floor(next() * 7) : some(features, () => 2 * next() - 1));
  const goal = (): unknown => (tokens ? Math.floor(next() * outputs) : some(outputs, () => 2 * next() - 1));
  return { input: steps.map((count) => some(count, step)), target: steps.map((count) => (last ? goal() : some(count, goal))) };
}

interface Run {
  readonly losses: number[];
  readonly norms: number[];
  readonly predicted: Float64Array;
  readonly weights: { readonly name: string; readonly values: Float64Array }[];
}

async function run(chosen: Plan, runtime: Runtime): Promise<Run> {
  const model = modelOf(chosen, runtime);
  const batch = batchOf(chosen) as never as { input: number[][]; target: number[][] };
  const forward = chosen.recurrences.every(({ direction }) => direction === 'forward');
  const whole = chosen.truncation && { ...chosen.truncation, update: Math.max(...chosen.lengths) };
  const truncation = chosen.last ? {} : { truncation: forward ? chosen.truncation : whole };
  const trainer = new Trainer(model, {
    loss: chosen.tokens ? crossEntropy() : squaredError(), optimizer: sgd({ learningRate: 0.01, momentum: 0.5 }), clip: { globalNorm: 1 }, reduction: chosen.reduction, seed: chosen.seed,
    ...truncation, l2: { recurrent: 1e-3 },
  });
  const { output } = await model.predict(batch.input);
  const results = [await trainer.step(batch), await trainer.step(batch)];
  return {
    losses: results.map(({ loss }) => loss), norms: results.map(({ gradientNorm }) => gradientNorm), predicted: Float64Array.from(output.data),
    weights: model.parameters.map(({ name, view }) => ({ name, values: Float64Array.from(view) })),
  };
}

/** Of float32 against float64 over some dozens of operations and two updates. */
const tolerance = 1e-4;

describe('differential: random models, native against the reference', function () {
  this.timeout(600_000);
  const native = loadNative();
  if (!('module' in native)) {
    it('skipped: no native build loads');
    return;
  }
  const engine = createNativeRuntime(native.module);
  const withSpans: Runtime = { ...engine, compile: (graph, options) => engine.compile(graph, { ...options, spans: smallSpans }) };
  const withPacking: Runtime = { ...engine, compile: (graph, options) => engine.compile(graph, { ...options, ...smallPacking }) };

  it('predict and train alike', async () => {
    await fc.assert(fc.asyncProperty(plan, async (chosen) => {
      const expected = await run(chosen, referenceRuntime);
      const close = (one: ArrayLike<number>, other: ArrayLike<number>, what: string): void => {
        const error = relativeError(one, other, 1e-3);
        assert.ok(error <= tolerance, `${what}: relative error ${error}`);
      };
      for (const actual of [await run(chosen, engine), await run(chosen, withSpans), await run(chosen, withPacking)]) {
        close(actual.predicted, expected.predicted, 'prediction');
        close(actual.losses, expected.losses, 'losses');
        close(actual.norms, expected.norms, 'gradient norms');
        expected.weights.forEach(({ name, values }, i) => close(actual.weights[i]!.values, values, name));
      }
    }), { numRuns: Number(process.env.BPTT_RANDOM_RUNS ?? 30), seed: Number(process.env.BPTT_RANDOM_SEED ?? 31) });
  });
});
