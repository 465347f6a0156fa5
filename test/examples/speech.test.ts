import assert from 'node:assert/strict';
import { run as recogniseSpeakers } from '../../examples/japaneseVowels.ts';
import { run as recogniseDigits } from '../../examples/spokenDigits.ts';
import { needEngine, withData } from './withData.ts';

describe('examples: speech [slow]', function () {
  this.timeout(600_000);
  needEngine();

  withData('japanese_vowels/JapaneseVowels_TRAIN.ts.gz', 'Japanese vowels: 95 of 100 speakers are recognised', async () => {
    const { accuracy } = await recogniseSpeakers();
    assert.ok(accuracy > 0.95, `${accuracy}`);
  });

  withData('fsdd/index.json', 'spoken digits: 95 of 100 recordings of the official test split are understood', async () => {
    const { accuracy, recordings } = await recogniseDigits({ epochs: 6, recordings: 900 });
    assert.equal(recordings, 300);
    assert.ok(accuracy > 0.95, `${accuracy}`);
  });
});
