import assert from 'node:assert/strict';
import { exp, multiply } from '../../lib/graph/index.ts';
import { cell } from '../../lib/cells/index.ts';
import { dense, recurrent, rnn } from '../../lib/layers/index.ts';
import { squaredError } from '../../lib/losses/index.ts';
import { sequential } from '../../lib/model/index.ts';
import type { BpttError } from '../../lib/errors.ts';
import { adam, sgd } from '../../lib/optimizers/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { someSequences, weightsOf } from '../support/models.ts';

const explosive = cell('explosiveOfGuardTest', { state: { h: 'units' } }, ({ x, h, affine }) => {
  const next = exp(multiply(affine('a', x, h), 40));
  return { output: next, h: next };
});

async function failure(step: Promise<unknown>): Promise<BpttError> {
  return step.then(() => assert.fail('expected a rejection'), (error: unknown) => error as BpttError);
}

describe('training: numbers that blow up', () => {
  it('are refused: nothing is written, and the error names update, layer, operation and time', async () => {
    const model = sequential([dense({ units: 3 }), recurrent(explosive, { name: 'memory', units: 3 }), dense({ name: 'head', units: 1 })], { input: { features: 2 }, seed: 1 });
    model.setParameter('memory/weight_ih_l0', [[1, 0, 0], [0, 1, 0], [0, 0, 1]]);
    model.setParameter('dense/weight', [[1, 1, 1], [1, 1, 1]]);
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam(), carryState: true });
    await trainer.step({ input: [[[-1, -1], [-1, -1]]], target: [[[0], [0]]] });
    const before = structuredClone({ weights: weightsOf(model), state: trainer.state() });
    const error = await failure(trainer.step({ input: [[[-1, -1], [20, 20]]], target: [[[0], [0]]] }));
    assert.equal(error.code, 'ERR_BPTT_NON_FINITE');
    assert.match(error.message, /^update 2: the loss is .*first in layer "memory": operation "exp" at time step 1 gave Infinity/);
    assert.deepEqual({ ...(error.received as object), loss: 0, gradientNorm: 0 }, { update: 2, loss: 0, gradientNorm: 0, layer: 'memory', operation: 'exp', time: 1 });
    assert.deepEqual({ weights: weightsOf(model), state: trainer.state() }, before);
    await trainer.step({ input: [[[-1, -1], [-1, -1]]], target: [[[0], [0]]] });
    assert.equal(trainer.updates, 2);
  });

  it('in a weight are named', async () => {
    const model = sequential([rnn({ units: 2 }), dense({ units: 1 })], { input: { features: 1 } });
    model.parameter('rnn/weight_hh_l0').view[1] = NaN;
    model.core.store.touch();
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: sgd() });
    assert.match((await failure(trainer.step({ input: [[1, 2]], target: [[[0], [0]]] }))).message, /"rnn\/weight_hh_l0" held NaN before the step/);
  });

  it('from a learning rate that is far too high end fit with the model at its last sound update', async () => {
    const model = sequential([rnn({ units: 4, activation: 'relu' }), dense({ units: 1 })], { input: { features: 2 }, seed: 1 });
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: 1e6 }) });
    const batch = { input: someSequences([20, 20], 2), target: someSequences([20, 20], 1, 9) };
    const error = await failure(trainer.fit(batch, { epochs: 100 }));
    assert.equal(error.code, 'ERR_BPTT_NON_FINITE');
    assert.match(error.message, /Lower the learning rate/);
    for (const { view } of model.parameters) assert.ok(view.every(Number.isFinite));
    await model.predict([[[0, 0]]]);
  });
});
