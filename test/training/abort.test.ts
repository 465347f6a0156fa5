import assert from 'node:assert/strict';
import { dense, lstm } from '../../lib/layers/index.ts';
import { squaredError } from '../../lib/losses/index.ts';
import { sequential } from '../../lib/model/index.ts';
import { adam } from '../../lib/optimizers/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { someSequences, weightsOf } from '../support/models.ts';

function made(): Trainer {
  const model = sequential([lstm({ units: 16 }), dense({ units: 2 })], { input: { features: 3 }, seed: 1 });
  return new Trainer(model, { loss: squaredError(), optimizer: adam(), carryState: true });
}

function batch(steps = 12): { input: number[][][]; target: number[][][] } {
  return { input: someSequences([steps, steps], 3), target: someSequences([steps, steps], 2, 20) };
}

/** What a trainer is before and after: weights and its own state. */
function snapshot(trainer: Trainer): unknown {
  return structuredClone({ weights: weightsOf(trainer.model), state: trainer.state() });
}

describe('training: abort', () => {
  it('before a step: nothing happens', async () => {
    const trainer = made();
    const before = snapshot(trainer);
    await assert.rejects(trainer.step(batch(), { signal: AbortSignal.abort('no') }), { code: 'ERR_BPTT_ABORTED', cause: 'no' });
    assert.deepEqual(snapshot(trainer), before);
  });

  it('during a step: the step is made whole or not at all, and the next one works', async () => {
    for (const delay of [0, 1, 3]) {
      const [trainer, other] = [made(), made()];
      await trainer.step(batch());
      await other.step(batch());
      const before = snapshot(trainer);
      const controller = new AbortController();
      const step = trainer.step(batch(), { signal: controller.signal });
      if (delay === 0) controller.abort('late');
      else setTimeout(() => controller.abort('late'), delay);
      const outcome = await step.then(() => 'done', (error: unknown) => (error as { code: string }).code);
      if (outcome === 'done') await other.step(batch());
      else {
        assert.equal(outcome, 'ERR_BPTT_ABORTED');
        assert.deepEqual(snapshot(trainer), before);
      }
      assert.deepEqual(await trainer.step(batch()), await other.step(batch()));
      assert.deepEqual(snapshot(trainer), snapshot(other));
    }
  });

  it('after a step: no effect, and no listeners are left', async () => {
    const trainer = made();
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    signal.addEventListener = (...given: Parameters<typeof add>) => { listeners++; add(...given); };
    signal.removeEventListener = (...given: Parameters<typeof remove>) => { listeners--; remove(...given); };
    await trainer.step(batch(), { signal });
    assert.ok(listeners <= 0, `${listeners} listeners left`);
    const before = snapshot(trainer);
    controller.abort();
    assert.deepEqual(snapshot(trainer), before);
    await trainer.step(batch());
  });

  it('of fit: within a step, with the model as the last update left it', async () => {
    const trainer = made();
    const controller = new AbortController();
    const seen: unknown[] = [];
    const run = trainer.fit([batch(), batch(), batch()], {
      epochs: 1000, signal: controller.signal, callbacks: [{ onBatch: ({ updates }) => { seen.push(snapshot(trainer)); if (updates === 5) controller.abort('enough'); } }],
    });
    await assert.rejects(run, { code: 'ERR_BPTT_ABORTED', cause: 'enough' });
    assert.equal(trainer.updates, 5);
    assert.deepEqual(snapshot(trainer), seen.at(-1));
    assert.equal((await trainer.fit(batch(), { epochs: 1 })).updates, 6);
  });

  it('of an evaluation and of a timeout', async () => {
    const trainer = made();
    await assertRejects(() => trainer.evaluate(batch(), { signal: AbortSignal.abort() }), 'ERR_BPTT_ABORTED');
    await assertRejects(() => trainer.fit(batch(), { epochs: 1_000_000, signal: AbortSignal.timeout(30) }), 'ERR_BPTT_ABORTED');
    await trainer.evaluate(batch());
  });
});

describe('training: one thing at a time', () => {
  it('two steps at once: the second is refused, the first goes on', async () => {
    const [trainer, other] = [made(), made()];
    const first = trainer.step(batch());
    await assertRejects(() => trainer.step(batch()), 'ERR_BPTT_BUSY', /a step of this trainer has not ended/);
    await assertRejects(() => trainer.fit(batch(), { epochs: 1 }), 'ERR_BPTT_BUSY');
    assert.deepEqual(await first, await other.step(batch()));
    const run = trainer.fit(batch(), { epochs: 2 });
    await Promise.resolve();
    await assertRejects(() => trainer.step(batch()), 'ERR_BPTT_BUSY', /a fit of this trainer/);
    await run;
    await trainer.step(batch());
  });

  it('predictions wait for a step and see whole updates', async () => {
    const [trainer, other] = [made(), made()];
    const data = someSequences([6], 3);
    const before = trainer.model.predict(data);
    const step = trainer.step(batch());
    const after = trainer.model.predict(data);
    const expected = [await other.model.predict(data)];
    await other.step(batch());
    expected.push(await other.model.predict(data));
    await step;
    assert.deepEqual([(await before).output.data, (await after).output.data], expected.map(({ output }) => output.data));
  });

  it('streams and weights are refused while a step writes', async () => {
    const trainer = made();
    const stream = trainer.model.stream();
    const step = trainer.step(batch());
    for (let i = 0; i < 10; i++) await Promise.resolve();
    assertThrows(() => stream.step([1, 2, 3]), 'ERR_BPTT_BUSY', /between steps/);
    assertThrows(() => trainer.model.setParameter('dense/bias', [1, 2]), 'ERR_BPTT_BUSY');
    assertThrows(() => trainer.state(), 'ERR_BPTT_BUSY');
    await step;
    stream.step([1, 2, 3]);
  });
});
