import { BpttError, describe } from '../../errors.ts';
import type { Value } from '../../graph/index.ts';
import type { Layer, Scope, Signal } from '../layer.ts';
import { asLayer } from '../registry.ts';
import { childNames } from '../chain.ts';

/** A scope for what stands inside of a loop over time: the same weights at every step, and no states beside those of the loop. */
function withinStep(owner: string, scope: Scope): Scope {
  return {
    path: scope.path,
    training: scope.training,
    child: (name) => withinStep(owner, scope.child(name)),
    parameter: (name, shape, options) => scope.parameter(name, shape, options),
    state: () => { throw stateError(owner); },
    carry: () => { throw stateError(owner); },
    readsAhead: (seen, reach) => scope.readsAhead(seen, reach),
    randomKey: (span) => scope.randomKey(span),
  };
}

function stateError(owner: string): BpttError {
  return new BpttError('ERR_BPTT_GRAPH', `${owner}: expected a transition of layers without a memory of their own, such as dense(); its memory is the state of ${owner}`, { expected: 'no state' });
}

/** The layers of a transition, checked. @throws ERR_BPTT_OPTION unless there is one, and for a name that two of them have; ERR_BPTT_TYPE for what is no layer. */
export function readTransition(owner: string, given: unknown): readonly Layer[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected transition to be a list of at least one layer, received ${describe(given)}`, { expected: 'layers', received: given });
  }
  const layers = given.map((layer: unknown, i) => asLayer(`${owner}: transition[${i}]`, layer));
  const names = childNames(layers);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return layers;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected a transition of layers with different names, received two called "${twice}"`, { received: twice });
}

/**
 * The layers one after the other over features [rows, C] of one step.
 * @param units how many features the last one has to give
 * @throws ERR_BPTT_SHAPE when it gives others; ERR_BPTT_GRAPH for layers with states.
 */
export function applyTransition(owner: string, scope: Scope, layers: readonly Layer[], features: Value, units: number): Value {
  const names = childNames(layers);
  const within = withinStep(owner, scope);
  const { value } = layers.reduce<Signal>((signal, layer, i) => layer.build(within.child(names[i]!), signal), { value: features, time: false });
  if (value.type === 'float32' && value.shape.length === 2 && value.shape[1] === units) return value;
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected the transition to give ${units} features, received ${value.shape.slice(1).join(' × ')}; let its last layer be dense({ units: ${units} })`,
    { expected: units, received: value.shape.slice(1) });
}
