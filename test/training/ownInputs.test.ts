import assert from 'node:assert/strict';
import type { Batch } from '../../lib/data/batch.ts';
import { dense, embedding, gru, scheduledSampling } from '../../lib/layers/index.ts';
import type { Layer, ScheduledSamplingOptions } from '../../lib/layers/index.ts';
import { crossEntropy, squaredError } from '../../lib/losses/index.ts';
import { sequential } from '../../lib/model/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { sgd } from '../../lib/optimizers/index.ts';
import { gradients, Trainer } from '../../lib/training/index.ts';
import type { StepResult, TrainerOptions } from '../../lib/training/index.ts';
import { assertNear, someSequences, someTokens, weightsOf } from '../support/models.ts';

const vocabulary = 5;
const features = (truthShare: number): Model => sequential([scheduledSampling({ layers: [gru({ units: 3 }), dense({ units: 2 })], truthShare })], { input: { features: 2 }, seed: 4 });
const tokens = (options: Omit<ScheduledSamplingOptions, 'layers'>): Model => {
  const layers: Layer[] = [embedding({ size: 3 }), gru({ units: 4 }), dense({ units: vocabulary })];
  return sequential([scheduledSampling({ layers, ...options })], { input: { tokens: vocabulary }, seed: 4 });
};

const sequences = (lengths: readonly number[], seed = 1): Batch => ({ input: someSequences(lengths, 2, seed), target: someSequences(lengths, 2, seed + 30) });
const texts = (lengths: readonly number[]): Batch => ({ input: lengths.map((length, i) => someTokens(length, vocabulary, i + 1)), target: lengths.map((length, i) => someTokens(length, vocabulary, i + 9)) });

/** A trainer whose updates are too small to be seen. */
function still(made: Model, options: Partial<TrainerOptions> = {}): Trainer {
  return new Trainer(made, { loss: squaredError(), optimizer: sgd({ learningRate: 1e-12 }), ...options });
}

/** Steps `from` … `to − 1` of every row. */
const part = ({ input, target }: Batch, from: number, to: number): Batch => (
  { input: (input as number[][][]).map((row) => row.slice(from, to)), target: (target as number[][][]).map((row) => row.slice(from, to)) });

describe('training: what scheduled sampling remembers', function () {
  this.timeout(20_000);

  it('goes from segment to segment: loss, norm and weights are those of training without recomputation', async () => {
    const cases: [string, () => Model, readonly Batch[], Partial<TrainerOptions>][] = [];
    for (const share of [0, 0.5]) {
      cases.push([`features, share ${share}`, () => features(share), [sequences([8, 8]), sequences([11, 2, 7, 1])], {}]);
      cases.push([`features going on, share ${share}`, () => features(share), [sequences([8, 8]), { ...sequences([8, 8], 3), fresh: [0, 1] }], { carryState: true }]);
      for (const own of ['draw', 'likeliest'] as const) cases.push([`tokens, ${own}, share ${share}`, () => tokens({ truthShare: share, own }), [texts([8, 8]), texts([11, 2, 7, 1])], { loss: crossEntropy() }]);
    }
    for (const [name, build, batches, options] of cases) {
      const train = async (recomputation: TrainerOptions['recomputation']): Promise<{ results: StepResult[]; weights: ReturnType<typeof weightsOf>; carried: readonly string[] }> => {
        const made = build();
        const trainer = new Trainer(made, { loss: squaredError(), optimizer: sgd({ learningRate: 0.5 }), seed: 3, ...options, recomputation });
        const results: StepResult[] = [];
        for (const batch of batches) results.push(await trainer.step(batch));
        return { results, weights: weightsOf(made), carried: Object.keys(trainer.state().tensors) };
      };
      const plain = await train(undefined);
      for (const segment of [1, 3, 4]) {
        const again = await train({ segment });
        again.results.forEach((result, i) => assertNear([result.loss, result.gradientNorm], [plain.results[i]!.loss, plain.results[i]!.gradientNorm], `${name}, segments of ${segment}, step ${i}`));
        for (const [weight, numbers] of Object.entries(plain.weights)) assertNear(again.weights[weight]!, numbers, `${name}, segments of ${segment}, ${weight}`);
        assert.deepEqual(again.carried, plain.carried);
      }
    }
  });

  it('goes from chunk to chunk of truncation, and only rows that begin anew read their target', async () => {
    for (const lengths of [[8, 8], [9, 3, 7, 1]]) {
      const batch = sequences(lengths);
      const { loss } = await still(features(0)).step(batch);
      for (const truncation of [{ update: 2 }, { update: 3, gradient: 5 }, { update: 4, gradient: 2 }]) {
        const cut = await still(features(0), { truncation }).step(batch);
        assert.ok(cut.updates > 1);
        assertNear([cut.loss], [loss], JSON.stringify(truncation));
      }
    }
  });

  it('goes from batch to batch where states are carried, and on from a saved trainer', async () => {
    const whole = sequences([10, 10]);
    const [one, other] = [part(whole, 0, 4), part(whole, 4, 10)];
    const { loss } = await still(features(0)).step(whole);
    const carrying = still(features(0), { carryState: true });
    const first = await carrying.step(one);
    const saved = carrying.state();
    const second = await carrying.step(other);
    assertNear([first.loss * 0.4 + second.loss * 0.6], [loss], 'two batches');
    const anew = await carrying.step({ ...other, fresh: [1, 1] });
    const alone = await still(features(0)).step(other);
    assertNear([anew.loss], [alone.loss], 'fresh rows');
    assert.ok(Math.abs(anew.loss - second.loss) > 1e-3);
    const restored = still(features(0), { carryState: true });
    restored.restore(saved);
    assertNear([(await restored.step(other)).loss], [second.loss], 'restored');
  });

  it('is no state of the model outside of training', async () => {
    const made = features(0.5);
    const states = ['scheduledSampling/gru/h'];
    assert.deepEqual(made.states.map(({ name }) => name), states);
    const batch = sequences([5, 5]);
    const { state } = await made.predict(someSequences([5, 5], 2));
    assert.deepEqual(Object.keys(state), states);
    const stream = made.stream();
    stream.step([0.1, 0.2]);
    assert.deepEqual(Object.keys(stream.state), states);
    stream.state = { 'scheduledSampling/gru/h': [[1, 2, 3]] };
    const found = await gradients(made, batch, { loss: squaredError(), training: true, state: { 'scheduledSampling/gru/h': [[1, 0, 0], [0, 1, 0]] } });
    assert.deepEqual(Object.keys(found.states), states);
  });
});
