import assert from 'node:assert/strict';
import { input as graphInput, type Value } from '../../lib/graph/index.ts';
import { bahdanauAttention, conv1d, dense, embedding, gru, lstm, rnn, scheduledSampling, stack, type Layer, type TruthShare } from '../../lib/layers/index.ts';
import { readTruthShare } from '../../lib/layers/truthShare.ts';
import { crossEntropy, squaredError } from '../../lib/losses/index.ts';
import { encoderDecoder, sequential } from '../../lib/model/index.ts';
import { adam, sgd } from '../../lib/optimizers/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { referenceRuntime } from '../../lib/runtime/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { assertThrows } from '../support/errors.ts';
import { checkGradient } from '../support/gradient-check.ts';
import { buildMany, someInput, valuesOf, type FedSignal } from '../support/manyInputs.ts';
import { assertNear } from '../support/models.ts';
import { largestDifference } from '../support/numbers.ts';
import { numbers, type Numbers } from '../support/tensors.ts';

const tokens: FedSignal = { x: numbers([5, 3], [0, 3, 2, 1, 1, 0, 2, 2, 3, 3, 0, 1, 1, 3, 2]), tokens: 4 };
const decoder = (): Layer[] => [embedding({ size: 3 }), lstm({ units: 4 }), dense({ units: 4 })];

function shares(given: TruthShare, at: readonly number[]): number[] {
  const updates = graphInput('updates', [], 'float32');
  const share = readTruthShare('test', given)(updates);
  return at.map((i) => evaluate([share], { inputs: { updates: [i] } })[0]!.data[0]!);
}

/** What a decoder gives when it reads its first input and then its own output, step by step. */
function freeRun(layer: Layer, first: FedSignal, steps: number, choose: (output: Numbers) => Float64Array): number[][] {
  const outputs: number[][] = [];
  const read: Float64Array[] = [Float64Array.from(first.x.data.subarray(0, first.x.data.length / first.x.shape[0]!))];
  for (let step = 0; step < steps; step++) {
    const [, rows, ...sizes] = first.x.shape as [number, number, ...number[]];
    const built = buildMany(layer, [{ ...first, x: numbers([read.length, rows, ...sizes], read.flatMap((row) => [...row])) }]);
    const [output] = valuesOf(built, [built.signal.value]);
    const width = output!.data.length / read.length;
    const last = numbers([1, ...output!.shape.slice(1)], output!.data.subarray((read.length - 1) * width));
    outputs.push([...last.data]);
    read.push(choose(last));
  }
  return outputs;
}

function likeliest({ data, shape }: Numbers): Float64Array {
  const width = shape.at(-1)!;
  return Float64Array.from({ length: data.length / width }, (_, row) => {
    const logits = [...data.subarray(row * width, (row + 1) * width)];
    return logits.indexOf(Math.max(...logits));
  });
}

