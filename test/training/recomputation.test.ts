import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { bahdanauAttention, conv1d, dense, dropout, embedding, gru, lastStep, lstm, repeatVector, rnn, scheduledSampling, stack as stackOf, timeDistributed } from '../../lib/layers/index.ts';
import type { Layer, Scope, Signal } from '../../lib/layers/index.ts';
import { add, constant, expand, mean, multiply, random, scan, transpose } from '../../lib/graph/index.ts';
import { crossEntropy, squaredError } from '../../lib/losses/index.ts';
import { connect, input, model, sequential } from '../../lib/model/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { adam, sgd } from '../../lib/optimizers/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import type { StepResult, TrainerOptions } from '../../lib/training/index.ts';
import type { Batch } from '../../lib/data/batch.ts';
import { BpttError } from '../../lib/errors.ts';
import { lastLine, runChild } from '../support/child.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { assertNear, someSequences, someTokens, weightsOf } from '../support/models.ts';

interface Trained {
  readonly results: StepResult[];
  readonly weights: ReturnType<typeof weightsOf>;
  readonly trainer: Trainer;
}

async function trained(made: Model, batches: readonly Batch[], options: Partial<TrainerOptions>): Promise<Trained> {
  const trainer = new Trainer(made, { loss: squaredError(), optimizer: sgd({ learningRate: 0.5 }), ...options });
  const results: StepResult[] = [];
  for (const batch of batches) results.push(await trainer.step(batch));
  return { results, weights: weightsOf(made), trainer };
}

/** Trains twice, with and without recomputation, and compares all that comes out. */
async function assertSame(build: () => Model, batches: readonly Batch[], options: Partial<TrainerOptions>, segment?: number): Promise<void> {
  const plain = await trained(build(), batches, options);
  const again = await trained(build(), batches, { ...options, recomputation: segment === undefined ? true : { segment } });
  again.results.forEach((result, i) => {
    assertNear([result.loss, result.gradientNorm], [plain.results[i]!.loss, plain.results[i]!.gradientNorm], `loss and norm of step ${i}`);
    assert.deepEqual([result.steps, result.updates, result.learningRate], [plain.results[i]!.steps, 1, plain.results[i]!.learningRate]);
  });
  for (const [name, weights] of Object.entries(plain.weights)) assertNear(again.weights[name]!, weights, name);
  const before = plain.trainer.state();
  const after = again.trainer.state();
  assert.deepEqual(Object.keys(after.tensors), Object.keys(before.tensors));
  for (const [name, { data }] of Object.entries(before.tensors)) assertNear(after.tensors[name]!.data, data, name);
}

const stack = (...layers: Layer[]) => (): Model => sequential(layers, { input: { features: 2 }, seed: 4 });

function sequences(lengths: readonly number[], seed = 1): Batch {
  return { input: someSequences(lengths, 2, seed), target: someSequences(lengths, 2, seed + 30) };
}

