import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BpttError, crossEntropy, saveModel, sgd, Trainer } from '../../lib/index.ts';
import type { Model } from '../../lib/index.ts';
import { textStream } from '../../lib/data/index.ts';
import { tokenBatch, tokenModel, tokenText } from './children/work.ts';

interface Situation {
  readonly model: Model;
  readonly trainer: Trainer;
  /** A folder that may be written. */
  readonly folder: string;
}

type Work = (situation: Situation) => unknown;

const batch = { input: tokenBatch(4, 30), target: tokenBatch(4, 30) };
const shortText = textStream(tokenText(200), { batch: 4, steps: 8 });

const operations: Readonly<Record<string, Work>> = {
  predict: ({ model }) => model.predict(tokenBatch(2, 3)),
  stream: ({ model }) => model.stream().step(1),
  setParameter: ({ model }) => { const { name, count } = model.parameters[0]!; model.setParameter(name, new Float32Array(count)); },
  save: ({ model, folder }) => saveModel(model, path.join(folder, 'saved')),
  step: ({ trainer }) => trainer.step(batch),
  fit: ({ trainer }) => trainer.fit(shortText, { epochs: 1 }),
  evaluate: ({ trainer }) => trainer.evaluate(shortText),
  state: ({ trainer }) => trainer.state(),
};

/** How each situation comes about; its promise ends when the situation does. */
const situations: Readonly<Record<string, (situation: Situation, inside: () => Promise<void>) => Promise<void>>> = {
  idle: (_, inside) => inside(),
  predicting: async ({ model }, inside) => {
    const running = model.predict(tokenBatch(64, 200));
    await inside();
    await running;
  },
  'in a step': async ({ trainer }, inside) => {
    const running = trainer.step({ input: tokenBatch(64, 200), target: tokenBatch(64, 200) });
    for (let microtask = 0; microtask < 10; microtask++) await Promise.resolve(); // it has begun, and cannot end before the event loop turns
    await inside();
    await running;
  },
  'between the steps of fit': async ({ trainer }, inside) => {
    let done = false;
    for await (const progress of trainer.fit(shortText, { epochs: 1 })) {
      if (!done && progress.kind === 'batch') await inside();
      done = true;
    }
  },
  'after an abort': async ({ trainer }, inside) => {
    const controller = new AbortController();
    const running = trainer.step({ input: tokenBatch(256, 400), target: tokenBatch(256, 400) }, { signal: controller.signal }); // takes far longer than the abort to come
    setImmediate(() => controller.abort());
    await assert.rejects(running, (error: unknown) => error instanceof BpttError && error.code === 'ERR_BPTT_ABORTED');
    await inside();
  },
};

/** What must answer; all else is refused with ERR_BPTT_BUSY. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  idle: Object.keys(operations),
  predicting: Object.keys(operations).filter((operation) => operation !== 'setParameter'),
  'in a step': ['predict', 'evaluate'],
  'between the steps of fit': ['predict', 'stream', 'setParameter', 'save', 'evaluate', 'state'],
  'after an abort': Object.keys(operations),
};

async function outcome(work: Work, situation: Situation): Promise<string> {
  try {
    await work(situation);
    return 'answers';
  } catch (error) {
    if (error instanceof BpttError) return error.code;
    throw error;
  }
}

function bits(model: Model): Buffer {
  return Buffer.concat(model.parameters.map(({ view }) => Buffer.from(view.buffer, view.byteOffset, view.byteLength)));
}

describe('lifecycle: an aborted step', () => {
  it('leaves every weight and the optimizer as they were, whenever the abort comes', async function () {
    this.timeout(60_000);
    const model = tokenModel(48);
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) });
    const large = { input: tokenBatch(64, 240), target: tokenBatch(64, 240) };
    await trainer.step(large);
    const started = performance.now();
    await trainer.step(large);
    const whole = performance.now() - started;
    let aborted = 0;
    for (let attempt = 0; attempt < 24; attempt++) {
      const controller = new AbortController();
      const before = { weights: bits(model), state: JSON.stringify(trainer.state()) };
      const timer = setTimeout(() => controller.abort(), (attempt / 20) * whole);
      const result = await trainer.step(large, { signal: controller.signal }).then(() => 'done', (error: unknown) => {
        assert.ok(error instanceof BpttError && error.code === 'ERR_BPTT_ABORTED', String(error));
        return 'aborted';
      });
      clearTimeout(timer);
      assert.equal(bits(model).equals(before.weights), result === 'aborted', `attempt ${attempt}: ${result}`);
      assert.equal(JSON.stringify(trainer.state()) === before.state, result === 'aborted', `attempt ${attempt}: ${result}`);
      if (result === 'aborted') aborted++;
    }
    assert.ok(aborted > 0, 'no abort came in time');
  });

  it('is refused at once by a signal that has fired', async () => {
    const model = tokenModel(8);
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: sgd({}) });
    const reason = new Error('for a reason');
    for (const work of [() => trainer.step(batch, { signal: AbortSignal.abort(reason) }), () => model.predict(tokenBatch(2, 3), { signal: AbortSignal.abort(reason) }),
      () => trainer.fit(shortText, { epochs: 1, signal: AbortSignal.abort(reason) })]) {
      await assert.rejects(work, (error: unknown) => error instanceof BpttError && error.code === 'ERR_BPTT_ABORTED' && error.cause === reason);
    }
  });
});

describe('lifecycle: every operation in every state', () => {
  let folder: string;
  before(() => { folder = mkdtempSync(path.join(tmpdir(), 'bptt-states-')); });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [name, arrange] of Object.entries(situations)) {
    for (const [operation, work] of Object.entries(operations)) {
      const expected = allowed[name]!.includes(operation) ? 'answers' : 'ERR_BPTT_BUSY';
      it(`${name}: ${operation} ${expected === 'answers' ? 'answers' : 'is refused'}`, async () => {
        const model = tokenModel(24);
        const situation: Situation = { model, trainer: new Trainer(model, { loss: crossEntropy(), optimizer: sgd({ learningRate: 0.01 }) }), folder };
        await arrange(situation, async () => {
          assert.equal(await outcome(work, situation), expected);
        });
        assert.equal(await outcome(operations.predict!, situation), 'answers', 'the model is usable afterwards');
        assert.equal(await outcome(operations.step!, situation), 'answers', 'the trainer is usable afterwards');
      });
    }
  }
});
