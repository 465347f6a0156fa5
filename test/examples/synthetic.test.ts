import assert from 'node:assert/strict';
import { makeStrand, run as findPromoters } from '../../examples/motifs.ts';
import { review, run as judgeReviews } from '../../examples/sentiment.ts';
import { run as goOnWithSine } from '../../examples/sineWave.ts';
import { Random } from '../../examples/support/random.ts';
import { run as track } from '../../examples/tracking.ts';
import { needEngine } from './withData.ts';

describe('examples: made-up data [slow]', function () {
  this.timeout(600_000);
  needEngine();

  it('strands of DNA: as many letters as asked for, the box where it is said to be', () => {
    const random = new Random(3);
    const strands = Array.from({ length: 200 }, () => makeStrand(random, 50));
    const agreeing = strands.map(({ text, inBox }) => {
      assert.equal(text.length, 50);
      assert.equal(inBox.length, 50);
      return [...text].filter((_, i) => inBox[i] === 1).join('');
    });
    assert.ok(agreeing.every((found) => found.length === 6));
    assert.ok(agreeing.filter((found) => found === 'TATAAA').length > 80, 'most boxes have no slip');
    const promoters = strands.filter(({ promoter }) => promoter).length;
    assert.ok(promoters > 70 && promoters < 130, `${promoters}`);
  });

  it('[1] DNA: promoters are told by the order and distance of two motifs, and the box is found', async () => {
    const { promoters, letters, outside } = await findPromoters({ strands: 1200, length: 50, epochs: 10, learningRate: 1.5e-2 });
    assert.ok(promoters > 0.8, `${promoters}`);
    assert.ok(letters > outside + 0.04, `${letters} against ${outside}`);
  });

  it('[4] sentiment: the order of words decides, which an LSTM reads and a mean of words cannot', async () => {
    const { accuracy, withoutOrder } = await judgeReviews();
    assert.ok(accuracy > 0.97, `${accuracy}`);
    assert.ok(withoutOrder > 0.4 && withoutOrder < 0.6, `${withoutOrder}`);
    assert.match(review(new Random(1)).text, /^the \w+ was .* (, but|, although) the \w+ was .* \.$/);
  });

  it('tracking: nearer to the truth than the sightings and than a Kalman filter of steady motion', async () => {
    const { now, next, kalmanNow, kalmanNext, sighting } = await track({ tracks: 800, epochs: 12 });
    assert.ok(now < kalmanNow && now < 0.8 * sighting, `${now} against ${kalmanNow} and ${sighting}`);
    assert.ok(next < kalmanNext, `${next} against ${kalmanNext}`);
  });

  it('sine wave: goes on by itself for a hundred points', async () => {
    const { nextPoint, onItsOwn } = await goOnWithSine({ epochs: 30 });
    assert.ok(nextPoint < 0.02, `${nextPoint}`);
    assert.ok(onItsOwn < 0.1, `${onItsOwn}`);
  });
});
