import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crossEntropy, oneHot, rnn, sgd, Trainer, type Layer, type Model } from '../../lib/index.ts';
import { teach } from '../../bench/papers/course.ts';
import { Streak } from '../../bench/papers/experiments/hochreiter.ts';
import { experiments } from '../../bench/papers/experiments/index.ts';
import { answeringModel, jozefowiczLayers, odysseyLayers, steppingModel, temporalConvolution, usualLayers } from '../../bench/papers/models.ts';
import { jozefowicz } from '../../bench/papers/published.ts';
import { groupBySubject, meanCurve, median, updatesUntil } from '../../bench/papers/report/format.ts';
import { arithmeticOrder, xmlOrder } from '../../bench/papers/report/jozefowicz.ts';
import { agreement, judgeOrder } from '../../bench/papers/report/order.ts';
import { sectionOf } from '../../bench/papers/report/page.ts';
import { ResultFile, type RunRecord } from '../../bench/papers/results.ts';
import { architectureOf, bestChoice, showChoice, trialName, type Choice } from '../../bench/papers/search.ts';
import { copyTokens } from '../../bench/papers/tasks/copyMemory.ts';
import { countingExample, countingTokens } from '../../bench/papers/tasks/counting.ts';

function record(subject: string, seed: number, measures: Record<string, number>, settings: Record<string, number> = { updates: 10 }): RunRecord {
  return { subject, seed, settings, parameters: 5, updates: 10, sequences: 20, seconds: 0.5, ended: 'budget', curve: [{ updates: 5, error: 0.5 }, { updates: 10, error: 0.1 }], measures };
}

