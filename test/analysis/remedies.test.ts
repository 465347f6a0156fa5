import assert from 'node:assert/strict';
import { gradientNorms, jacobianNorms } from '../../lib/analysis/index.ts';
import type { BpttError } from '../../lib/errors.ts';
import { add, multiply, tanh } from '../../lib/graph/index.ts';
import { cell, dense, gru, lstm, recurrent, referenceRuntime, rnn, sequential, sgd, squaredError, Trainer } from '../../lib/index.ts';
import type { Layer, TrainerOptions } from '../../lib/index.ts';
import { someSequences, weightsOf } from '../support/models.ts';

const steps = 25;
const batch = { input: someSequences([steps, steps], 2), target: [[0.5], [-0.5]] };
const around = (layer: Layer) => sequential([layer, dense({ units: 1 })], { input: { features: 2 }, seed: 6, runtime: referenceRuntime });
const uniform = (reach: number) => ({ kind: 'uniform', options: { low: -reach, high: reach } });

describe('exploding gradients', () => {
  const wild = () => around(rnn({ units: 6, activation: 'linear', output: 'last', initializer: { recurrent: { kind: 'orthogonal', options: { gain: 1.6 } } } }));

  it('[49] stop training with the update, the layer, the time step and the norms in the error, and leave the weights as they were', async () => {
    const model = sequential([rnn({ name: 'memory', units: 2, activation: 'linear', initializer: { recurrent: { kind: 'identity', options: { gain: 1e4 } } } }), dense({ units: 1 })], { input: { features: 1 }, seed: 1 });
    const before = weightsOf(model);
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: sgd() });
    const data = { input: [Array.from({ length: 20 }, () => [1])], target: [Array.from({ length: 20 }, () => [0])] };
    const error = await trainer.step(data).then(() => assert.fail('expected a rejection'), (reason: unknown) => reason as BpttError);
    assert.equal(error.code, 'ERR_BPTT_NON_FINITE');
    assert.match(error.message, /^update 1: the loss is (?:Infinity|NaN); first in layer "memory": operation "\w+" at time step (?:9|10) gave -?Infinity/);
    const { update, layer, time, loss, gradientNorm } = error.received as { update: number; layer: string; time: number; loss: number; gradientNorm: number };
    assert.deepEqual([update, layer], [1, 'memory']);
    assert.ok(time >= 9 && !Number.isFinite(loss) && !Number.isFinite(gradientNorm));
    assert.deepEqual(weightsOf(model), before);
  });
  it('[53] are held by clipping of values, of norms and of the global norm', async () => {
    const { factor, states } = await gradientNorms(wild(), batch, { loss: squaredError() });
    assert.ok(Math.abs(factor! - 1.6) < 1e-6 && states[0]! > 1000);
    const longest = async (clip: TrainerOptions['clip']): Promise<number[]> => {
      const model = wild();
      const before = weightsOf(model);
      await new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: 1 }), clip }).step(batch);
      const moves = model.parameters.map(({ name, view }) => Array.from(view, (value, i) => value - before[name]![i]!));
      return [Math.max(...moves.flat().map(Math.abs)), Math.max(...moves.map((move) => Math.hypot(...move))), Math.hypot(...moves.flat())];
    };
    assert.ok((await longest(undefined))[0]! > 1000);
    assert.ok((await longest({ value: 0.1 }))[0]! <= 0.1 + 1e-9);
    assert.ok((await longest({ norm: 0.1 }))[1]! <= 0.1 + 1e-9);
    assert.ok((await longest({ globalNorm: 0.1 }))[2]! <= 0.1 + 1e-9);
  });
  it('[53] are shortened by truncation and avoided by the identity', async () => {
    const toTheEnd = (activation: 'linear' | 'relu', initializer: object) => sequential([rnn({ units: 6, activation, initializer: { recurrent: initializer as { kind: string } } }), dense({ units: 1 })], { input: { features: 2 }, seed: 6, runtime: referenceRuntime });
    const everyStep = { input: batch.input, target: batch.input.map((row) => row.map(([a]) => [a!])) };
    const moved = async (truncation?: TrainerOptions['truncation']): Promise<number> => {
      const model = toTheEnd('linear', { kind: 'orthogonal', options: { gain: 1.6 } });
      const before = weightsOf(model)['rnn/weight_hh_l0']!;
      await new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: 1 }), truncation }).step(everyStep);
      return Math.hypot(...Array.from(model.parameter('rnn/weight_hh_l0').view, (value, i) => value - before[i]!));
    };
    const [short, long] = [await moved({ update: steps, gradient: 2 }), await moved()];
    assert.ok(short < 0.5 * long, `${short} of ${long}`);
    const { factor } = await gradientNorms(around(rnn({ units: 6, activation: 'linear', output: 'last', initializer: { recurrent: 'identity' } })), batch, { loss: squaredError() });
    assert.equal(Math.round(factor! * 1e9) / 1e9, 1);
  });
});

describe('vanishing gradients', () => {
  const residual = cell('testResidualOverTime', { state: { h: 'units' } }, ({ x, h, affine }) => {
    const next = add(h, multiply(0.1, tanh(affine('h', x, h))));
    return { output: next, h: next };
  });
  const factorOf = async (layer: Layer): Promise<number> => (await gradientNorms(around(layer), batch, { loss: squaredError() })).factor!;

  it('[54] of a vanilla network are kept alive by each remedy: ReLU, orthogonal and identity weights, skip connections, gates', async () => {
    const small = { input: uniform(0.3), recurrent: uniform(0.2) };
    const vanilla = await factorOf(rnn({ units: 8, output: 'last', initializer: small }));
    assert.ok(vanilla < 0.5, `vanilla: ${vanilla}`);
    assert.equal((await jacobianNorms(around(rnn({ units: 8, output: 'last', initializer: small })), batch.input)).verdict, 'vanishes');
    const remedies: Record<string, Layer> = {
      'orthogonal weights': rnn({ units: 8, output: 'last', initializer: { input: uniform(0.3), recurrent: 'orthogonal' } }),
      'ReLU with the identity': rnn({ units: 8, output: 'last', activation: 'relu', initializer: { input: uniform(0.3), recurrent: 'identity' } }),
      'skip connections over time': recurrent(residual, { units: 8, output: 'last' }),
      'LSTM with its forget gate open': lstm({ units: 8, output: 'last', forgetBias: 3 }),
      GRU: gru({ units: 8, output: 'last' }),
    };
    for (const [name, layer] of Object.entries(remedies)) {
      const factor = await factorOf(layer);
      assert.ok(factor > vanilla + 0.15, `${name}: a gradient keeps ${factor} of itself per step, in the vanilla network ${vanilla}`);
    }
    assert.ok(await factorOf(remedies['LSTM with its forget gate open']!) > 0.9);
  });
});
