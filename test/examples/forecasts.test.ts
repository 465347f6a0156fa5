import assert from 'node:assert/strict';
import { run as foretellTemperature } from '../../examples/temperature.ts';
import { needEngine, withData } from './withData.ts';

describe('examples: forecasts in closed loop [slow]', function () {
  this.timeout(600_000);
  needEngine();

  withData('beijing_pm25/pollution.csv.gz', '[17] NARX: temperatures of the next day are foretold better than by yesterday\'s', async () => {
    const { error, yesterday, persistence, forecasts } = await foretellTemperature({ epochs: 60 });
    assert.equal(forecasts, 183);
    assert.ok(Math.abs(yesterday - 3.434) < 0.001 && Math.abs(persistence - 4.949) < 0.001, `${yesterday} and ${persistence}`);
    assert.ok(error < 0.95 * yesterday, `${error} against ${yesterday}`);
    assert.ok(error > 1, `${error}: too good to be true, look for a leak`);
  });
});
