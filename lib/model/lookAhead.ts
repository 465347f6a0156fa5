import { BpttError } from '../errors.ts';
import { dependsOn } from '../graph/index.ts';
import type { Value } from '../graph/index.ts';
import type { Reach } from '../layers/layer.ts';
import type { BuiltModel } from './builder.ts';
import type { Wiring } from './definition.ts';
import type { InputDefinition } from './symbolic.ts';

/** What a layer said of itself, or a state shows by what it begins with: that a step needs more of `seen` than its steps up to that one. */
export interface LookAhead {
  readonly layer: string;
  readonly seen: Value;
  readonly reach: Reach;
  /** The state that begins with what was seen. */
  readonly state?: string | undefined;
}

/** A layer that needs more of some inputs than their steps so far. */
export interface AheadOf {
  readonly layer: string;
  readonly inputs: readonly string[];
}

function seenOf(built: BuiltModel, seen: Value, names: readonly string[]): string[] {
  return names.filter((name) => dependsOn(seen, new Set([built.inputs[name]!])));
}

/** The first layer that needs more of any of these inputs than their steps so far, in another way than `besides`; inputs without time are there from the first step on. */
export function aheadOf(built: BuiltModel, inputs: readonly InputDefinition[], besides?: Reach): AheadOf | undefined {
  const names = inputs.filter(({ time }) => time).map(({ name }) => name);
  for (const { layer, seen, reach } of built.ahead) {
    const found = reach === besides ? [] : seenOf(built, seen, names);
    if (found.length > 0) return { layer, inputs: found };
  }
  return undefined;
}

/** The inputs over time that a layer goes along, step by step: not those that it reads beside. */
function goneAlong(wiring: Wiring, built: BuiltModel, name: string): string[] {
  const { definition, layers } = wiring;
  if (definition.inputs.some((input) => input.name === name)) return [name];
  const place = definition.layers.findIndex((layer) => layer.name === name);
  const { inputs } = definition.layers[place]!;
  const own = inputs.slice(0, inputs.length - (layers[place]!.furtherInputs ?? 0)).filter((source) => built.signals.get(source)!.time);
  return own.flatMap((source) => goneAlong(wiring, built, source));
}

const hindrances = {
  later: ['later steps of', 'or choose padding "causal" and stride 1'],
  whole: ['the whole of', 'or let the layer see it as another input'],
} as const;

/**
 * Makes sure that states can be those of an earlier part: that no layer looks at later steps, or at the whole, of an input which they go along. A backward direction may be given a
 * state, with which it begins at the end.
 * @throws ERR_BPTT_OPTION naming the layer.
 */
export function requirePartwise(owner: string, wiring: Wiring, built: BuiltModel, states: readonly string[]): void {
  const layersOf = (paths: readonly string[]): string[] => [...new Set(paths.map((path) => path.split('/')[0]!))];
  const along = (names: readonly string[]): string[] => [...new Set(names.flatMap((name) => goneAlong(wiring, built, name)))];
  const all = along(layersOf(states));
  for (const { layer, seen, reach, state } of built.ahead) {
    if (reach === 'backward' || (state !== undefined && !states.includes(state))) continue;
    const [found] = seenOf(built, seen, state === undefined ? all : along([layer]));
    if (found === undefined) continue;
    const [seenSteps, cure] = hindrances[reach];
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: states cannot go on from one part of a sequence to the next, for the layer "${layer}" reads steps ahead, ${seenSteps} the input "${found}"; `
      + `leave state out and give the whole at once, ${cure}`, { expected: 'a model that can be run part by part', received: layer });
  }
}
