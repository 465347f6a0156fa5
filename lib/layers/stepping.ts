import { add, constant, dependentNodes, multiply, rebuild, reshape, scan, scanAttributes, substitute, topologicalOrder, zeros, type Node, type Shape, type Value } from '../graph/index.ts';
import type { Scope, Signal } from './layer.ts';
import { forwardScope } from './lookAhead.ts';

/** A state that layers inside of a loop ask for. */
export interface SteppedState {
  /** Below the loop's scope: "lstm/h". */
  readonly path: string;
  readonly shape: Shape;
  /** What fresh rows begin with, where that is not zero. */
  readonly initial: Value | undefined;
}

interface Hooks {
  readonly state: (path: string, shape: Shape, initial: Value | undefined) => Value;
  readonly carry: (path: string, final: Value) => void;
  readonly randomKey: Scope['randomKey'];
}

/** A scope whose states are those of a step; nothing inside of a loop can be observed from outside. */
function steppedScope(scope: Scope, hooks: Hooks, below = ''): Scope {
  return Object.assign(Object.create(scope) as Scope, {
    child: (name: string) => steppedScope(scope.child(name), hooks, `${below}${name}/`),
    state: (name: string, shape: Shape, initial?: Value) => hooks.state(`${below}${name}`, shape, initial),
    carry: (name: string, { final }: { readonly final: Value }) => hooks.carry(`${below}${name}`, final),
    randomKey: hooks.randomKey,
    observe: undefined,
    firstStep: undefined,
  });
}

/** The states that layers ask for when `build` builds them, found by building them once for nothing. */
export function findStates(scope: Scope, build: (scope: Scope) => unknown): SteppedState[] {
  const found: SteppedState[] = [];
  build(steppedScope(scope, {
    state: (path, shape, initial) => {
      found.push({ path, shape, initial });
      return zeros(shape);
    },
    carry: () => undefined,
    randomKey: () => zeros([2], 'int32'),
  }));
  return found;
}

/** One step's part of a sequence as a signal of one step: [N, …] → [1, N, …]. */
export function singleStep(value: Value, tokens?: number): Signal {
  return { value: reshape(value, [1, ...value.shape]), time: true, tokens };
}

/** What a layer gave for a signal of one step, without the axis of time. */
export function ofSingleStep({ value, time }: Signal): Value {
  return time ? reshape(value, value.shape.slice(1)) : value;
}

function inlined(node: Node, inputs: readonly Value[]): readonly Value[] {
  const { body } = scanAttributes(node);
  const sequencesEnd = body.carried.length + body.scanned.length;
  const mapping = new Map<Value, Value>();
  body.carried.forEach((own, i) => mapping.set(own, inputs[i]!));
  body.scanned.forEach((own, i) => mapping.set(own, reshape(inputs[body.carried.length + i]!, own.shape)));
  body.captured.forEach((own, i) => mapping.set(own, inputs[sequencesEnd + i]!));
  const values = substitute([...body.next, ...body.collected], mapping);
  return [...values.slice(0, body.next.length), ...values.slice(body.next.length).map((value) => reshape(value, [1, ...value.shape]))];
}

/** Loops of one step that depend on any of `sources` become what they do: a loop in a loop is then one loop, whose products are found and merged like any cell's. */
function withoutSingleSteps(values: readonly Value[], sources: readonly Value[]): Value[] {
  const inside = dependentNodes(topologicalOrder(values), new Set(sources));
  return rebuild(values, (node, inputs) => (node.operation === 'scan' && inside.has(node) && scanAttributes(node).length === 1 ? inlined(node, inputs) : undefined));
}

export interface Step {
  /** For the layers of this step. */
  readonly scope: Scope;
  /** This step's part of each sequence. */
  readonly parts: Readonly<Record<string, Value>>;
  /** The states as the step finds them, by path. */
  readonly states: Readonly<Record<string, Value>>;
}

export interface LayerLoop {
  readonly scope: Scope;
  /** [T, …] each. */
  readonly sequences: Readonly<Record<string, Value>>;
  readonly lengths?: Value | undefined;
  /** Every state that the layers inside ask for, and those of the loop's own. */
  readonly states: readonly SteppedState[];
  /** Builds one step; every state of the loop's own is to be carried on in the step's scope, as by layers. */
  readonly step: (step: Step) => { readonly outputs: Readonly<Record<string, Value>> };
}

const prefixed = (prefix: string, entries: Readonly<Record<string, Value>>): Record<string, Value> => (
  Object.fromEntries(Object.entries(entries).map(([name, value]) => [`${prefix}${name}`, value])));

function under(prefix: string, entries: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(entries).filter(([name]) => name.startsWith(prefix)).map(([name, value]) => [name.slice(prefix.length), value]));
}

/** The scope below which a path's last part is named. */
function scopeOf(scope: Scope, path: string): { readonly owner: Scope; readonly name: string } {
  const parts = path.split('/');
  return { owner: parts.slice(0, -1).reduce((inner, part) => inner.child(part), scope), name: parts.at(-1)! };
}

/** A key for each use of random numbers in a step: another one at each step of the sequence, or the same for the run. */
function stepKeys(scope: Scope, step: Value): Scope['randomKey'] {
  const place = scope.firstStep ? add(step, scope.firstStep) : step;
  return (span) => (span === 'run' ? scope.randomKey(span) : add(scope.randomKey(span), multiply(place, constant([1, 0], [2], 'int32'))));
}

/**
 * A loop over time whose step is made of layers: they build themselves for one step at a time, and what they carry as states the loop carries from step to step. The
 * states stay states of the model, under the paths that the layers would have without the loop.
 * @returns what the steps gave, stacked: [T, …] by name.
 */
export function loopLayers({ scope, sequences, lengths, states, step }: LayerLoop): Record<string, Value> {
  const owners = states.map(({ path }) => scopeOf(scope, path));
  const starts = Object.fromEntries(states.map(({ path, shape, initial }, i) => [`state ${path}`, owners[i]!.owner.state(owners[i]!.name, shape, initial)]));
  const { final, outputs } = scan<string, string, string>({
    initial: starts,
    inputs: prefixed('part ', sequences),
    lengths,
    step: (values) => buildStep(values, { scope, states, step }),
  });
  states.forEach(({ path }, i) => owners[i]!.owner.carry(owners[i]!.name, { final: final[`state ${path}`]!, sequence: outputs[`state ${path}`]! }));
  return under('output ', outputs);
}

function buildStep(values: Readonly<Record<string, Value>>, { scope, states, step }: Pick<LayerLoop, 'scope' | 'states' | 'step'>): { next: Record<string, Value>; outputs: Record<string, Value> } {
  const current = under('state ', values);
  const finals = new Map<string, Value>();
  const inner = steppedScope(forwardScope(scope, Object.values(values)), {
    state: (path) => current[path]!,
    carry: (path, value) => { finals.set(path, value); },
    randomKey: stepKeys(scope, values['step']!),
  });
  const result = step({ scope: inner, parts: under('part ', values), states: current });
  const next = Object.fromEntries(states.map(({ path }) => [path, finals.get(path)!]));
  const all = { ...prefixed('state ', next), ...prefixed('output ', result.outputs) };
  const names = Object.keys(all);
  const flat = withoutSingleSteps(Object.values(all), Object.values(values));
  const by = (prefix: string): Record<string, Value> => Object.fromEntries(names.flatMap((name, i) => (name.startsWith(prefix) ? [[name, flat[i]!]] : [])));
  return { next: by('state '), outputs: { ...by('output '), ...by('state ') } };
}
