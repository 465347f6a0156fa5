import assert from 'node:assert/strict';
import type { Budget, Section } from '../../bench/papers/experiment.ts';
import { experiments } from '../../bench/papers/experiments/index.ts';
import { bai, jozefowicz } from '../../bench/papers/published.ts';
import { show, table } from '../../bench/papers/report/format.ts';
import type { RunRecord } from '../../bench/papers/results.ts';
import { architectureOf } from '../../bench/papers/search.ts';

/** The section that an experiment writes when its planned runs, those of a search first, find these measures. */
function sectionFor(name: string, measure: (subject: string, seed: number) => Record<string, number>, ended: (subject: string) => RunRecord['ended'] = () => 'budget', budget: Budget = 'small'): Section {
  const experiment = experiments.find((each) => each.name === name)!;
  let records: RunRecord[] = [];
  for (let planned = experiment.plan(budget); planned.length > records.length; planned = experiment.plan(budget, records)) {
    records = planned.map(({ subject, seed, settings }): RunRecord => {
      const measures = measure(subject, seed);
      return {
        subject, seed, settings, parameters: 100, updates: 50, sequences: 1600, seconds: 2, ended: ended(subject), measures,
        curve: [{ updates: 25, ...measures }, { updates: 50, ...measures }], traces: { unit: [0, 1, 2, 1, 0] },
      };
    });
  }
  return experiment.report(records);
}

const held = (section: Section): (boolean | undefined)[] => section.claims.map((claim) => claim.held);

