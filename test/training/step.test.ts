import assert from 'node:assert/strict';
import { sequences } from '../../lib/data/index.ts';
import type { Batch } from '../../lib/data/index.ts';
import { dense, dropout, embedding, gru, lastStep, lstm, rnn } from '../../lib/layers/index.ts';
import type { Layer } from '../../lib/layers/index.ts';
import { binaryCrossEntropy, crossEntropy, squaredError } from '../../lib/losses/index.ts';
import { connect, input, model, sequential } from '../../lib/model/index.ts';
import type { Model } from '../../lib/model/index.ts';
import { adam, rmsprop, sgd, stepDecay } from '../../lib/optimizers/index.ts';
import { gradients, Trainer } from '../../lib/training/index.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { assertNear, someSequence, someSequences, weightsOf } from '../support/models.ts';
import { testedTolerance } from '../support/runtime.ts';

function series(layers: readonly Layer[] = [rnn({ units: 4 }), dense({ units: 2 })], seed = 1): Model {
  return sequential(layers, { input: { features: 3 }, seed });
}

function seriesBatch(rows = 2, steps = 5): { input: number[][][]; target: number[][][] } {
  return { input: someSequences(new Array<number>(rows).fill(steps), 3), target: someSequences(new Array<number>(rows).fill(steps), 2, 50) };
}

