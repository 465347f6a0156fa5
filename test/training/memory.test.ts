import assert from 'node:assert/strict';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { dense, lstm } from '../../lib/layers/index.ts';
import { squaredError } from '../../lib/losses/index.ts';
import { sequential } from '../../lib/model/index.ts';
import { adam } from '../../lib/optimizers/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { someSequences } from '../support/models.ts';

function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

describe('training: memory', () => {
  it('stays flat over many steps, predictions and streams', async function () {
    this.timeout(60_000);
    const model = sequential([lstm({ units: 8 }), dense({ units: 1 })], { input: { features: 2 } });
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam() });
    const batch = { input: someSequences([8, 8], 2), target: someSequences([8, 8], 1, 3) };
    const collect = collector();
    const rounds = model.runtime.name === 'native' ? 300 : 60;
    const work = async (): Promise<number> => {
      for (let i = 0; i < rounds; i++) {
        await trainer.step(batch);
        await model.predict(batch.input);
        const stream = model.stream();
        for (let step = 0; step < 5; step++) stream.step([1, 2]);
      }
      collect();
      await new Promise((resolve) => { setTimeout(resolve, 20); });
      collect();
      return process.memoryUsage.rss();
    };
    await work();
    const before = await work();
    const after = await work();
    assert.ok(after - before < 24 * 2 ** 20, `grew by ${Math.round((after - before) / 2 ** 20)} MB`);
  });
});
