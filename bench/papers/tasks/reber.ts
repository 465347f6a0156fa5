import type { UniformSource } from '../../../lib/random.ts';
import { drawCharacter, drawInteger } from './draw.ts';

export const reberSymbols = 'BTPSXVE';

/** Where each node of A. Reber's grammar leads: a symbol and the next node; the last node has none. */
const arcs: readonly Readonly<Record<string, number>>[] = [
  { B: 1 }, { T: 2, P: 3 }, { S: 2, X: 4 }, { T: 3, V: 5 }, { X: 3, S: 6 }, { P: 4, V: 6 }, { E: 7 }, {},
];

/** A string of the embedded grammar and, for each of its symbols but the last, the symbols that may follow. */
export interface ReberString {
  readonly text: string;
  /** legal[t]: what may come at t + 1. */
  readonly legal: readonly string[];
}

/** What may follow a prefix of the embedded grammar: the symbols, none once the string is whole, or null when no string begins like this. */
export function embeddedReberSuccessors(prefix: string): string | null {
  let node = -2;
  let branch = '';
  let allowed = 'B';
  for (const symbol of prefix) {
    if (!allowed.includes(symbol)) return null;
    if (node === -2) [node, allowed] = [-1, 'TP'];
    else if (node === -1) [node, allowed, branch] = [0, 'B', symbol];
    else if (node < 7) {
      node = arcs[node]![symbol]!;
      allowed = node === 7 ? branch : Object.keys(arcs[node]!).join('');
    } else [node, allowed] = [node + 1, node === 7 ? 'E' : ''];
  }
  return allowed;
}

/**
 * A string of the embedded Reber grammar (S. Hochreiter and J. Schmidhuber, "Long short-term memory", Neural Computation 9 (1997), experiment 1): B, T or P, a
 * string of Reber's grammar, the same T or P again, E. At a fork both ways are equally likely.
 */
export function embeddedReberString(random: UniformSource): ReberString {
  let text = '';
  const legal: string[] = [];
  for (let allowed = 'B'; allowed !== ''; allowed = embeddedReberSuccessors(text)!) {
    if (text !== '') legal.push(allowed);
    text += drawCharacter(random, allowed);
  }
  return { text, legal };
}

/** Different strings, `count` of them for training and as many for testing; none is in both. */
export function reberStrings(random: UniformSource, count: number): { readonly train: readonly ReberString[]; readonly test: readonly ReberString[] } {
  const found = new Map<string, ReberString>();
  while (found.size < 2 * count) {
    const string = embeddedReberString(random);
    found.set(string.text, string);
  }
  const all = [...found.values()];
  for (let i = all.length - 1; i > 0; i--) {
    const j = drawInteger(random, 0, i);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return { train: all.slice(0, count), test: all.slice(count) };
}

/**
 * Whether a string is foretold rightly: at every step the symbols that may follow are more active than all the others.
 * @param outputs [T − 1, 7], flat.
 */
export function foretells({ legal }: ReberString, outputs: ArrayLike<number>): boolean {
  const width = reberSymbols.length;
  return legal.every((allowed, step) => {
    let [leastLegal, mostIllegal] = [Infinity, -Infinity];
    for (let i = 0; i < width; i++) {
      const activity = outputs[step * width + i]!;
      if (allowed.includes(reberSymbols[i]!)) leastLegal = Math.min(leastLegal, activity);
      else mostIllegal = Math.max(mostIllegal, activity);
    }
    return leastLegal > mostIllegal;
  });
}
