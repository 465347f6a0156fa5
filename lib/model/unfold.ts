import { requireInteger } from '../checks.ts';
import { dependsOn, scanAttributes, topologicalOrder } from '../graph/index.ts';
import type { Node, Value } from '../graph/index.ts';
import { buildModel } from './builder.ts';
import type { BuiltModel } from './builder.ts';
import type { Wiring } from './definition.ts';
import type { ModelCore } from './model.ts';

/** Something at one step of an unfolded model: what a layer gives, or a state. */
export interface UnfoldedPlace {
  /** Name of the layer or input, or path of the state. */
  readonly name: string;
  /** 1 … T; of states 0 and T + 1 too, where they begin. null for what has no steps, and for the whole over all of them, which attention sees. */
  readonly step: number | null;
}

/** One application of a layer: what it reads gives what it makes. */
export interface UnfoldedNode {
  readonly layer: string;
  readonly kind: string;
  readonly step: number | null;
  readonly reads: readonly UnfoldedPlace[];
  readonly gives: readonly UnfoldedPlace[];
}

/** A loop of the folded graph. */
export interface Recurrence {
  /** Path, such as "lstm/layer_0". */
  readonly path: string;
  readonly states: readonly string[];
  /** From the end of time to its beginning. */
  readonly backward: boolean;
  /** Recurrences whose outputs it reads: sequential recursion. Any other stands beside it: parallel recursion. */
  readonly after: readonly string[];
}

/** A model written out over time. */
export interface Unfolding {
  readonly steps: number;
  readonly nodes: readonly UnfoldedNode[];
  readonly recurrences: readonly Recurrence[];
  /** The nodes as equations, step by step, and how the recurrences stand to each other. */
  readonly text: string;
}

interface Loop extends Recurrence {
  /** How many it makes. */
  readonly steps: number;
  readonly scan: Node | undefined;
}

function loopsOf({ states }: BuiltModel): Loop[] {
  const byPath = new Map<string, string[]>();
  for (const name of states.keys()) {
    const path = name.slice(0, name.lastIndexOf('/'));
    byPath.set(path, [...(byPath.get(path) ?? []), name]);
  }
  const scans = new Map([...byPath].map(([path, names]) => [path, names.map((name) => states.get(name)!.final.node).find(({ operation }) => operation === 'scan')]));
  return [...byPath].map(([path, names]) => {
    const scan = scans.get(path);
    const upstream = new Set(topologicalOrder(scan ? scan.inputs : [...names].map((name) => states.get(name)!.final)));
    const after = [...scans].filter(([other, node]) => other !== path && node && upstream.has(node)).map(([other]) => other);
    return { path, states: names, backward: scan ? scanAttributes(scan).reverse : false, after, scan, steps: states.get(names[0]!)!.sequence.shape[0]! };
  });
}

/** Sources of a layer that it sees the whole of at every step, beside those that it goes along: what attention looks at, what states begin with. */
function seenWhole({ definition, layers }: Wiring, built: BuiltModel): ReadonlyMap<string, ReadonlySet<string>> {
  const madeBy = (name: string): ReadonlySet<Value> => new Set([
    built.signals.get(name)!.value, ...[...built.states].filter(([path]) => path.startsWith(`${name}/`)).map(([, { final }]) => final),
  ]);
  return new Map(definition.layers.map(({ name, inputs }, place) => {
    const seen = built.ahead.filter(({ layer, reach }) => layer === name && reach === 'whole').map((entry) => entry.seen);
    const further = inputs.slice(inputs.length - (layers[place]!.furtherInputs ?? 0));
    return [name, new Set(further.filter((source) => seen.some((value) => dependsOn(value, madeBy(source)))))];
  }));
}

