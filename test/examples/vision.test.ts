import assert from 'node:assert/strict';
import { drawPicture, otherWay, run as writeCaptions } from '../../examples/captions.ts';
import { makeFilm, run as watchFilms } from '../../examples/movingShapes.ts';
import { Random } from '../../examples/support/random.ts';
import { needEngine } from './withData.ts';

describe('examples: pictures and films [slow]', function () {
  this.timeout(600_000);
  needEngine();

  it('captions say where two shapes stand, either way around', () => {
    assert.equal(otherWay('a small circle left of a large cross'), 'a large cross right of a small circle');
    assert.equal(otherWay('a small square above a small circle'), 'a small circle below a small square');
    assert.equal(otherWay('a large triangle'), 'a large triangle');
    const random = new Random(2);
    for (let i = 0; i < 50; i++) {
      const { image, caption } = drawPicture(random);
      assert.match(caption, /^a (small|large) \w+( (left of|right of|above|below) a (small|large) \w+)?$/);
      assert.equal(otherWay(otherWay(caption)), caption);
      assert.ok(image.some((ink) => ink > 0.6));
    }
  });

  it('[3] captions: most sentences about unseen pictures are right in every word', async () => {
    const { exact, some } = await writeCaptions({ epochs: 18 });
    assert.ok(exact > 0.6, `${exact}: ${some.join('; ')}`);
  });

  it('[1] films: frames by themselves do not tell the motion that a recurrent network sees', async () => {
    const { frames, labels } = makeFilm(new Random(4));
    assert.equal(frames.shape[0], labels.length);
    const { accuracy, framesAlone, commonest } = await watchFilms({ films: 500, epochs: 8, learningRate: 8e-3 });
    assert.ok(commonest < 0.35 && framesAlone < 0.5, `${framesAlone}, ${commonest}`);
    assert.ok(accuracy > 0.8, `${accuracy}`);
  });
});
