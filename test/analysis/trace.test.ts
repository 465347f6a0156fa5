import assert from 'node:assert/strict';
import { trace } from '../../lib/analysis/index.ts';
import { crossEntropy, dense, embedding, gradients, gru, lstm, rnn, sequential, sgd, squaredError, Trainer } from '../../lib/index.ts';
import type { Model } from '../../lib/index.ts';
import { assertRejects } from '../support/errors.ts';
import { assertNear, someSequence, weightsOf } from '../support/models.ts';

const silent = { write: (): void => undefined };

function reader(): Model {
  return sequential([rnn({ units: 3, output: 'last' }), dense({ units: 2 })], { input: { features: 2 }, seed: 4 });
}

describe('trace', () => {
  it('[34] prints the seven steps of training forward through time, with their numbers', async () => {
    const trainer = new Trainer(reader(), { loss: squaredError(), optimizer: sgd({ learningRate: 0.1 }) });
    const written: string[] = [];
    const told = await trace(trainer, { input: someSequence(4, 2), target: [0.5, -1] }, { write: (text) => { written.push(text); } });
    assert.deepEqual(written, [told.text]);
    const numbered = told.text.split('\n').map((line) => /^ *([1-7])\. /.exec(line)?.[1]).filter((digit) => digit !== undefined);
    assert.equal(numbered.join(''), '123123123123' + '4567');
    assert.match(told.text, /t = 1\n +1\. The input of one time step: x = \[-?\d\.\d+, -?\d\.\d+\]\.\n +2\. The state, .*rnn\/h = \[.*\], from rnn\/h = \[0, 0, 0\]\./);
    assert.match(told.text, /compared with the target \[0\.5, -1\]/);
    for (const { name } of trainer.model.parameters) assert.ok(told.text.includes(`${name} by 0.`), name);
  });
  it('[34] its numbers are those of the step: states, output, error, gradient, update', async () => {
    const model = reader();
    const example = { input: someSequence(4, 2), target: [0.5, -1] };
    const batch = { input: [example.input], target: [example.target] };
    const expected = await model.predict(batch.input);
    const { loss, parameters } = await gradients(model, batch, { loss: squaredError() });
    const before = weightsOf(model);
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: 0.1 }) });
    const told = await trace(trainer, example, silent);
    assert.equal(told.steps.length, 4);
    told.steps.slice(1).forEach((step, t) => assert.deepEqual(step.before, told.steps[t]!.after));
    assert.deepEqual(told.steps.map(({ input }) => input), example.input);
    assert.deepEqual(told.steps[3]!.after['rnn/h'], [...expected.state['rnn/h']!.data]);
    assert.deepEqual(told.output, [...expected.output.data]);
    assertNear([told.loss, told.gradientNorm], [loss, Math.hypot(...Object.values(parameters).flatMap(({ data }) => [...data]))], 'loss and norm');
    for (const { name, view } of model.parameters) {
      assertNear(view, before[name]!.map((weight, i) => weight - 0.1 * parameters[name]!.data[i]!), name);
      assertNear([told.moved[name]!], [0.1 * Math.hypot(...parameters[name]!.data)], `${name} moved`);
    }
    assert.equal(trainer.updates, 1);
  });
  it('[34] follows tokens, several states, and outputs at every step', async () => {
    const model = sequential([embedding({ size: 3 }), lstm({ units: 2 }), gru({ units: 2 }), dense({ units: 5 })], { input: { tokens: 5 }, seed: 1 });
    const told = await trace(new Trainer(model, { loss: crossEntropy(), optimizer: sgd() }), { input: [1, 2, 3], target: [2, 3, 4] }, silent);
    assert.deepEqual(Object.keys(told.steps[0]!.after), ['lstm/h', 'lstm/c', 'gru/h']);
    assert.deepEqual(told.steps.map(({ input }) => input), [[1], [2], [3]]);
    assert.match(told.text, /t = 3\n.*x = \[3\]/);
  });
  it('refuses what it cannot follow', async () => {
    const options = { loss: squaredError(), optimizer: sgd() };
    const trainer = new Trainer(reader(), options);
    await assertRejects(() => trace(trainer, { input: [1, 2, 3], target: [1, 1] }, silent), 'ERR_BPTT_SHAPE', /one sequence \[T, 2\]/);
    await assertRejects(() => trace(trainer, { input: someSequence(3, 2) } as never, silent), 'ERR_BPTT_TYPE', /target to be one sequence/);
    await assertRejects(() => trace(reader() as never, { input: [[1, 2]], target: [1, 1] }), 'ERR_BPTT_TYPE', /a trainer/);
    await assertRejects(() => trace(new Trainer(reader(), { ...options, carryState: true }), { input: [[1, 2]], target: [1, 1] }), 'ERR_BPTT_OPTION', /fresh states/);
    const both = sequential([rnn({ units: 2, direction: 'bidirectional' }), dense({ units: 1 })], { input: { features: 2 } });
    await assertRejects(() => trace(new Trainer(both, options), { input: [[1, 2]], target: [[1]] }), 'ERR_BPTT_OPTION', /cannot stream/);
    await assertRejects(() => trace(trainer, { input: someSequence(3, 2), target: [1, 1] }, { write: 'out' } as never), 'ERR_BPTT_TYPE', /write to be a function/);
    assert.equal(trainer.updates, 0);
  });
  it('measures how far a weight of hundreds of thousands of numbers has moved', async () => {
    const wide = sequential([rnn({ units: 500, output: 'last' }), dense({ units: 1 })], { input: { features: 2 }, seed: 1 });
    const told = await trace(new Trainer(wide, { loss: squaredError(), optimizer: sgd() }), { input: someSequence(2, 2), target: [1] }, silent);
    assert.ok(wide.parameters.some(({ name, count }) => count === 250_000 && told.moved[name]! > 0));
  });
});