describe('the page about published results', () => {
  it('[72] [101] adding and copy memory: the printed numbers bear the claims out, exchanged ones do not', () => {
    const adding = sectionFor('adding', (subject) => ({ error: bai[subject]!.adding }));
    assert.deepEqual(held(adding), [true, true, true, true]);
    assert.match(adding.text.join('\n'), /\| GRU \| 5\.3e-5 \| 5\.3e-5 \| 25 \|/);
    const exchanged = { RNN: 'GRU', GRU: 'RNN', LSTM: 'LSTM', TCN: 'TCN' } as const;
    assert.deepEqual(held(sectionFor('adding', (subject) => ({ error: bai[exchanged[subject as 'RNN']]!.adding }))), [false, true, false, false]);
    const copy = (factor: number): (boolean | undefined)[] => held(sectionFor('copy-memory', (subject) => ({ loss: (subject === 'TCN' ? 1e-4 : 0.17) * (subject === 'LSTM' ? factor : 1), recalled: 0.1 })));
    assert.deepEqual(copy(1), [true, true]);
    assert.deepEqual(copy(0.001), [false, false]);
  });

  it('[87] arithmetic and XML: the printed table bears every claim out; a forgetless LSTM among the best does not', () => {
    for (const column of ['arithmetic', 'xml'] as const) {
      const found = (accuracy: number): Record<string, number> => ({ accuracy, validation: accuracy });
      const printed = sectionFor(column, (subject) => found(jozefowicz[architectureOf(subject)]![column]));
      assert.ok(held(printed).every(Boolean), column);
      assert.match(printed.text.join('\n'), /100 % of all pairs/);
      const changed = sectionFor(column, (subject) => found(architectureOf(subject) === 'LSTM-f' ? 0.99 : jozefowicz[architectureOf(subject)]![column]));
      assert.equal(changed.claims[0]!.held, false);
      assert.equal(changed.claims.at(-1)!.held, false);
      assert.match(changed.claims.at(-1)!.found, /LSTM-f/);
    }
  });

  it('[87] shows what each trial of the search reached, the chosen one in bold, and which ones diverged', () => {
    const trials = experiments.find(({ name }) => name === 'arithmetic')!.plan('full').filter(({ subject }) => architectureOf(subject) === 'LSTM');
    const [first, second] = trials;
    const section = sectionFor('arithmetic', (subject) => ({ accuracy: 0.5, validation: subject === second!.subject ? 0.6 : 0.4 }), (subject) => (subject === first!.subject ? 'notFinite' : 'budget'), 'full');
    const row = section.text.join('\n').split('\n').findLast((line) => line.startsWith('| LSTM |'))!;
    const sought = trials.map(({ settings }) => `${settings['rate']} / ${settings['deviation']}`);
    for (const part of [`${sought[0]}: diverged`, `**${sought[1]}: 0.6**`, ...sought.slice(2).map((text) => `${text}: 0.4`)]) assert.ok(row.includes(part), `${part} in ${row}`);
  });

  it('[65] counting: the LSTM has to be ahead in the mean and in its best seed, and its cell is drawn', () => {
    const measure = (lstm: number) => (subject: string): Record<string, number> => {
      const accuracy = subject === 'LSTM' ? lstm : 0.45;
      return { accuracy, seen: 1, unseen: Math.max(0, (accuracy * 256 - 100) / 156), unbroken: Math.round(accuracy * 256) };
    };
    const good = sectionFor('counting', measure(1));
    assert.deepEqual(held(good), [true, true]);
    assert.deepEqual(good.figures.map(({ name }) => name), ['counting-lstm', 'counting-gru']);
    assert.deepEqual(good.figures[0]!.plot.series[0]!.y, [0, 1, 2, 1, 0]);
    assert.deepEqual(held(sectionFor('counting', measure(0.4))), [false, false]);
  });

  it('the experiments of 1997: the cell has to meet the criterion with every seed, the simple network must not', () => {
    for (const name of ['reber', 'early-adding', 'order-of-two', 'order-of-three']) {
      const measure = (): Record<string, number> => ({ wrong: 1, train: 1, test: 1 });
      const good = sectionFor(name, measure, (subject) => (subject === 'RNN' ? 'budget' : 'criterion'));
      assert.deepEqual(held(good), [true, true], name);
      assert.match(good.text.join('\n'), /1,600 \(1,600 to 1,600\)/);
      assert.match(good.text.join('\n'), /never within 1,600/);
      assert.deepEqual(good.figures.map((figure) => figure.name), [name]);
      const [first, last] = [good.figures[0]!.plot.series[0]!, good.figures[0]!.plot.series.at(-1)!].map(({ y }) => Array.from(y));
      assert.ok(Math.abs(first!.at(-1)! - 1) < 1e-9 && last!.every((share) => share === 0), 'all seeds of the cell, none of the simple network');
      assert.deepEqual(held(sectionFor(name, measure, (subject) => (subject === 'RNN' ? 'criterion' : 'budget'))), [false, false], name);
    }
  });

  it('one seed in ten may miss the embedded Reber grammar, since the published networks missed it now and then; two may not', () => {
    const heldWith = (missed: number): boolean | null => {
      let seen = 0;
      return held(sectionFor('reber', () => ({ wrong: 1, train: 1, test: 1 }), (subject) => (subject === 'RNN' || (subject === 'LSTM 1997' && seen++ < missed) ? 'budget' : 'criterion')))[0]!;
    };
    assert.deepEqual([heldWith(0), heldWith(1), heldWith(2)], [true, true, false]);
  });

  it('leaves a claim open until every architecture that it speaks of has been run', () => {
    for (const { name, plan, report } of experiments) {
      const [first] = plan('small');
      const measures = { error: 0.1, loss: 0.1, recalled: 0.1, accuracy: 0.1, validation: 0.1, wrong: 1, train: 1, test: 1, seen: 1, unseen: 1, unbroken: 1 };
      const record: RunRecord = { subject: first!.subject, seed: 1, settings: first!.settings, parameters: 1, updates: 1, sequences: 1, seconds: 1, ended: 'budget', curve: [{ updates: 1, ...measures }], measures, traces: { unit: [0] } };
      const { claims, text } = report([record]);
      const open = claims.filter((claim) => claim.held === undefined);
      assert.ok(open.length > 0 && open.every(({ found }) => found.startsWith('not run: ')), name);
      assert.doesNotMatch(text.join('\n'), /undefined|Infinity/, name);
    }
  });

  it('leaves no hole in any table', () => {
    const measure = (): Record<string, number> => ({ error: 0.1, loss: 0.1, recalled: 0.1, accuracy: 0.1, validation: 0.1, wrong: 1, train: 1, test: 1, seen: 1, unseen: 1, unbroken: 1 });
    for (const { name } of experiments) {
      const { claims, text, figures } = sectionFor(name, measure);
      const words = [...text, ...claims.map(({ claim, found }) => `${claim} ${found}`), ...figures.map(({ plot }) => plot.title)].join('\n');
      assert.doesNotMatch(words, /NaN|undefined|Infinity|null/, name);
    }
    assert.equal(table(['a', 'b'], [['1', 'x|y']]), '| a | b |\n| --- | --- |\n| 1 | x\\|y |');
    assert.deepEqual([show(0.000053), show(1234567), show(0.12345), show(2), show(NaN)], ['5.3e-5', '1,234,567', '0.123', '2', '']);
  });
});