/** What one layer does at one step, or once for the whole sequence. */
function applications(wiring: Wiring, built: BuiltModel, loops: readonly Loop[]): UnfoldedNode[] {
  const { definition } = wiring;
  const timed = (name: string): boolean => built.signals.get(name)!.time;
  const loopsIn = (layer: string): Loop[] => loops.filter(({ path }) => path === layer || path.startsWith(`${layer}/`));
  const states = (layer: string, step: number, before: boolean): UnfoldedPlace[] => loopsIn(layer)
    .flatMap(({ states: names, backward }) => names.map((name) => ({ name, step: before ? step + (backward ? 1 : -1) : step })));
  const loopy = new Set(definition.layers.filter(({ name }) => loopsIn(name).length > 0).map(({ name }) => name));
  const ahead = new Set(built.ahead.filter(({ reach }) => reach === 'later').map(({ layer }) => layer));
  const whole = seenWhole(wiring, built);
  const stepwise = definition.layers.filter(({ name, inputs }) => loopy.has(name) || (timed(name) && !ahead.has(name) && inputs.some(timed)));
  const counts = new Map(stepwise.map(({ name }) => [name, timed(name) ? built.signals.get(name)!.value.shape[0]! : loopsIn(name)[0]!.steps]));
  const at = (step: number): UnfoldedNode[] => stepwise.filter(({ name }) => step <= counts.get(name)!).map(({ name, kind, inputs }) => ({
    layer: name, kind, step,
    reads: [...inputs.map((source) => ({ name: source, step: timed(source) && !whole.get(name)!.has(source) ? step : null })), ...states(name, step, true)],
    gives: [...(timed(name) ? [{ name, step }] : []), ...states(name, step, false)],
  }));
  const most = [...counts.values()].reduce((a, b) => Math.max(a, b), 0);
  const once = definition.layers.filter(({ name }) => !(counts.has(name) && timed(name))).map(({ name, kind, inputs }): UnfoldedNode => ({
    layer: name, kind, step: null,
    reads: loopy.has(name) ? loopsIn(name).flatMap(({ states: names, backward, steps }) => names.map((state) => ({ name: state, step: backward ? 1 : steps }))) : inputs.map((source) => ({ name: source, step: null })),
    gives: [{ name, step: null }],
  }));
  return [...Array.from({ length: most }, (_, t) => at(t + 1)).flat(), ...once];
}

const placeName = ({ name, step }: UnfoldedPlace): string => `${name.replaceAll('/', '.')}${step === null ? '' : `[${step}]`}`;

function equation({ layer, kind, reads, gives }: UnfoldedNode): string {
  const called = layer === kind ? kind : `${kind} "${layer}"`;
  return `${gives.map(placeName).join(', ')} = ${called}(${reads.map(placeName).join(', ')})`;
}

function aboutRecurrences(loops: readonly Loop[]): string[] {
  if (loops.length === 0) return ['No recurrence: every step stands alone.'];
  const lines = loops.map(({ path, backward, after }) => {
    const beside = loops.filter((other) => other.path !== path && !after.includes(other.path) && !other.after.includes(path)).map((other) => other.path);
    const relations = [...(after.length > 0 ? [`sequential recursion: reads ${after.join(', ')}`] : []), ...(beside.length > 0 ? [`parallel recursion: beside ${beside.join(', ')}`] : [])];
    return `  ${path}${backward ? ', backwards' : ''}${relations.length > 0 ? `; ${relations.join('; ')}` : ''}`;
  });
  return ['Recurrences:', ...lines];
}

function format(steps: number, nodes: readonly UnfoldedNode[], loops: readonly Loop[]): string {
  const starts = loops.flatMap(({ states, backward, steps: made }) => states.map((name) => placeName({ name, step: backward ? made + 1 : 0 })));
  const last = nodes.reduce((most, { step }) => Math.max(most, step ?? 0), 0);
  const width = `step ${Math.max(steps, last)}`.length;
  const lines = nodes.map((node, i) => `${(node.step === null || node.step === nodes[i - 1]?.step ? '' : `step ${node.step}`).padEnd(width)}  ${equation(node)}`);
  const inSteps = new Set(nodes.flatMap(({ gives }) => gives.flatMap(({ name, step }) => (step === null ? [] : [name]))));
  const whole = nodes.some(({ step, reads }) => step !== null && reads.some((read) => read.step === null && inSteps.has(read.name)));
  return [
    `Unfolded over ${steps} ${steps === 1 ? 'step' : 'steps'}: the same layers, with the same weights, at each of them.`,
    ...(whole ? ['What is read without a step is read as a whole, all steps of it.'] : []),
    ...(starts.length > 0 ? [`Begins with ${starts.join(', ')}.`] : []), ...lines, ...aboutRecurrences(loops),
  ].join('\n');
}

/**
 * The graph of a model, folded around its recurrences, unfolded over time. Layers behind others that change the number of steps are written out over as many as they make.
 * @param steps of the inputs, 1 to 1000.
 * @throws ERR_BPTT_RANGE for other numbers of steps.
 */
export function unfoldModel({ wiring, table }: Pick<ModelCore, 'wiring' | 'table'>, steps: number): Unfolding {
  requireInteger('model', 'unfold', steps, 1, 1000);
  const built = buildModel(wiring, table, { rows: 1, inputs: Object.fromEntries(wiring.definition.inputs.map(({ name, time }) => [name, { steps: time ? steps : 1, ragged: false }])) }, { training: false });
  const loops = loopsOf(built);
  const nodes = applications(wiring, built, loops);
  return { steps, nodes, recurrences: loops.map(({ path, states, backward, after }) => ({ path, states, backward, after })), text: format(steps, nodes, loops) };
}
