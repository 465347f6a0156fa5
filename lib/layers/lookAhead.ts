import { BpttError } from '../errors.ts';
import { dependsOn, type Value } from '../graph/index.ts';
import type { Scope } from './layer.ts';

/**
 * A scope for layers that are to read a sequence in one direction: those that look at later steps of what `sources` make are refused with ERR_BPTT_OPTION. What they see
 * of anything else, such as the whole of another sequence, is the outer scope's affair.
 */
export function forwardScope(scope: Scope, sources: readonly Value[]): Scope {
  return within(scope, new Set(sources), scope.path);
}

function within(scope: Scope, sources: ReadonlySet<Value>, owner: string): Scope {
  return Object.assign(Object.create(scope) as Scope, {
    child: (name: string) => within(scope.child(name), sources, owner),
    readsAhead: (...said: Parameters<Scope['readsAhead']>) => {
      if (dependsOn(said[0], sources)) throw backwardsError(owner, scope.path);
      scope.readsAhead(...said);
    },
  });
}

function backwardsError(owner: string, path: string): BpttError {
  const place = path === owner ? 'its layer' : `"${path}"`;
  return new BpttError('ERR_BPTT_OPTION', `${owner}: expected layers of direction "forward" and padding "causal", for it goes through its steps one after the other, and ${place} reads steps ahead; `
    + 'put that layer before it, or choose another direction or padding', { expected: 'forward', received: path });
}
