import assert from 'node:assert/strict';
import { run as writeCode } from '../../examples/characterModel.ts';
import { run as translateDates, writeDate } from '../../examples/dates.ts';
import { run as findLanguages } from '../../examples/languages.ts';
import { run as makeNames } from '../../examples/names.ts';
import { run as tagWords } from '../../examples/partOfSpeech.ts';
import { Random } from '../../examples/support/random.ts';
import { needEngine, withData } from './withData.ts';

describe('examples: text [slow]', function () {
  this.timeout(600_000);
  needEngine();

  withData('names/names.txt', 'names: better than a table of letter pairs, and most of those made up are new', async () => {
    const { loss, pairsOnly, made, shareOfNew } = await makeNames({ names: 6000, epochs: 3, units: 48 });
    assert.ok(loss < pairsOnly - 0.1, `${loss} against ${pairsOnly}`);
    assert.ok(made.length === 20 && made.every((name) => /^[a-z]+$/.test(name)), made.join());
    assert.ok(shareOfNew > 0.5, `${shareOfNew}`);
  });

  withData('ud_english_ewt_pos/train.tsv.gz', 'parts of speech: 90 of 100 words are tagged right, where the commonest tag gives 86', async () => {
    const { accuracy, commonestTag } = await tagWords({ epochs: 1, units: 32, learningRate: 1e-2 });
    assert.ok(commonestTag > 0.85 && commonestTag < 0.87, `commonest tag ${commonestTag}`);
    assert.ok(accuracy > 0.9, `${accuracy}`);
  });

  withData('names/names_by_language.tsv', 'languages: a surname is read letter by letter and its language said at the end', async () => {
    const { accuracy, commonest, guesses } = await findLanguages({ names: 5000, epochs: 4, units: 32 });
    assert.ok(accuracy > commonest + 0.12, `${accuracy} against ${commonest}`);
    assert.equal(guesses['Nakamura'], 'Japanese');
  });

  it('[1] source code: half the bits of the characters\' frequencies, and the prefix is gone on with', async () => {
    const { bits, frequenciesOnly, text } = await writeCode({ characters: 120_000, units: 64, layers: 1, epochs: 3, batch: 8, learningRate: 1e-2, length: 100 });
    assert.ok(bits < 0.65 * frequenciesOnly, `${bits} against ${frequenciesOnly}`);
    assert.equal(text.length, 'export function '.length + 100);
    assert.ok(text.startsWith('export function '));
  });

  it('[6] dates: written in many ways, translated letter for letter by looking at the right places', async () => {
    const random = new Random(1);
    for (let i = 0; i < 50; i++) {
      const { source, target } = writeDate(random);
      assert.match(target, /^(19[7-9]|20[0-6])\d-\d\d-\d\d$/);
      assert.ok(source.includes(String(Number(target.slice(8)))), `${source} → ${target}`);
    }
    const { exact, alignment } = await translateDates({ dates: 2500, epochs: 3, units: 48, learningRate: 1e-2 });
    assert.ok(exact > 0.95, `${exact}`);
    assert.equal(alignment.split(' ').filter((pair) => pair.includes('←')).length, 10, alignment);
  });
});