describe('training: recomputation', function () {
  this.timeout(20_000);

  it('[32] changes parameters as training without it does: cells, segments that divide T and that do not, ragged rows', async () => {
    const layers: Layer[][] = [
      [lstm({ units: 3 }), dense({ units: 2 })],
      [gru({ units: 3, layers: 2, initialState: 'learned' }), dense({ units: 2 })],
      [rnn({ units: 4 }), dense({ units: 2 })],
      [conv1d({ filters: 3, kernel: 3, padding: 'causal' }), rnn({ units: 3 }), dense({ units: 2 })],
    ];
    for (const each of layers) {
      for (const segment of [1, 3, 4, undefined]) await assertSame(stack(...each), [sequences([8, 8])], {}, segment);
      await assertSame(stack(...each), [sequences([11, 2, 7, 1])], {}, 4);
    }
  });

  it('agrees for every reduction, for the last step alone, with weights, penalties, clipping and Adam', async () => {
    const build = stack(lstm({ units: 3 }), dense({ units: 2 }));
    for (const lengths of [[9, 9], [9, 4, 1]]) {
      const weighted = { ...sequences(lengths), weights: lengths.map((length) => Array.from({ length }, (_, step) => (step % 3) / 2)) };
      for (const reduction of ['mean', 'sum', 'meanPerSequence'] as const) {
        for (const lossOn of ['all', 'last'] as const) {
          await assertSame(build, [sequences(lengths)], { reduction, lossOn }, 4);
          await assertSame(build, [weighted], { reduction, lossOn, l2: { recurrent: 0.1 }, clip: { globalNorm: 0.1 } }, 4);
        }
      }
    }
    await assertSame(build, [sequences([9, 9]), sequences([9, 9], 5), sequences([6, 9], 8)], { optimizer: adam({ learningRate: 0.01 }) });
  });

  it('agrees for outputs without time, wherever a row ends', async () => {
    for (const lengths of [[10, 10], [10, 3, 5, 8]]) {
      const batch = { input: someSequences(lengths, 2), target: lengths.map((_, i) => [i / 4, -i]) };
      for (const layers of [[gru({ units: 3, output: 'last' }), dense({ units: 2 })], [lstm({ units: 3 }), lastStep(), dense({ units: 2 })]]) {
        await assertSame(stack(...layers), [batch, batch], {}, 4);
        await assertSame(stack(...layers), [{ ...batch, weights: lengths.map((_, i) => i) }], { reduction: 'sum' }, 3);
      }
    }
  });

  it('draws the same dropout masks as training without it, over time and variational', async () => {
    for (const variational of [false, true]) {
      const build = (): Model => sequential([embedding({ size: 3 }), lstm({ units: 4, layers: 2, dropout: { input: 0.4, recurrent: 0.3 } }), dropout({ rate: 0.5, variational }), dense({ units: 5 })],
        { input: { tokens: 5 }, seed: 2 });
      const batch = { input: [someTokens(9, 5), someTokens(9, 5, 2)], target: [someTokens(9, 5, 3), someTokens(9, 5, 4)] };
      await assertSame(build, [batch, batch], { loss: crossEntropy(), seed: 3 }, 4);
    }
  });

  it('draws the same numbers inside of loops that layers build, and where steps and rows are one dimension', async () => {
    const masked: [string, () => Layer][] = [
      ['rows of all steps', () => timeDistributed({ layer: stackOf({ layers: [dense({ units: 4 }), dropout({ rate: 0.5 })] }) })],
      ['a loop', () => scheduledSampling({ layers: [gru({ units: 2, dropout: { recurrent: 0.4, zoneout: 0.3 } }), dropout({ rate: 0.5 })], truthShare: 1 })],
      ['masks of the whole run in a loop', () => scheduledSampling({ layers: [gru({ units: 2, dropout: { recurrent: 0.4, variational: true } }), dropout({ rate: 0.5, variational: true })], truthShare: 1 })],
    ];
    for (const [name, layer] of masked) {
      const build = stack(layer(), dense({ units: 2 }));
      for (const segment of [1, 3, 4]) await assertSame(build, [sequences([8, 8])], { seed: 5 }, segment).catch((error: unknown) => assert.fail(`${name}, segments of ${segment}: ${String(error)}`));
      await assertSame(build, [sequences([11, 2, 7, 1])], { seed: 5 }, 4);
    }
  });

  it('draws the same numbers in a loop within a loop', async () => {
    const build = (): Model => {
      const [steps, looked] = [input({ name: 'steps', features: 2 }), input({ name: 'looked', features: 3, time: false })];
      const memory = connect(repeatVector({ steps: 3 }), looked);
      const attending = bahdanauAttention({ layer: gru({ units: 3, dropout: { recurrent: 0.5 } }) });
      return model({ inputs: [steps, looked], outputs: connect(scheduledSampling({ layers: [attending, dense({ units: 2 })], truthShare: 1 }), steps, memory), seed: 6 });
    };
    const batch = { input: { steps: someSequences([8, 8], 2), looked: [[1, 2, -1], [0, 0.5, 1]] }, target: someSequences([8, 8], 2, 9) };
    for (const segment of [1, 3, 4]) await assertSame(build, [batch], { seed: 2 }, segment);
  });

  it('refuses random numbers of which no part belongs to a part of the time axis', async () => {
    const rowFirst: Layer = Object.freeze({
      kind: 'rowFirst', options: {},
      build: (scope: Scope, ...[signal]: readonly Signal[]) => {
        const [steps, rows] = signal!.value.shape as [number, number];
        if (!scope.training) return signal!;
        const drawn = transpose(random(scope.randomKey(), [rows, steps], { distribution: 'uniform', stream: 0 }), [1, 0]);
        return { ...signal!, value: multiply(signal!.value, expand(drawn, [2])) };
      },
    });
    const trainer = new Trainer(stack(rowFirst, dense({ units: 2 }))(), { loss: squaredError(), optimizer: sgd(), recomputation: true });
    await assertRejects(() => trainer.step(sequences([9, 9])), 'ERR_BPTT_OPTION', /random numbers of the layer "rowFirst" to have time as their first dimension/);
  });

  it('carries states from batch to batch, fresh rows apart', async () => {
    const build = stack(gru({ units: 3, initialState: 'learned' }), dense({ units: 2 }));
    const batches = [sequences([8, 8]), { ...sequences([8, 8], 3), fresh: [0, 1] }, { ...sequences([8, 8], 5), fresh: [0, 0] }];
    await assertSame(build, batches, { carryState: true }, 3);
    await assertSame(build, [sequences([8, 8]), sequences([8, 8], 2)], { carryState: false }, 3);
  });

  it('a sequence of one segment is an ordinary step, to the bit', async () => {
    const build = stack(lstm({ units: 3 }), dense({ units: 2 }));
    const plain = await trained(build(), [sequences([6, 6])], {});
    const again = await trained(build(), [sequences([6, 6])], { recomputation: { segment: 6 } });
    assert.deepEqual(again.weights, plain.weights);
  });

  it('refuses what it cannot cut: backward layers, several inputs over time, truncation, odd options', () => {
    const options = { loss: squaredError(), optimizer: sgd() };
    const build = stack(lstm({ units: 3 }), dense({ units: 2 }));
    assertThrows(() => new Trainer(stack(rnn({ units: 2, direction: 'bidirectional' }), dense({ units: 2 }))(), { ...options, recomputation: true }), 'ERR_BPTT_OPTION', /needs layers of direction "forward", and the layer "rnn" reads steps ahead/);
    assertThrows(() => new Trainer(build(), { ...options, recomputation: true, truncation: { update: 3 } }), 'ERR_BPTT_OPTION', /without truncation/);
    assertThrows(() => new Trainer(build(), { ...options, recomputation: { segment: 0 } }), 'ERR_BPTT_RANGE', /recomputation.segment/);
    assertThrows(() => new Trainer(build(), { ...options, recomputation: { segments: 3 } as never }), 'ERR_BPTT_OPTION', /segment/);
  });

  it('refuses a layer that sees several steps at once, whatever its kind', async () => {
    const seesAll: Layer = Object.freeze({
      kind: 'seesAll', options: {},
      build: (_scope: unknown, ...[signal]: readonly Signal[]) => ({ ...signal!, value: add(signal!.value, mean(signal!.value, [0])) }),
    });
    const trainer = new Trainer(stack(lstm({ units: 3 }), seesAll, dense({ units: 2 }))(), { loss: squaredError(), optimizer: sgd(), recomputation: true });
    await assertRejects(() => trainer.step(sequences([9])), 'ERR_BPTT_OPTION', /from step to step through their states/);
  });

  it('refuses a layer that sees several steps at once in training alone, and one whose loop draws the same numbers in every part', async () => {
    const centred: Layer = Object.freeze({
      kind: 'centred', options: {},
      build: (scope: Scope, ...[signal]: readonly Signal[]) => (scope.training ? { ...signal!, value: add(signal!.value, mean(signal!.value, [0])) } : signal!),
    });
    const shaken: Layer = Object.freeze({
      kind: 'shaken', options: {},
      build: (scope: Scope, ...[signal]: readonly Signal[]) => {
        if (!scope.training) return signal!;
        const key = scope.randomKey();
        const { outputs } = scan({
          initial: {}, inputs: { x: signal!.value },
          step: ({ x, step }) => ({ next: {}, outputs: { x: multiply(x, random(add(key, multiply(step, constant([1, 0], [2], 'int32'))), x.shape, { distribution: 'uniform', stream: 0 })) } }),
        });
        return { ...signal!, value: outputs['x'] };
      },
    });
    for (const layer of [centred, shaken]) {
      const build = stack(lstm({ units: 3 }), layer, dense({ units: 2 }));
      const trainer = new Trainer(build(), { loss: squaredError(), optimizer: sgd(), recomputation: true });
      await assertRejects(() => trainer.step(sequences([9])), 'ERR_BPTT_OPTION', /other results in training when a sequence is cut in two/);
    }
  });

  it('names layer, operation and time step where numbers blow up as training without it does, and writes nothing', async function () {
    const failure = async (recomputation: boolean): Promise<Record<string, unknown>> => {
      const made = stack(rnn({ units: 3, activation: 'relu' }), dense({ units: 2 }))();
      if (made.runtime.name !== 'native') this.skip();
      for (const { view } of made.parameters) view.fill(1000);
      const before = weightsOf(made);
      const trainer = new Trainer(made, { loss: squaredError(), optimizer: sgd(), recomputation });
      const error = await trainer.step(sequences([20])).then(() => null, (reason: unknown) => reason);
      assert.ok(error instanceof BpttError && error.code === 'ERR_BPTT_NON_FINITE', String(error));
      assert.deepEqual(weightsOf(made), before);
      assert.equal(trainer.updates, 0);
      return error.received as Record<string, unknown>;
    };
    const [plain, again] = [await failure(false), await failure(true)];
    assert.equal(typeof plain['time'], 'number');
    for (const field of ['layer', 'operation', 'time', 'update']) assert.equal(again[field], plain[field], field);
  });

  it('stops between segments when asked to', async () => {
    const made = stack(lstm({ units: 3 }), dense({ units: 2 }))();
    const before = weightsOf(made);
    const trainer = new Trainer(made, { loss: squaredError(), optimizer: sgd(), recomputation: { segment: 2 } });
    const controller = new AbortController();
    const step = trainer.step(sequences([600]), { signal: controller.signal }); // hundreds of segments: the event loop turns long before the last
    setImmediate(() => controller.abort());
    await assertRejects(() => step, 'ERR_BPTT_ABORTED', /aborted/);
    assert.deepEqual(weightsOf(made), before);
    await trainer.step(sequences([40]));
  });

  it('[32] holds memory that grows as T without it, and as the root of T with it', async function () {
    const working = async (steps: number, recomputation: boolean): Promise<number> => {
      const made = sequential([lstm({ units: 64 }), dense({ units: 2 })], { input: { features: 2 }, seed: 4 });
      if (made.runtime.name !== 'native') this.skip();
      const trainer = new Trainer(made, { loss: squaredError(), optimizer: sgd(), recomputation });
      assert.equal(trainer.workingBytes, 0);
      await trainer.step(sequences([steps, steps]));
      return trainer.workingBytes;
    };
    const plain = await working(1600, false) / await working(100, false);
    assert.ok(plain > 8 && plain < 17, `without: ${plain} times the memory for 16 times the steps`);
    const again = await working(1600, true) / await working(100, true);
    assert.ok(again < 5, `with: ${again} times the memory for 16 times the steps`);
  });

  it('[slow] [32] trains LSTM 256 over 10,000 steps of 8 rows within 1 GiB', async function () {
    this.timeout(120_000);
    const made = sequential([dense({ units: 1 })], { input: { features: 1 } });
    if (made.runtime.name !== 'native') this.skip();
    const child = await runChild(fileURLToPath(new URL('children/longSequence.ts', import.meta.url)), { timeout: 110_000 });
    const { megabytes, workingMegabytes, loss, gradientNorm } = lastLine<{ megabytes: number; workingMegabytes: number; loss: number; gradientNorm: number }>(child);
    assert.ok(megabytes < 1024, `the process took ${megabytes} MiB`);
    assert.ok(workingMegabytes < 100, `${workingMegabytes} MiB between input and gradient`);
    assert.ok(loss > 0.4 && loss < 0.6 && gradientNorm > 0, `loss ${loss}, norm ${gradientNorm}`);
  });
});
