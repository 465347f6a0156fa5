import assert from 'node:assert/strict';
import { dense, lstm } from '../../lib/layers/index.ts';
import { squaredError } from '../../lib/losses/index.ts';
import { sequential } from '../../lib/model/index.ts';
import { adam } from '../../lib/optimizers/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { describeGrowth, growthOf } from '../support/growth.ts';
import { someSequences } from '../support/models.ts';

describe('training: memory', () => {
  it('stays flat over many steps, predictions and streams', async function () {
    this.timeout(60_000);
    const model = sequential([lstm({ units: 8 }), dense({ units: 1 })], { input: { features: 2 } });
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: adam() });
    const batch = { input: someSequences([8, 8], 2), target: someSequences([8, 8], 1, 3) };
    const round = async (): Promise<void> => {
      await trainer.step(batch);
      await model.predict(batch.input);
      const stream = model.stream();
      for (let step = 0; step < 5; step++) stream.step([1, 2]);
    };
    const growth = await growthOf(round, model.runtime.name === 'native' ? { warm: 300, calls: 640, windows: 8 } : { warm: 60, calls: 120, windows: 8 });
    assert.ok(growth.megabytes < 12, `grew by ${describeGrowth(growth)}`);
  });
});
