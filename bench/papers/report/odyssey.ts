/** Section about the variants of Greff et al. on the adding problem. */
import type { Section } from '../experiment.ts';
import type { RunRecord } from '../results.ts';
import { judgeClaim } from './claims.ts';
import { describeSettings, groupBySubject, mean, meanCurve, measuresOf, show, showAll, table, updatesUntil } from './format.ts';

const variants: Readonly<Record<string, string>> = {
  V: 'vanilla LSTM with peepholes', NIG: 'no input gate', NFG: 'no forget gate', NOG: 'no output gate', NIAF: 'no input activation', NOAF: 'no output activation',
  NP: 'no peepholes', CIFG: 'coupled gates, f = 1 − i', FGR: 'gates see each other',
};

/** The threshold of a public repetition of the experiment. */
const threshold = 0.01;

/** All nine. */
export function reportOdyssey(records: readonly RunRecord[]): Section {
  const groups = groupBySubject(records, Object.keys(variants));
  const clears = groups.filter((group) => measuresOf(group, 'error').every((error) => error < threshold)).map(({ subject }) => subject);
  const failing = groups.map(({ subject }) => subject).filter((subject) => !clears.includes(subject));
  const errorOf = (name: string): number => mean(groups.filter(({ subject }) => subject === name).flatMap((group) => measuresOf(group, 'error')));
  return {
    claims: [
      judgeClaim('all variants but NIG come below an error of 0.01', groups, Object.keys(variants), () => ({ held: failing.join() === 'NIG', found: `not below it in every seed: ${failing.join(', ') || 'none'}` })),
      judgeClaim('coupled gates and no peepholes cost nothing', groups, ['V', 'CIFG', 'NP'], () => ({
        held: Math.max(errorOf('CIFG'), errorOf('NP')) < Math.min(threshold, 3 * errorOf('V')), found: `mean error: CIFG ${show(errorOf('CIFG'), 2)}, NP ${show(errorOf('NP'), 2)}, V ${show(errorOf('V'), 2)}`,
      })),
    ],
    text: [
      'K. Greff et al., "LSTM: a search space odyssey", arXiv:1503.04069 (2015), compare these on speech, handwriting and music: no variant is better than the vanilla LSTM by much, coupled gates and '
      + 'no peepholes simplify it for free. Their order is looked for here on the adding problem with T = 50, as a public repetition did, which found that all but NIG come below 0.01.',
      `Here: ${describeSettings(records, ['steps', 'units', 'updates', 'rows', 'rate'])}, Adam. What the paper says of forget gate and output activation being the most critical parts cannot be expected of this task, in which nothing has to be forgotten.`,
      table(['variant', '', 'error by seed', `updates until below ${threshold}`, 'parameters'], groups.map((group) => [
        group.subject, variants[group.subject]!, showAll(measuresOf(group, 'error')),
        group.records.map((record) => updatesUntil(record, 'error', threshold, 'below')).map((updates) => (updates === undefined ? 'never' : show(updates))).join(', '), show(group.records[0]!.parameters)])),
    ],
    figures: [{
      name: 'odyssey',
      plot: { title: 'Nine LSTMs on adding, T = 50', x: { label: 'updates' }, y: { label: 'mean squared error', logarithmic: true }, series: groups.map((group) => ({ name: group.subject, ...meanCurve(group, 'error') })) },
    }],
  };
}
