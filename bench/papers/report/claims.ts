import type { Claim } from '../experiment.ts';
import type { Group } from './format.ts';

/** Judges a claim when every architecture that it speaks of has been run; before that nothing is known. */
export function judgeClaim(claim: string, groups: readonly Group[], needs: readonly string[], judge: () => Pick<Claim, 'held' | 'found'>): Claim {
  const missing = needs.filter((subject) => !groups.some((group) => group.subject === subject));
  return missing.length > 0 ? { claim, held: undefined, found: `not run: ${missing.join(', ')}` } : { claim, ...judge() };
}