describe('training: step', () => {
  it('with plain gradient descent moves every weight against its gradient', async () => {
    const made = series([gru({ units: 4, initialState: 'learned' }), dense({ units: 2 })]);
    const before = weightsOf(made);
    const { loss, parameters } = await gradients(made, seriesBatch(), { loss: squaredError() });
    const trainer = new Trainer(made, { loss: squaredError(), optimizer: sgd({ learningRate: 0.1 }) });
    const result = await trainer.step(seriesBatch());
    assertNear([result.loss], [loss], 'loss');
    assert.deepEqual([result.steps, result.updates, result.learningRate, trainer.updates], [10, 1, 0.1, 1]);
    const length = Math.sqrt(Object.values(parameters).flatMap(({ data }) => [...data]).reduce((sum, number) => sum + number * number, 0));
    assertNear([result.gradientNorm], [length], 'norm');
    for (const { name, view } of made.parameters) {
      assertNear(view, before[name]!.map((weight, i) => weight - 0.1 * parameters[name]!.data[i]!), name, Math.max(testedTolerance(), 1e-7));
    }
  });

  it('gives each batch its own, whatever came before it: other rows, steps, lengths, weights, fresh rows', async () => {
    const make = (): Trainer => new Trainer(series([gru({ units: 3 }), dense({ units: 2 })]), { loss: squaredError(), optimizer: adam() });
    const padded = seriesBatch(2, 5);
    const batches = [
      seriesBatch(2, 5), seriesBatch(2, 5), seriesBatch(2, 4), seriesBatch(3, 4), padded, { ...padded, lengths: [5, 3] }, padded,
      { ...padded, weights: [[1, 0, 2, 1, 1], [0, 1, 1, 1, 3]] }, { ...padded, fresh: [true, true] }, { ...padded, fresh: [false, true] }, padded,
    ];
    const busy = make();
    for (const batch of batches) {
      const alone = make();
      alone.restore(busy.state());
      for (const { name, view } of busy.model.parameters) alone.model.setParameter(name, view.slice());
      assert.deepEqual(await busy.step(batch), await alone.step(batch));
      assert.deepEqual(weightsOf(busy.model), weightsOf(alone.model));
    }
  });

  it('the same seed gives the same bits, dropout included; another seed others', async () => {
    const run = async (seed: number): Promise<unknown> => {
      const made = series([lstm({ units: 4, dropout: { input: 0.2, output: 0.3 } }), dropout({ rate: 0.2 }), dense({ units: 2 })]);
      const trainer = new Trainer(made, { loss: squaredError(), optimizer: adam(), seed });
      const losses: number[] = [];
      for (let i = 0; i < 3; i++) losses.push((await trainer.step(seriesBatch())).loss);
      return { losses, weights: weightsOf(made) };
    };
    assert.deepEqual(await run(1), await run(1));
    assert.notDeepEqual(await run(1), await run(2));
  });

  it('draws fresh masks at every step, and none when evaluating', async () => {
    const made = series([dropout({ rate: 0.5 }), rnn({ units: 4 }), dense({ units: 2 })]);
    const trainer = new Trainer(made, { loss: squaredError(), optimizer: sgd({ learningRate: 1e-12 }) });
    const [first, second] = [await trainer.step(seriesBatch()), await trainer.step(seriesBatch())];
    assert.ok(Math.abs(first.loss - second.loss) > 1e-6);
    const { loss } = await gradients(made, seriesBatch(), { loss: squaredError() });
    assertNear([(await trainer.evaluate(seriesBatch())).loss], [loss], 'evaluation', 1e-5);
  });

  it('learns from sequences of different lengths what they give one by one', async () => {
    for (const layers of [() => [lstm({ units: 3 }), dense({ units: 2 })], () => [gru({ units: 3, direction: 'bidirectional' }), dense({ units: 2 })], () => [rnn({ units: 3 }), lastStep(), dense({ units: 2 })]]) {
      for (const reduction of ['sum', 'mean', 'meanPerSequence'] as const) {
        const made = series(layers());
        const { time } = made.outputs[0]!;
        const lengths = [4, 1, 7];
        const inputs = someSequences(lengths, 3);
        const targets: number[][][] | number[][] = time ? someSequences(lengths, 2, 80) : someSequence(3, 2, 80);
        const together = await gradients(made, { input: inputs, target: targets }, { loss: squaredError(), reduction });
        const alone = await Promise.all(inputs.map((sequence, i) => gradients(made, { input: [sequence], target: [targets[i]!] as never }, { loss: squaredError(), reduction })));
        const steps = lengths.reduce((sum, length) => sum + length, 0);
        const share = (i: number): number => (reduction === 'sum' ? 1 : reduction === 'mean' && time ? lengths[i]! / steps : 1 / 3);
        assertNear([together.loss], [alone.reduce((sum, { loss }, i) => sum + share(i) * loss, 0)], `loss, ${reduction}`);
        for (const { name, count } of made.parameters) {
          const expected = Float64Array.from({ length: count }, (_, k) => alone.reduce((sum, { parameters }, i) => sum + share(i) * parameters[name]!.data[k]!, 0));
          assertNear(together.parameters[name]!.data, expected, `${name}, ${reduction}`);
        }
        for (const [i] of inputs.entries()) {
          assertNear(together.inputs['input']!.row(i).data, alone[i]!.inputs['input']!.data.map((number) => number * share(i)), `input ${i}, ${reduction}`);
        }
      }
    }
  });

  it('reads nothing beyond the lengths, not even NaN', async () => {
    const made = series();
    const clean = { input: someSequences([3, 1], 3), target: someSequences([3, 1], 2, 50) };
    const pad = (rows: number[][][], features: number): { data: Float64Array; shape: number[] } => ({
      data: Float64Array.from(rows.flatMap((row) => [...row, ...new Array<number[]>(3 - row.length).fill(new Array<number>(features).fill(NaN))].flat())), shape: [2, 3, features],
    });
    const expected = await gradients(made, clean, { loss: squaredError() });
    const padded = await gradients(made, { input: pad(clean.input, 3), target: pad(clean.target, 2), lengths: [3, 1] }, { loss: squaredError() });
    assert.deepEqual(padded.loss, expected.loss);
    for (const { name } of made.parameters) assert.deepEqual(padded.parameters[name]!.data, expected.parameters[name]!.data);
  });

  it('weighs steps, and takes one target for all steps', async () => {
    const made = sequential([rnn({ units: 3 }), dense({ units: 4 })], { input: { features: 2 } });
    const data = someSequences([3, 3], 2);
    const all = await gradients(made, { input: data, target: [[1, 1, 1], [2, 2, 2]] }, { loss: crossEntropy() });
    assert.deepEqual(await gradients(made, { input: data, target: [1, 2] }, { loss: crossEntropy() }), all);
    const last = await gradients(made, { input: data, target: [1, 2] }, { loss: crossEntropy(), lossOn: 'last' });
    const weighted = await gradients(made, { input: data, target: [1, 2], weights: [[0, 0, 1], [0, 0, 1]] }, { loss: crossEntropy() });
    assertNear([weighted.loss], [last.loss], 'loss of the last steps');
    assertNear(weighted.parameters['rnn/weight_hh_l0']!.data, last.parameters['rnn/weight_hh_l0']!.data, 'gradient of the last steps');
    assert.notEqual(last.loss, all.loss);
  });

  it('adds penalties to gradients and not to the loss', async () => {
    const run = async (l2: object): Promise<{ loss: number; made: Model }> => {
      const made = series();
      const { loss } = await new Trainer(made, { loss: squaredError(), optimizer: sgd({ learningRate: 0.1 }), l2 }).step(seriesBatch());
      return { loss, made };
    };
    const [plain, decayed] = [await run({}), await run({ recurrent: 0.5 })];
    assert.equal(plain.loss, decayed.loss);
    assert.deepEqual(decayed.made.parameter('dense/weight').view, plain.made.parameter('dense/weight').view);
    const start = series().parameter('rnn/weight_hh_l0').view;
    assertNear(decayed.made.parameter('rnn/weight_hh_l0').view, plain.made.parameter('rnn/weight_hh_l0').view.map((weight, i) => weight - 0.05 * start[i]!), 'weight_hh', Math.max(testedTolerance(), 1e-7));
  });

  it('clips as asked', async () => {
    for (const [clip, expected] of [[{ globalNorm: 0.01 }, 0.01], [{ value: 1e-4 }, null]] as const) {
      const made = series();
      const before = weightsOf(made);
      const { gradientNorm } = await new Trainer(made, { loss: squaredError(), optimizer: sgd({ learningRate: 1 }), clip }).step(seriesBatch());
      const moves = made.parameters.flatMap(({ name, view }) => [...view].map((weight, i) => weight - before[name]![i]!));
      assert.ok(gradientNorm > 0.01);
      if (expected !== null) assertNear([Math.sqrt(moves.reduce((sum, move) => sum + move * move, 0))], [expected], 'length of the move', 1e-6);
      else assert.ok(moves.every((move) => Math.abs(move) <= 1.001e-4));
    }
  });

  it('takes several losses', async () => {
    const words = input({ tokens: 5 });
    const hidden = connect(gru({ units: 4 }), connect(embedding({ size: 3 }), words));
    const made = model({ inputs: words, outputs: [connect(dense({ name: 'next', units: 5 }), hidden), connect(dense({ name: 'mood', units: 1 }), connect(lastStep(), hidden))] });
    const batch = { input: [[1, 2, 3], [4, 0]], target: { next: [[2, 3, 4], [0, 1]], mood: [[1], [0]] } };
    const trainer = new Trainer(made, { loss: { next: crossEntropy(), mood: binaryCrossEntropy() }, optimizer: rmsprop() });
    const before = await trainer.evaluate(batch);
    for (let i = 0; i < 30; i++) await trainer.step(batch);
    const after = await trainer.evaluate(batch);
    assert.ok(after.loss < before.loss / 2);
    assert.equal(after.accuracy, 1);
    assert.equal(after.perplexity, null);
    assertThrows(() => new Trainer(made, { loss: crossEntropy(), optimizer: adam() }), 'ERR_BPTT_OPTION', /by name/);
    await assertRejects(() => trainer.step({ input: [[1]], target: { next: [[1]] } }), 'ERR_BPTT_DATA', /target "mood"/);
  });

  it('follows a schedule', async () => {
    const trainer = new Trainer(series(), { loss: squaredError(), optimizer: sgd({ learningRate: stepDecay({ learningRate: 0.1, factor: 0.5, every: 1 }) }) });
    const { epochs } = await trainer.fit(seriesBatch(), { epochs: 3 });
    assert.deepEqual(epochs.map(({ learningRate }) => learningRate), [0.1, 0.05, 0.025]);
  });

  it('a gradient reaches the first step', async () => {
    const made = series([lstm({ units: 4, output: 'last' }), dense({ units: 2 })]);
    const { inputs } = await gradients(made, { input: someSequences([6], 3), target: [[1, 0]] }, { loss: squaredError() });
    assert.ok(inputs['input']!.data.slice(0, 3).some((number) => number !== 0));
  });

  it('learns XOR without time', async () => {
    const made = sequential([dense({ units: 8, activation: 'tanh' }), dense({ units: 1 })], { input: { features: 2, time: false }, seed: 1 });
    const trainer = new Trainer(made, { loss: binaryCrossEntropy(), optimizer: adam({ learningRate: 0.05 }) });
    const batch = { input: [[0, 0], [0, 1], [1, 0], [1, 1]], target: [[0], [1], [1], [0]] };
    for (let i = 0; i < 200; i++) await trainer.step(batch);
    assert.equal((await trainer.evaluate(batch)).accuracy, 1);
  });

  it('takes targets of one feature with and without its axis, by step and by row, whatever the first sequence\'s length', async () => {
    const make = (): Trainer => new Trainer(sequential([rnn({ units: 3 }), dense({ units: 1 })], { input: { features: 3 }, seed: 2 }), { loss: squaredError(), optimizer: sgd() });
    for (const lengths of [[1, 4, 2], [4, 1, 2], [1, 1, 1]]) {
      const input = someSequences(lengths, 3);
      const bySteps = someSequences(lengths, 1, 9);
      const { loss } = await make().step({ input, target: bySteps });
      assertNear([(await make().step({ input, target: bySteps.map((row) => row.flat()) })).loss], [loss], 'without the axis');
      assertNear([(await make().step({ input, target: bySteps.map((row) => Float32Array.from(row.flat())) })).loss], [loss], 'typed rows');
      const rows = [0.5, -1, 2];
      const repeated = await make().step({ input, target: rows.map((value, row) => new Array<number[]>(lengths[row]!).fill([value])) });
      for (const target of [rows, Float32Array.from(rows), rows.map((value) => [value])]) assertNear([(await make().step({ input, target })).loss], [repeated.loss], 'by row');
    }
    const list = [1, 3, 2].map((length) => ({ input: someSequences([length], 3)[0]!, target: someSequences([length], 1)[0]!.flat() }));
    assert.equal((await make().fit(sequences(list, { batch: 3 }), { epochs: 1 })).updates, 1);
  });

  it('weighs outputs by name, from batches and from sequences', async () => {
    const make = (): Model => {
      const given = input({ features: 3 });
      const hidden = connect(gru({ units: 4 }), given);
      return model({ inputs: given, outputs: [connect(dense({ units: 2, name: 'steps' }), hidden), connect(dense({ units: 1, name: 'whole' }), connect(lastStep(), hidden))], seed: 3 });
    };
    const lossOf = async (outputs: readonly ('steps' | 'whole')[], batch: Omit<Batch, 'input'>): Promise<number> => {
      const loss = Object.fromEntries(outputs.map((name) => [name, squaredError()]));
      return (await new Trainer(make(), { loss, optimizer: sgd() }).step({ ...batch, input: someSequences([4, 2], 3) })).loss;
    };
    const [steps, whole] = [someSequences([4, 2], 2, 5), [[0.5], [-2]]];
    const weights = { steps: [[1, 0, 2, 0.5], [3, 1]], whole: [1, 4] };
    const alone = [await lossOf(['steps'], { target: { steps }, weights: weights.steps }), await lossOf(['whole'], { target: { whole }, weights: weights.whole }), await lossOf(['whole'], { target: { whole } })];
    assertNear([await lossOf(['steps', 'whole'], { target: { steps, whole }, weights })], [alone[0]! + alone[1]!], 'both weighed');
    assertNear([await lossOf(['steps', 'whole'], { target: { steps, whole }, weights: { steps: weights.steps } })], [alone[0]! + alone[2]!], 'one weighed');
    const list = [0, 1].map((row) => ({ input: someSequences([4, 2], 3)[row]!, target: { steps: steps[row]!, whole: whole[row]! }, weights: { steps: weights.steps[row]!, whole: weights.whole[row]! } }));
    const trainer = new Trainer(make(), { loss: { steps: squaredError(), whole: squaredError() }, optimizer: sgd() });
    assertNear([(await trainer.evaluate(sequences(list, { batch: 2 }))).loss], [alone[0]! + alone[1]!], 'sequences');
    const step = (given: unknown) => () => trainer.step({ input: someSequences([4, 2], 3), target: { steps, whole }, weights: given } as never);
    await assertRejects(step({ step: weights.steps }), 'ERR_BPTT_OPTION', /weights by output: .*did you mean "steps"/);
    await assertRejects(step(weights.steps), 'ERR_BPTT_SHAPE', /weights of "whole": expected shape \[N\]/);
    await assertRejects(step({ whole: [1, -1] }), 'ERR_BPTT_DATA', /weights of "whole": expected numbers of 0 or more/);
    await assertRejects(step({ whole: 1 }), 'ERR_BPTT_TYPE', /weights of "whole"/);
    assertThrows(() => sequences([list[0]!, { ...list[1]!, weights: weights.steps[1]! }], { batch: 2 }), 'ERR_BPTT_OPTION', /weights of example 1 to have the names of example 0/);
  });

  it('refuses data and options that do not fit', async () => {
    const made = series();
    const trainer = new Trainer(made, { loss: squaredError(), optimizer: sgd() });
    const { input: data, target } = seriesBatch();
    await assertRejects(() => trainer.step({ input: data, target: target.map((row) => row.slice(1)) }), 'ERR_BPTT_SHAPE', /target: expected 5 steps as in the input, received 4/);
    await assertRejects(() => trainer.step({ input: data, target: [target[0]!] }), 'ERR_BPTT_SHAPE', /2 rows/);
    await assertRejects(() => trainer.step({ input: data, target: target.map((row) => row.map(() => [NaN, 1])) }), 'ERR_BPTT_DATA', /target: expected a finite number at row 0, step 0, feature 0/);
    await assertRejects(() => trainer.step({ input: data, targets: target } as never), 'ERR_BPTT_OPTION', /did you mean "target"/);
    await assertRejects(() => trainer.step({ input: data, target, fresh: [true] }), 'ERR_BPTT_SHAPE', /fresh/);
    await assertRejects(() => trainer.step({ input: data, target: 'text' } as never), 'ERR_BPTT_TYPE');
    await assertRejects(() => trainer.step({ input: data, target }, { sginal: 1 } as never), 'ERR_BPTT_OPTION');
    assert.equal(trainer.updates, 0);
    const words = new Trainer(sequential([rnn({ units: 2 }), dense({ units: 3 })], { input: { features: 1 } }), { loss: crossEntropy(), optimizer: sgd() });
    await assertRejects(() => words.step({ input: [[1, 2]], target: [[1, 3]] }), 'ERR_BPTT_VOCABULARY', /from 0 to 2 at row 0, step 1, received 3/);
    const wrong: [object, RegExp][] = [
      [{ optimiser: 1 }, /did you mean "optimizer"/], [{ clip: { norms: 1 } }, /did you mean "norm"/], [{ l2: { inputs: 1 } }, /did you mean "input"/], [{ reduction: 'avg' }, /one of "sum"/],
    ];
    for (const [extra, message] of wrong) assertThrows(() => new Trainer(made, { loss: squaredError(), optimizer: sgd(), ...extra }), 'ERR_BPTT_OPTION', message);
    assertThrows(() => new Trainer(made, { loss: squaredError() } as never), 'ERR_BPTT_TYPE', /optimizer/);
    assertThrows(() => new Trainer(made, { loss: 'mse', optimizer: sgd() } as never), 'ERR_BPTT_TYPE', /loss/);
  });
});