describe('scheduled sampling', () => {
  it('[98] with share 1 it is teacher forcing; outside of training always', () => {
    const forced = buildMany(stack({ layers: decoder() }), [tokens]);
    const [expected] = valuesOf(forced, [forced.signal.value]);
    for (const training of [true, false]) {
      const sampled = buildMany(scheduledSampling({ layers: decoder(), truthShare: training ? 1 : 0 }), [tokens], { training });
      assert.ok(largestDifference(valuesOf(sampled, [sampled.signal.value])[0]!.data, expected!.data) < 1e-14, String(training));
    }
  });

  it('refuses to train layers that read ahead, which would be another network step by step', () => {
    for (const [path, layer] of Object.entries({
      rnn: rnn({ units: 4, direction: 'bidirectional' }), stack: stack({ layers: [rnn({ units: 4, direction: 'backward' })] }), conv1d: conv1d({ filters: 4, kernel: 3, padding: 'same' }),
    })) {
      const built = sequential([scheduledSampling({ layers: [layer, dense({ units: 2 })], truthShare: 1 })], { input: { features: 2 } });
      assertThrows(() => new Trainer(built, { loss: squaredError(), optimizer: sgd() }), 'ERR_BPTT_OPTION', new RegExp(`scheduledSampling: expected layers of direction "forward" and padding "causal".*"scheduledSampling/${path}.* reads steps ahead`));
    }
  });

  it('with share 0 it runs free: each step reads the likeliest token of the last one', () => {
    const sampled = buildMany(scheduledSampling({ layers: decoder(), truthShare: 0, own: 'likeliest' }), [tokens], { training: true });
    const expected = freeRun(stack({ layers: decoder() }), tokens, 5, likeliest).flat();
    assert.ok(largestDifference(valuesOf(sampled, [sampled.signal.value])[0]!.data, expected) < 1e-14);
  });

  it('features are read as they were given, and gradients pass through what was read', () => {
    const x: FedSignal = { x: someInput([4, 2, 3]), lengths: [4, 2] };
    const layers = (): Layer[] => [gru({ units: 3 }), dense({ units: 3, activation: 'tanh' })];
    const sampled = buildMany(scheduledSampling({ layers: layers(), truthShare: 0 }), [{ x: x.x }], { training: true });
    const expected = freeRun(stack({ layers: layers() }), { x: x.x }, 4, ({ data }) => data).flat();
    assert.ok(largestDifference(valuesOf(sampled, [sampled.signal.value])[0]!.data, expected) < 1e-14);
    for (const truthShare of [0, 0.5]) {
      const built = buildMany(scheduledSampling({ layers: layers(), truthShare }), [x], { training: true });
      checkGradient(built.signal.value, [built.xs[0]!, ...[...built.scope.requests.parameters.values()].map(({ value }) => value)], { inputs: built.inputs, samples: 8 });
    }
  });

  it('has right gradients of weights around drawn tokens, with an attention inside', () => {
    const built = buildMany(scheduledSampling({ layers: [embedding({ size: 3 }), bahdanauAttention({ layer: rnn({ units: 3 }) }), dense({ units: 4 })], truthShare: 0.5 }),
      [{ ...tokens, lengths: [5, 2, 4] }, { x: someInput([3, 3, 2]), lengths: [1, 3, 2] }], { training: true });
    checkGradient(built.signal.value, [...[...built.scope.requests.parameters.values()].map(({ value }): Value => value), built.xs[1]!], { inputs: built.inputs, samples: 8 });
  });

  it('coins fall as often as the share says, and own tokens are drawn by the softmax', () => {
    const steps = 400;
    const rows = 8;
    const marked = numbers([steps, rows, 1], new Array<number>(steps * rows).fill(1));
    const zero = buildMany(scheduledSampling({ layers: [dense({ units: 1, bias: false })], truthShare: 0.3 }), [{ x: marked }], { training: true });
    zero.inputs['dense/weight'] = [0];
    const read = buildMany(scheduledSampling({ layers: [dense({ units: 1 })], truthShare: 0.3 }), [{ x: marked }], { training: true });
    Object.assign(read.inputs, { 'dense/weight': [0.001], 'dense/bias': [5] });
    const given = valuesOf(read, [read.signal.value])[0]!.data;
    const truthful = [...given].filter((value) => Math.abs(value - 5.001) < 1e-9).length / given.length;
    assert.ok(Math.abs(truthful - 0.3) < 0.03, `${truthful}`);
    const drawing = buildMany(scheduledSampling({ layers: [embedding({ size: 3 }), dense({ units: 3 })], truthShare: 0 }), [{ x: numbers([steps, rows], new Float64Array(steps * rows)), tokens: 3 }], { training: true });
    Object.assign(drawing.inputs, { 'embedding/weight': [1, 0, 0, 0, 1, 0, 0, 0, 1], 'dense/weight': [1e-3, 0, 0, 0, 1e-3, 0, 0, 0, 1e-3], 'dense/bias': [Math.log(0.2), Math.log(0.5), Math.log(0.3)] });
    const logits = valuesOf(drawing, [drawing.signal.value])[0]!;
    const tokensRead = Array.from({ length: steps * rows }, (_, i) => [0.2, 0.5, 0.3].findIndex((share, k) => logits.data[i * 3 + k]! - Math.log(share) > 5e-4)).slice(rows);
    [0.2, 0.5, 0.3].forEach((share, token) => assert.ok(Math.abs(tokensRead.filter((other) => other === token).length / tokensRead.length - share) < 0.04, `token ${token}`));
  });

  it('schedules are those of the paper', () => {
    assert.deepEqual(shares({ kind: 'linear', slope: 0.01, start: 0.9, least: 0.2 }, [0, 10, 100]), [0.9, 0.8, 0.2]);
    assertNear(shares({ kind: 'exponential', base: 0.99 }, [0, 1, 100]), [1, 0.99, 0.99 ** 100], 'exponential', 1e-12);
    assertNear(shares({ kind: 'inverseSigmoid', k: 50 }, [0, 100, 1e6]), [50 / 51, 50 / (50 + Math.exp(2)), 0], 'inverse sigmoid', 1e-12);
    assert.deepEqual(shares(0.25, [0, 9]), [0.25, 0.25]);
    assertThrows(() => sequential([scheduledSampling({ layers: [gru({ units: 2 })], truthShare: 0.5, own: 'draw' })], { input: { features: 2 } }), 'ERR_BPTT_OPTION', /scheduledSampling: own says how a token is taken .*; leave it out/);
    assertThrows(() => scheduledSampling({ layers: decoder(), truthShare: 1.5 }), 'ERR_BPTT_RANGE', /truthShare/);
    assertThrows(() => scheduledSampling({ layers: decoder(), truthShare: { kind: 'inverseSigmoids', k: 3 } as never }), 'ERR_BPTT_OPTION', /kind to be one of/);
    assertThrows(() => buildMany(scheduledSampling({ layers: [embedding({ size: 3 }), dense({ units: 5 })], truthShare: 0.5 }), [tokens], { training: true }), 'ERR_BPTT_SHAPE', /logits of at most 4 tokens/);
  });

  it('the schedule goes along with the updates of a trainer, on either runtime', async () => {
    const losses: number[][] = [];
    for (const runtime of [undefined, referenceRuntime]) {
      const built = sequential([scheduledSampling({ layers: [gru({ units: 4 }), dense({ units: 2 })], truthShare: { kind: 'linear', slope: 0.5 } })], { input: { features: 2 }, seed: 3, runtime });
      const trainer = new Trainer(built, { loss: squaredError(), optimizer: sgd({ learningRate: 1e-9 }) });
      const sequence = Array.from({ length: 6 }, (_, t) => [Math.sin(t), Math.cos(t)]);
      const own: number[] = [];
      for (let update = 0; update < 3; update++) own.push((await trainer.step({ input: [sequence], target: [sequence] })).loss);
      const { loss } = await trainer.evaluate({ input: [sequence], target: [sequence] });
      assert.ok(Math.abs(own[0]! - loss) < 1e-6, 'share 1 in the first update');
      assert.ok(Math.abs(own[2]! - loss) > 1e-3, 'share 0 in the third');
      losses.push(own);
    }
    assertNear(losses[0]!, losses[1]!, 'native and reference');
  });

  it('trains an encoder–decoder with attention to copy, and generates without targets [slow]', async () => {
    const built = encoderDecoder({
      source: { tokens: 6 }, target: { tokens: 6 }, encoder: [embedding({ size: 8 }), gru({ units: 24 })],
      decoder: [embedding({ size: 8 }), bahdanauAttention({ layer: gru({ units: 24 }) }), dense({ units: 6 })], truthShare: { kind: 'inverseSigmoid', k: 30 }, seed: 1,
    });
    const trainer = new Trainer(built, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.02 }), clip: { globalNorm: 1 } });
    const source = [[2, 3, 4], [5, 4], [3, 3, 2, 5], [4]];
    const batch = { input: { source, target: source.map((row) => [0, ...row]) }, target: source.map((row) => [...row, 1]) };
    for (let update = 0; update < 150; update++) await trainer.step(batch);
    assert.equal((await trainer.evaluate(batch)).accuracy, 1);
  });
});