describe('runs of published results', () => {
  let folder: string;
  before(() => { folder = mkdtempSync(path.join(tmpdir(), 'bptt-papers-')); });
  after(() => rmSync(folder, { recursive: true }));

  it('stores a run in place of its older self and finds it only with the same settings', () => {
    const file = new ResultFile('small', 'some', folder);
    assert.deepEqual(file.read(), []);
    file.add(record('b', 1, { error: 1 }));
    file.add(record('a', 2, { error: 2 }));
    file.add(record('a', 1, { error: 1 / 3 }));
    file.add(record('b', 1, { error: 4 }));
    assert.deepEqual(file.read().map(({ subject, seed, measures }) => [subject, seed, measures['error']]), [['a', 1, 0.33333], ['a', 2, 2], ['b', 1, 4]]);
    assert.equal(file.find(record('b', 1, {}))?.measures['error'], 4);
    assert.equal(file.find(record('b', 1, {}, { updates: 11 })), undefined);
    assert.equal(file.find(record('b', 1, {}, { updates: 10, units: 3 })), undefined);
    assert.equal(file.find(record('b', 2, {})), undefined);
    assert.equal(readFileSync(file.file, 'utf8').split('\n').length, 6, 'a line for each run');
  });

  it('reports the stored runs that have the settings of the plan, and no others', () => {
    const counting = experiments.find(({ name }) => name === 'counting')!;
    const [file, planned] = [new ResultFile('small', 'counting', folder), counting.plan('small').filter(({ subject }) => subject === 'LSTM')];
    const measures = { accuracy: 0.5, seen: 1, unseen: 0.2, unbroken: 128 };
    const store = (seed: number, settings: Record<string, string | number>): void => file.add({ ...record('LSTM', seed, measures), settings, traces: { unit: [0] } });
    store(1, { ...planned[0]!.settings, units: 77 });
    assert.equal(sectionOf(counting, 'small', folder), undefined);
    store(2, planned[1]!.settings);
    assert.match(sectionOf(counting, 'small', folder)!.text.join('\n'), /\| LSTM \| 0\.5 \| 1 \|/, 'one seed, not two');
  });

  it('plans every experiment for both budgets, no run twice', () => {
    for (const { name, plan } of experiments) {
      for (const budget of ['small', 'full'] as const) {
        const names = plan(budget).map(({ subject, seed }) => `${subject} ${seed}`);
        assert.equal(new Set(names).size, names.length, name);
      }
      assert.ok(JSON.stringify(plan('small').map(({ settings }) => settings)) !== JSON.stringify(plan('full').map(({ settings }) => settings)), name);
    }
    assert.deepEqual(experiments.map(({ name }) => name).sort(), ['adding', 'arithmetic', 'copy-memory', 'counting', 'early-adding', 'odyssey', 'order-of-three', 'order-of-two', 'reber', 'xml']);
  });

  it('[72] [73] [74] [75] [76] [77] [78] [79] compares the vanilla LSTM with its eight variants, and no others', () => {
    assert.deepEqual(Object.keys(odysseyLayers), ['V', 'NIG', 'NFG', 'NOG', 'NIAF', 'NOAF', 'NP', 'CIFG', 'FGR']);
    const odyssey = experiments.find(({ name }) => name === 'odyssey')!;
    const runs = odyssey.plan('small');
    assert.equal(runs.length, 27);
    assert.ok(runs.every(({ settings }) => settings['steps'] === 50));
    const report = (failing: readonly string[]): boolean | undefined => odyssey.report(runs.map(({ subject, seed }) => record(subject, seed, { error: failing.includes(subject) ? 0.05 : 0.002 }))).claims[0]!.held;
    assert.equal(report(['NIG']), true);
    assert.equal(report(['NIG', 'NFG']), false);
    assert.equal(report([]), false);
  });

  it('[80] [81] [82] [83] [84] [85] [86] [87] compares the ten architectures of the printed table, each with the parameters of its gates', () => {
    assert.deepEqual(Object.keys(jozefowiczLayers).sort(), Object.keys(jozefowicz).sort());
    const count = (name: string): number => steppingModel([oneHot(), jozefowiczLayers[name]!(5)], 3, { tokens: 4 }, 1).parameterCount - 18;
    const block = 5 * (4 + 5 + 1);
    const expected = { 'Tanh': 1, 'LSTM': 4, 'LSTM-b': 4, 'LSTM-f': 3, 'LSTM-i': 3, 'LSTM-o': 3, 'GRU': 3, 'MUT3': 3 };
    for (const [name, blocks] of Object.entries(expected)) assert.equal(count(name), blocks * block, name);
    assert.equal(count('MUT1'), 3 * block - 5 * 5, 'z of MUT1 does not see h; x is projected where it has another width');
    assert.equal(count('MUT2'), 3 * block, 'r of MUT2 takes x as it is, here projected');
  });

  it('[87] judges the printed order: the printed numbers keep it, exchanged ones break it', () => {
    const groups = (column: 'arithmetic' | 'xml', change: Record<string, number> = {}): ReturnType<typeof groupBySubject> => groupBySubject(
      Object.entries(jozefowicz).map(([subject, row]) => record(subject, 1, { accuracy: change[subject] ?? row[column] })), Object.keys(jozefowicz));
    for (const [column, order] of [['arithmetic', arithmeticOrder], ['xml', xmlOrder]] as const) {
      const verdicts = judgeOrder(groups(column), order, 'accuracy');
      assert.equal(verdicts.length, order.length);
      assert.ok(verdicts.every(({ verdict }) => verdict === 'held'), column);
    }
    const broken = judgeOrder(groups('arithmetic', { 'LSTM-o': 0.95, 'Tanh': 0.7 }), arithmeticOrder, 'accuracy').filter(({ verdict }) => verdict !== 'held');
    assert.deepEqual(broken.map(({ worse, better }) => `${worse} ${better}`), ['Tanh LSTM-i', 'LSTM-o LSTM']);
    assert.ok(broken.every(({ verdict }) => verdict === 'did not hold'));
  });

  it('[87] calls an order undecided that fails by less than the seeds differ', () => {
    const records = [record('a', 1, { accuracy: 0.5 }), record('a', 2, { accuracy: 0.6 }), record('b', 1, { accuracy: 0.52 }), record('b', 2, { accuracy: 0.54 })];
    const [verdict] = judgeOrder(groupBySubject(records, ['a', 'b']), [{ worse: 'a', better: 'b', kind: '<' }], 'accuracy');
    assert.equal(verdict!.verdict, 'within the seeds’ spread');
    assert.ok(Math.abs(verdict!.difference + 0.02) < 1e-12);
    assert.equal(agreement([1, 2, 3], [1, 3, 2]), 2 / 3);
  });

  it('[87] takes of every architecture the settings that are best on the validation stream, once all of them have been tried', () => {
    const settings = { units: 5 };
    const [slow, fast, wide] = [{ rate: 0.002, deviation: 0.1 }, { rate: 0.01, deviation: 0.1 }, { rate: 0.01, deviation: 1 }];
    const grid = [slow, fast, wide];
    const trial = (choice: Choice, validation: number, accuracy = 0.1): RunRecord => record(trialName('a', choice), 0, { validation, accuracy }, { ...settings, ...choice });
    assert.equal(bestChoice('a', grid, settings, [trial(slow, 0.5), trial(wide, 0.6)]), undefined);
    assert.equal(bestChoice('a', grid, settings, [trial(fast, 0.6), trial(wide, 0.5), trial(slow, 0.7)]), slow);
    assert.equal(bestChoice('a', grid, settings, [trial(fast, 0.6), trial(wide, 0.61), trial(slow, 0.5, 0.9)]), wide, 'whatever the test says');
    assert.equal(bestChoice('a', grid, settings, [trial(fast, 0.6), trial(wide, 0.6), { ...trial(slow, 0.7), ended: 'notFinite' }]), fast, 'a diverged trial counts for nothing');
    assert.equal(bestChoice('a', grid, { units: 6 }, [trial(fast, 0.6), trial(wide, 0.61), trial(slow, 0.5)]), undefined, 'trials of other settings');
    assert.equal(bestChoice('b', grid, settings, [trial(fast, 0.6), trial(wide, 0.61), trial(slow, 0.5)]), undefined, 'trials of another architecture');
    assert.deepEqual([trialName('LSTM', wide), trialName('LSTM', fast), 'LSTM', 'LSTM, forget bias 5'].map(architectureOf), ['LSTM', 'LSTM', 'LSTM', 'LSTM, forget bias 5']);
    assert.deepEqual(grid.map(showChoice), ['rate 0.002, deviation 0.1', 'rate 0.01, deviation 0.1', 'rate 0.01, deviation 1']);
  });

  it('[87] plans the search alike for every architecture, and then runs with what it found for each that has been searched', () => {
    for (const name of ['arithmetic', 'xml']) {
      const { plan } = experiments.find((experiment) => experiment.name === name)!;
      const trials = plan('full');
      const choices = trials.filter(({ subject }) => architectureOf(subject) === 'GRU').map(({ settings }) => ({ rate: Number(settings['rate']), deviation: Number(settings['deviation']) }));
      assert.ok(choices.length > 1);
      assert.deepEqual(trials.map(({ subject }) => subject), Object.keys(jozefowicz).flatMap((architecture) => choices.map((choice) => trialName(architecture, choice))));
      const best = (architecture: string): Choice => choices[architecture === 'GRU' ? 0 : 1]!;
      const stored = trials.filter(({ subject }) => architectureOf(subject) !== 'LSTM').map(({ subject, seed, settings }): RunRecord => ({
        ...record(subject, seed, { validation: subject === trialName(architectureOf(subject), best(architectureOf(subject))) ? 0.9 : 0.8 }), settings,
      }));
      const opened = plan('full', stored).slice(trials.length);
      assert.deepEqual([...new Set(opened.map(({ subject }) => subject))], Object.keys(jozefowicz).filter((architecture) => architecture !== 'LSTM'), 'the LSTM has not been searched');
      assert.ok(opened.every(({ subject, seed, settings }) => settings['rate'] === best(subject).rate && settings['deviation'] === best(subject).deviation && seed >= 1), 'with seeds that the search has not seen');
      assert.ok(opened.every(({ settings }) => Number(settings['updates']) > Number(trials[0]!.settings['updates'])));
    }
  });

  it('counts a streak of right sequences and its mean error', () => {
    const streak = new Streak(4);
    streak.add([0.5, 0.001]);
    streak.add([0.001, 0.001]);
    assert.equal(streak.reaches(0.01), false, 'the mean is too large');
    streak.add([0.002, 0.001]);
    assert.equal(streak.reaches(0.01), true, 'the first two are no longer among the last four');
    streak.add(null);
    streak.add([0.001, 0.001, 0.001]);
    assert.equal(streak.reaches(0.01), false, 'one wrong answer ends the streak');
  });

  it('summarises runs', () => {
    assert.equal(median([3, 1, 2]), 2);
    assert.equal(median([4, 1, 2, 3]), 2.5);
    const [group] = groupBySubject([record('a', 1, {}), { ...record('a', 2, {}), curve: [{ updates: 5, error: 0.3 }] }], ['b', 'a']);
    assert.deepEqual(meanCurve(group!, 'error'), { x: [5], y: [0.4] });
    assert.equal(updatesUntil(group!.records[0]!, 'error', 0.2, 'below'), 10);
    assert.equal(updatesUntil(group!.records[0]!, 'error', 0.01, 'below'), undefined);
  });

  it('[65] [101] teaches until the criterion is met, the same way every time', async () => {
    const run = async (): Promise<Awaited<ReturnType<typeof teach>>> => {
      const model = steppingModel([oneHot(), rnn({ units: 4 })], countingTokens, { tokens: countingTokens }, 1);
      const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: sgd({ learningRate: 0.1 }) });
      const { input, target } = countingExample(3);
      let looks = 0;
      return teach({
        model, trainer, sequences: 1, updates: 40, every: 4, next: () => ({ input: [input], target: [target] }),
        look: async (loss) => ({ measures: { loss, looks: ++looks }, done: looks === 3 }),
      });
    };
    const [first, second] = [await run(), await run()];
    assert.equal(first.ended, 'criterion');
    assert.equal(first.updates, 12);
    assert.deepEqual(first.curve.map(({ updates }) => updates), [4, 8, 12]);
    assert.ok(first.curve.at(-1)!['loss']! < first.curve[0]!['loss']!);
    assert.deepEqual(first.curve, second.curve);
  });

  it('[101] compares networks of about the same number of parameters, as the paper does', () => {
    const sizes = (name: string, build: (layer: Layer) => Model): number[] => {
      const runs = experiments.find((experiment) => experiment.name === name)!.plan('small').filter(({ seed }) => seed === 1);
      return runs.map(({ subject, settings: { units, channels, levels, kernel } }) => {
        const layer = subject === 'TCN' ? temporalConvolution({ channels: channels as number, levels: levels as number, kernel: kernel as number })[0]! : usualLayers[subject]!(units as number);
        return build(layer).parameterCount;
      });
    };
    for (const [counts, aim] of [[sizes('adding', (layer) => answeringModel([layer], 1, { features: 2 }, 1)), 17_000], [sizes('copy-memory', (layer) => steppingModel([oneHot(), layer], copyTokens, { tokens: copyTokens }, 1)), 16_000]] as const) {
      assert.equal(counts.length, 4);
      assert.ok(counts.every((count) => Math.abs(count / aim - 1) < 0.1), counts.join());
    }
  });
});
