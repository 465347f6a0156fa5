/** Sections about Hochreiter and Schmidhuber (1997). */
import type { Claim, Section } from '../experiment.ts';
import type { Figure } from './page.ts';
import { hochreiter, type EarlyResult } from '../published.ts';
import type { RunRecord } from '../results.ts';
import { judgeClaim } from './claims.ts';
import { describeSettings, groupBySubject, median, show, showAll, table, type Group } from './format.ts';

const solvedOf = ({ records }: Group): RunRecord[] => records.filter(({ ended }) => ended === 'criterion');

function sequencesText(group: Group): string {
  const solved = solvedOf(group).map(({ sequences }) => sequences);
  if (solved.length === 0) return `never within ${show(Math.max(...group.records.map(({ sequences }) => sequences)))}`;
  return `${show(median(solved), 6)} (${show(Math.min(...solved))} to ${show(Math.max(...solved))})`;
}

const publishedRow = ({ method, weights, solved, sequences, wrong }: EarlyResult): string[] => [method, weights, solved, sequences, wrong];

function wrongText(group: Group): string {
  const solved = solvedOf(group);
  return solved.length === 0 ? '' : `${solved.map(({ measures }) => show(measures['wrong'])).join(', ')} of ${show(Number(group.records[0]!.settings['tested']))}`;
}

/** Claim that an architecture meets the criterion with a share of the seeds, from `least` to `most`. */
function solvedClaim(claim: string, groups: readonly Group[], subject: string, { least = 0, most = 1 }: { readonly least?: number; readonly most?: number }): Claim {
  return judgeClaim(claim, groups, [subject], () => {
    const group = groups.find((each) => each.subject === subject)!;
    const solved = solvedOf(group).length;
    const share = solved / group.records.length;
    return { held: share >= least && share <= most, found: `${subject}: ${solved} of ${group.records.length} seeds` };
  });
}

/** How the share of the seeds that have met the criterion grows, in steps. */
function solvedFigure(name: string, title: string, groups: readonly Group[]): Figure {
  const last = Math.max(...groups.flatMap(({ records }) => records.map(({ sequences }) => sequences)));
  const series = groups.map((group) => {
    const [x, y] = [[0], [0]];
    for (const sequences of solvedOf(group).map((record) => record.sequences).sort((a, b) => a - b)) {
      const share = y.at(-1)!;
      x.push(sequences, sequences);
      y.push(share, share + 1 / group.records.length);
    }
    return { name: group.subject, x: [...x, last], y: [...y, y.at(-1)!], marks: 'line' as const };
  });
  return { name, plot: { title, x: { label: 'sequences' }, y: { label: 'share of seeds that have solved it' }, series, height: 300 } };
}

/** How far the seeds came that did not meet the criterion: the largest share of test strings that each of them foretold at a look. */
function missedText(group: Group): string {
  const missed = group.records.filter(({ ended }) => ended !== 'criterion').map(({ curve }) => Math.max(...curve.map((point) => point['test']!)));
  return missed.length === 0 ? '' : showAll(missed, 3);
}

/** Embedded Reber grammar. */
export function reportReber(records: readonly RunRecord[], subjects: readonly string[], cell: string): Section {
  const groups = groupBySubject(records, subjects);
  return {
    claims: [
      solvedClaim('the LSTM of 1997 learns the embedded Reber grammar with nearly every seed (97 to 100 % published, 90 % asked for here)', groups, cell, { least: 0.9 }),
      solvedClaim('simple recurrent networks do so rarely or never', groups, 'RNN', { most: 0.2 }),
    ],
    text: [
      'S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997), experiment 1. Every symbol of a string is to be foretold; the last but one repeats the second. Solved is when all '
      + 'strings of training and test set are foretold rightly: at each step the legal symbols are more active than all the others.',
      `Here: ${describeSettings(records, ['strings', 'rate', 'most'])}; one string at a time, Adam and cross-entropy instead of gradient descent and squared error, gradients through everything instead of through the cells alone. Looked at every `
      + `${show(Number(records[0]!.settings['every']))} strings. Changed after first runs: with six units, 301 weights and so about as many as in the paper, one seed of six met the criterion within 20,000 strings; `
      + 'the simple network has as many weights as the cell of 1997, not the 15 units of the paper. The bound was 20,000 strings at first, less than the 39,740 that the paper’s network of 264 weights took. The gated networks that do not solve it '
      + 'foretell all training strings again and again and at best all but one or two of the 256 test strings; then they learn the training strings by heart, at the cost of the others. Beyond 20,000 strings one GRU and one simple network solved it.',
      table(['network', 'weights', 'solved', 'sequences until solved, median (range)', 'most test strings foretold where not solved'], [
        ...hochreiter.reber.map(publishedRow),
        ...groups.map((group) => [`${group.subject}, ${show(Number(group.records[0]!.settings['units']))} units`, show(group.records[0]!.parameters), `${solvedOf(group).length} of ${group.records.length}`, sequencesText(group), missedText(group)]),
      ]),
    ],
    figures: [solvedFigure('reber', 'Embedded Reber grammar', groups)],
  };
}

const lagTexts = {
  'early-adding': [
    'Experiment 4 of the same paper, T = 100: the values of two marked pairs among 100 to 110 are added. An answer is right when it differs by less than 0.04; training ends when the last 2,000 sequences were right before they were '
    + 'learned from and their mean error is below 0.01; then 2,560 new ones are tried.',
    'In this experiment and the next ones the input gates of the cell of 1997 begin almost closed (input gate bias), as in the paper, which gives each block a bias of its own.',
  ],
  'order-of-two': [
    'Experiment 6a: two symbols X or Y among 100 to 110 symbols, four classes. An answer is right when every output differs from its target by less than 0.3; training ends when the last 2,000 sequences were right and their mean error is below 0.1.',
  ],
  'order-of-three': ['Experiment 6b: three symbols, eight classes.'],
} as const;

/** One of the experiments with long lags. */
export function reportLag(name: keyof typeof lagTexts, records: readonly RunRecord[], subjects: readonly string[], cell: string): Section {
  const groups = groupBySubject(records, subjects);
  const title = { 'early-adding': 'adding over 100 steps', 'order-of-two': 'the order of two symbols', 'order-of-three': 'the order of three symbols' }[name];
  return {
    claims: [
      solvedClaim(`the LSTM of 1997 learns ${title}`, groups, cell, { least: 1 }),
      solvedClaim(`a simple recurrent network does not learn ${title}`, groups, 'RNN', { most: 0 }),
    ],
    text: [
      ...lagTexts[name],
      `Here: ${describeSettings(records, ['units', 'rows', 'updates', 'rate', 'clip'])}, input gate bias of the cell of 1997 ${show(Number(records[0]!.settings['inputGateBias']))}; Adam with a rate that falls along a cosine, gradients through everything.`,
      table(['network', 'weights', 'solved', 'sequences until solved, median (range)', 'wrong afterwards'], [
        ...hochreiter[name].map(publishedRow),
        ...groups.map((group) => [group.subject, show(group.records[0]!.parameters), `${solvedOf(group).length} of ${group.records.length}`, sequencesText(group), wrongText(group)]),
      ]),
    ],
    figures: [solvedFigure(name, title.replace(/^./, (first) => first.toUpperCase()), groups)],
  };
}
