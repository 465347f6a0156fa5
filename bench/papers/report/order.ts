import { mean, measuresOf, show, table, type Group } from './format.ts';

/** That one architecture does less well than another: "<<" by far, "<" surely, "<=" at most as well. */
export interface Relation {
  readonly worse: string;
  readonly better: string;
  readonly kind: '<<' | '<' | '<=';
}

/** How a relation came out. */
export interface Verdict extends Relation {
  readonly difference: number;
  readonly verdict: 'held' | 'within the seeds’ spread' | 'did not hold';
}

/** Accuracy that "by far" asks for at least. */
export const byFar = 0.1;

/** Half the distance between the best and the worst seed. */
const spread = (values: readonly number[]): number => (Math.max(...values) - Math.min(...values)) / 2;

/**
 * Compares mean accuracies over the seeds. What fails by no more than the seeds of the two architectures differ among themselves is neither confirmed nor refuted.
 */
export function judgeOrder(groups: readonly Group[], relations: readonly Relation[], measure: string): Verdict[] {
  const found = new Map(groups.map((group) => [group.subject, measuresOf(group, measure)]));
  return relations.filter(({ worse, better }) => found.has(worse) && found.has(better)).map((relation) => {
    const [low, high] = [found.get(relation.worse)!, found.get(relation.better)!];
    const difference = mean(high) - mean(low);
    const needed = relation.kind === '<<' ? byFar : 0;
    const held = relation.kind === '<=' ? difference >= 0 : difference > needed;
    const noise = Math.max(spread(low), spread(high));
    return { ...relation, difference, verdict: held ? 'held' : difference >= needed - noise ? 'within the seeds’ spread' : 'did not hold' };
  });
}

const signs = { '<<': '≪', '<': '<', '<=': '≤' } as const;

/** Relations and verdicts as a table, with a sentence that counts them. */
export function orderTable(verdicts: readonly Verdict[]): string[] {
  if (verdicts.length === 0) return [];
  const count = (verdict: Verdict['verdict']): number => verdicts.filter((each) => each.verdict === verdict).length;
  return [
    `Of ${verdicts.length} relations of the published order ${count('held')} held, ${count('within the seeds’ spread')} were reversed by no more than the seeds differ, and ${count('did not hold')} did not hold.`,
    table(['relation', 'difference of the means', 'verdict'], verdicts.map(({ worse, better, kind, difference, verdict }) => [`${worse} ${signs[kind]} ${better}`, show(difference, 2), verdict])),
  ];
}

/** Every relation between the members of one rank and those of the next. */
export function relate(worse: readonly string[], kind: Relation['kind'], better: readonly string[]): Relation[] {
  return worse.flatMap((low) => better.map((high) => ({ worse: low, better: high, kind })));
}

/** Share of the pairs of two lists of numbers that stand in the same order in both. */
export function agreement(first: readonly number[], second: readonly number[]): number {
  let [same, all] = [0, 0];
  for (let i = 0; i < first.length; i++) {
    for (let j = i + 1; j < first.length; j++) {
      all++;
      same += Number(Math.sign(first[i]! - first[j]!) === Math.sign(second[i]! - second[j]!));
    }
  }
  return all === 0 ? NaN : same / all;
}
