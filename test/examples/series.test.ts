import assert from 'node:assert/strict';
import { run as foretellDust } from '../../examples/airQuality.ts';
import { run as foretellVolatility } from '../../examples/volatility.ts';
import { needEngine, withData } from './withData.ts';

describe('examples: series [slow]', function () {
  this.timeout(600_000);
  needEngine();

  withData('beijing_pm25/pollution.csv.gz', '[1] air quality: the next hour is foretold better than by saying that nothing changes', async () => {
    const { error, persistence, hours } = await foretellDust({ epochs: 8, units: 24 });
    assert.equal(hours, 8625);
    assert.ok(Math.abs(persistence - 22.06) < 0.01, `persistence ${persistence}`);
    assert.ok(error < 0.96 * persistence, `${error} against ${persistence}`);
  });

  withData('finance/vix-daily.csv', '[7] VIX shifted by one day: no worse than persistence, and hardly better', async () => {
    const { error, persistence, days } = await foretellVolatility({ epochs: 5 });
    assert.ok(days > 2500);
    assert.ok(error < 1.005 * persistence, `${error} against ${persistence}`);
    assert.ok(error > 0.9 * persistence, `${error} against ${persistence}: too good to be true, look for a leak`);
  });
});
