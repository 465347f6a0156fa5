/** Section about counting with finite precision. */
import type { Section } from '../experiment.ts';
import type { RunRecord } from '../results.ts';
import { judgeClaim } from './claims.ts';
import { describeSettings, groupBySubject, mean, measuresOf, show, showAll, table, type Group } from './format.ts';

const subjects = ['LSTM', 'GRU', 'RNN'];

/** Of all seeds the one that recognises most. */
const best = ({ records }: Group): RunRecord => records.reduce((first, record) => (record.measures['accuracy']! > first.measures['accuracy']! ? record : first));

/** LSTM against GRU and RNN. */
export function reportCounting(records: readonly RunRecord[]): Section {
  const groups = groupBySubject(records, subjects);
  const accuracy = (name: string): number[] => groups.filter(({ subject }) => subject === name).flatMap((group) => measuresOf(group, 'accuracy'));
  const [lstm, gru] = [accuracy('LSTM'), accuracy('GRU')];
  const { trained, tested } = records[0]!.settings as { readonly trained: number; readonly tested: number };
  return {
    claims: [
      judgeClaim('the LSTM counts further than the GRU', groups, ['LSTM', 'GRU'], () => ({
        held: mean(lstm) > mean(gru) && Math.max(...lstm) > Math.max(...gru), found: `accuracy up to n = ${tested}: LSTM ${showAll(lstm)}; GRU ${showAll(gru)}`,
      })),
      judgeClaim('an LSTM recognises strings far longer than those it was taught', groups, ['LSTM'], () => {
        const unseen = groups.filter(({ subject }) => subject === 'LSTM').flatMap((group) => measuresOf(group, 'unseen'));
        return { held: Math.max(...unseen) > 0.5, found: `share of n > ${trained} that the best LSTM recognises: ${show(Math.max(...unseen))}` };
      }),
    ],
    text: [
      'G. Weiss, Y. Goldberg and E. Yahav, "On the practical computational power of finite precision RNNs for language recognition", arXiv:1805.04908 (2018): an LSTM can count in its cell, GRU and Elman network cannot, for their states are bounded. '
      + `Taught aⁿbⁿ with n up to ${trained}, their LSTM goes on far beyond, their GRU does not.`,
      `Here: ${describeSettings(records, ['units', 'rows', 'updates', 'rate', 'clip'])}; cross-entropy of the next symbol from the first b on, for before it nothing is certain, Adam with a rate that falls along a cosine. aⁿbⁿ counts as recognised when every symbol from the first b on, and the end, is foretold. `
      + 'Changed after first runs: with ten units, 4,000 updates, half the rate and a loss at every symbol the LSTM ended at n = 106.',
      table(['network', `accuracy, n = 1 to ${tested}`, `n ≤ ${trained}`, `n > ${trained}`, 'without a gap up to n =', 'parameters'], groups.map((group) => [
        group.subject, showAll(measuresOf(group, 'accuracy')), showAll(measuresOf(group, 'seen')), showAll(measuresOf(group, 'unseen')), showAll(measuresOf(group, 'unbroken'), 3), show(group.records[0]!.parameters)])),
      `What the unit that moves furthest holds while a string with n = ${tested} is read, in the best seed of each: the LSTM's c moves one way with every a and back with every b; the GRU's h cannot leave −1 to 1.`,
    ],
    figures: groups.filter(({ subject }) => subject !== 'RNN').map((group) => ({
      name: `counting-${group.subject.toLowerCase()}`,
      plot: {
        title: `${group.subject}: ${group.subject === 'LSTM' ? 'c' : 'h'} over a string with n = ${tested}`, x: { label: 'step' }, y: { label: group.subject === 'LSTM' ? 'c' : 'h' },
        series: [{ name: group.subject, y: best(group).traces!['unit']!, marks: 'line' as const }], height: 300,
      },
    })),
  };
}
