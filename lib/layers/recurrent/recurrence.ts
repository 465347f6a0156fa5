import { cellSpecification, cellStep, type CellSpecification } from '../../cells/index.ts';
import { scan, type Value } from '../../graph/index.ts';
import { featureCount } from '../define.ts';
import type { Scope, Signal } from '../layer.ts';
import { boundaryStep } from '../masking.ts';
import { enterContext } from './context.ts';
import { candidateMask, drawMasks, dropWeights, recurrentMask, zoneout, zoneoutMask, type Masks } from './masks.ts';
import type { RecurrentSettings } from './options.ts';
import { initialStates, recurrentParameters } from './parameters.ts';

/** One recurrence among the stacked layers and directions of a recurrent layer. */
export interface Place {
  readonly layer: number;
  readonly reverse: boolean;
  /** Whether the last output is wanted instead of the sequence. */
  readonly last: boolean;
  /** A vector for each row, [N, D], that enters this recurrence. */
  readonly context?: Value | undefined;
}

/** Where the states of a recurrence live: below the layer's path, with a part for the stacked layer and one for the direction where there are several. */
function stateScope(scope: Scope, settings: RecurrentSettings, place: Place): Scope {
  const layer = settings.layers > 1 ? scope.child(`layer_${place.layer}`) : scope;
  return settings.direction === 'bidirectional' ? layer.child(place.reverse ? 'backward' : 'forward') : layer;
}

function startStates(scope: Scope, specification: CellSpecification, rows: number, learned: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(specification.state).map(([name, size]) => [name, scope.state(name, [rows, size], learned[name])]));
}

const sequenceName = (state: string): string => `${state}_sequence`;
const gateName = (gate: string): string => `${gate}_gate`;

function renamed<Entry>(entries: Readonly<Record<string, Entry>>, rename: (name: string) => string): Record<string, Entry> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [rename(name), entry]));
}

/** What one step gives: the states as they go on, and what is collected. */
interface Step {
  readonly next: Readonly<Record<string, Value>>;
  readonly output: Value;
  readonly gates: Readonly<Record<string, Value>>;
}

/** One step of the cell with everything that is dropped or kept in it. */
function runStep(specification: CellSpecification, weights: Readonly<Record<string, Value>>, { constant }: Masks, values: Readonly<Record<string, Value>>): Step {
  const mask = (name: string): Value | undefined => values[name] ?? constant[name] as Value | undefined;
  const state = Object.fromEntries(Object.keys(specification.state).map((name) => [name, values[name]!]));
  const { output, next, gates } = cellStep(specification, { x: values['x']!, state, weights, recurrentMask: mask(recurrentMask), candidateMask: mask(candidateMask) });
  const mixed = Object.entries(next).map(([name, after]) => {
    const kept = values[zoneoutMask(name)] ?? constant[zoneoutMask(name)];
    return [name, kept === undefined ? after : zoneout(kept, state[name]!, after)] as const;
  });
  const shown = Object.keys(next).find((name) => next[name] === output);
  const all = Object.fromEntries(mixed);
  return { next: all, output: shown === undefined ? output : all[shown]!, gates };
}

/** Runs one recurrence over a signal [T, N, C]. @returns [T, N, H], or [N, H] when the last output is wanted */
export function runRecurrence(scope: Scope, settings: RecurrentSettings, signal: Signal, place: Place): Value {
  const specification = cellSpecification(settings.cell, featureCount(signal), settings.units, { bias: settings.bias, options: settings.cellOptions });
  if (place.reverse) scope.readsAhead(signal.value, 'backward');
  const suffix = `_l${place.layer}${place.reverse ? '_reverse' : ''}`;
  const parameters = recurrentParameters(scope, specification, settings, suffix);
  const states = stateScope(scope, settings, place);
  const initial = startStates(states, specification, signal.value.shape[1]!, initialStates(scope, specification, settings, suffix));
  const names = Object.keys(initial);
  const masks = drawMasks(scope, specification, settings.dropout, signal.value.shape);
  const weights = dropWeights(scope, settings.dropout, parameters);
  const entered = enterContext(place.context, specification, settings, weights, { scope, states, suffix, signal, reverse: place.reverse });
  let shown: string | undefined;
  let seen: string[] = [];
  const { final, outputs } = scan<string, string, string>({
    initial,
    inputs: { x: signal.value, ...masks.scanned, ...entered.scanned },
    reverse: place.reverse,
    lengths: signal.lengths,
    step: (values) => {
      const { output, next, gates } = runStep(specification, entered.weights(values), masks, values);
      shown = names.find((name) => next[name] === output);
      const sequences = names.filter((name) => name !== shown).map((name) => [sequenceName(name), next[name]!] as const);
      const observed = states.observe ? gates : {};
      seen = Object.keys(observed);
      return { next, outputs: { output, ...Object.fromEntries(sequences), ...renamed(observed, gateName) } };
    },
  });
  const output = outputs['output']!;
  for (const name of names) states.carry(name, { final: final[name]!, sequence: name === shown ? output : outputs[sequenceName(name)]! });
  for (const gate of seen) states.observe!(gate, { value: outputs[gateName(gate)]!, time: true, lengths: signal.lengths });
  if (!place.last) return output;
  return shown === undefined ? boundaryStep({ value: output, time: true, lengths: signal.lengths }, place.reverse) : final[shown]!;
}
