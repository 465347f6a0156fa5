/** Sections about Bai et al.: the adding problem and copy memory. */
import type { PlotSeries } from '../../../lib/analysis/index.ts';
import type { Section } from '../experiment.ts';
import { bai } from '../published.ts';
import type { RunRecord } from '../results.ts';
import { addingVariance } from '../tasks/adding.ts';
import { copyGuessLoss } from '../tasks/copyMemory.ts';
import { judgeClaim } from './claims.ts';
import { describeSettings, groupBySubject, mean, meanCurve, measuresOf, show, showAll, table, updatesUntil, type Group } from './format.ts';

const subjects = ['RNN', 'LSTM', 'GRU', 'TCN'];
/** An error below which the adding problem counts as solved. */
const solvedError = 0.01;

const updatesText = ({ records }: Group, name: string, bound: number, direction: 'below' | 'above' = 'below'): string => (
  records.map((record) => updatesUntil(record, name, bound, direction)).map((updates) => (updates === undefined ? 'never' : show(updates))).join(', '));

const level = (name: string, groups: readonly Group[], value: number): PlotSeries => {
  const last = Math.max(...groups.flatMap(({ records }) => records.map(({ updates }) => updates)));
  return { name, x: [0, last], y: [value, value], marks: 'line', dashed: true };
};

const ofSeeds = (which: string, seeds: readonly number[]): string => (seeds.length === 1 ? '(one seed)' : `(${which} of ${seeds.length} seeds)`);

const sizes = ({ records }: Group): string => show(records[0]!.parameters);
const processor = (group: Group): string => show(mean(group.records.map(({ seconds }) => seconds)), 2);

/** Adding on long sequences. */
export function reportLongAdding(records: readonly RunRecord[]): Section {
  const groups = groupBySubject(records, subjects);
  const errors = new Map(groups.map((group) => [group.subject, measuresOf(group, 'error')]));
  const best = (name: string): number => Math.min(...errors.get(name)!);
  const worst = (name: string): number => Math.max(...errors.get(name)!);
  return {
    claims: [
      ...['GRU', 'TCN'].map((name) => judgeClaim(`the ${name} solves adding`, groups, [name], () => ({ held: worst(name) < solvedError, found: `error: ${show(worst(name), 2)} ${ofSeeds('worst', errors.get(name)!)}` }))),
      judgeClaim('the RNN stays at the error of a constant answer', groups, ['RNN'], () => ({ held: best('RNN') > addingVariance * 0.9, found: `error: ${show(best('RNN'), 2)} ${ofSeeds('best', errors.get('RNN')!)}` })),
      judgeClaim('the LSTM is behind GRU and TCN at the same size', groups, ['LSTM', 'GRU', 'TCN'], () => ({
        held: mean(errors.get('LSTM')!) > Math.max(mean(errors.get('GRU')!), mean(errors.get('TCN')!)), found: `error: LSTM ${showAll(errors.get('LSTM')!)}`,
      })),
    ],
    text: [
      'S. Bai, J. Z. Kolter and V. Koltun, arXiv:1803.01271 (2018), Table 1: the sum of two marked numbers among T. Always answering 1 has the error 0.167.',
      `Here: ${describeSettings(records, ['steps', 'updates', 'rows', 'rate', 'clip'])}, Adam. The paper: T = 600, about 70,000 parameters, 15,630 updates of 32 rows, with a search for the settings of the recurrent networks, and dropout in the TCN.`,
      table(['network', 'published error, T = 600', `error here, T = ${describeSettings(records, ['steps']).replace('steps ', '')}`, `updates until below ${solvedError}`, 'parameters', 'processor seconds'], groups.map((group) => [
        group.subject, show(bai[group.subject]!.adding), showAll(measuresOf(group, 'error')), updatesText(group, 'error', solvedError), sizes(group), processor(group)])),
    ],
    figures: [{
      name: 'adding',
      plot: {
        title: 'Adding problem', x: { label: 'updates' }, y: { label: 'mean squared error', logarithmic: true },
        series: [...groups.map((group) => ({ name: group.subject, ...meanCurve(group, 'error') })), level('constant', groups, addingVariance)],
      },
    }],
  };
}

/** Copy memory. */
export function reportCopyMemory(records: readonly RunRecord[]): Section {
  const groups = groupBySubject(records, subjects);
  const gap = Number(records[0]!.settings['gap']);
  const guess = copyGuessLoss(gap);
  const losses = new Map(groups.map((group) => [group.subject, measuresOf(group, 'loss')]));
  const recurrent = ['RNN', 'LSTM', 'GRU'].flatMap((name) => losses.get(name) ?? []);
  const convolution = losses.get('TCN') ?? [];
  return {
    claims: [
      judgeClaim('the TCN is far ahead of every recurrent network on copy memory', groups, subjects, () => ({
        held: Math.max(...convolution) * 10 < Math.min(...recurrent), found: `loss: TCN ${showAll(convolution)}, recurrent at least ${show(Math.min(...recurrent), 2)}`,
      })),
      judgeClaim('the recurrent networks stay near guessing', groups, ['RNN', 'LSTM', 'GRU'], () => ({
        held: Math.min(...recurrent) > 0.5 * guess, found: `loss: at least ${show(Math.min(...recurrent), 2)}, guessing ${show(guess, 2)}`,
      })),
    ],
    text: [
      `The same paper: ten digits have to be repeated after T steps. Guessing among the eight digits at the end has the loss 10 ln 8 / (T + 20): 0.0204 for the paper's T = 1000, ${show(guess)} here.`,
      `Here: ${describeSettings(records, ['gap', 'updates', 'rows', 'rate', 'clip'])}, RMSprop, about 16,000 parameters, as in the paper but for T (gap).`,
      table(['network', 'published loss, T = 1000', `loss here, T = ${gap}`, 'as a share of guessing', 'digits repeated rightly', 'parameters', 'processor seconds'], groups.map((group) => [
        group.subject, show(bai[group.subject]!.copy), showAll(measuresOf(group, 'loss')), showAll(measuresOf(group, 'loss').map((loss) => loss / guess)), showAll(measuresOf(group, 'recalled')), sizes(group), processor(group)])),
    ],
    figures: [{
      name: 'copy-memory',
      plot: {
        title: 'Copy memory', x: { label: 'updates' }, y: { label: 'cross-entropy', logarithmic: true },
        series: [...groups.map((group) => ({ name: group.subject, ...meanCurve(group, 'loss') })), level('guessing', groups, guess)],
      },
    }],
  };
}
