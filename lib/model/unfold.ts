import { requireInteger } from '../checks.ts';
import { scanAttributes, topologicalOrder } from '../graph/index.ts';
import type { Node } from '../graph/index.ts';
import { buildModel } from './builder.ts';
import type { BuiltModel } from './builder.ts';
import type { ModelDefinition } from './definition.ts';
import type { ModelCore } from './model.ts';

/** Something at one step of an unfolded model: what a layer gives, or a state. Without a step it stands for the whole sequence. */
export interface UnfoldedPlace {
  /** Name of the layer or input, or path of the state. */
  readonly name: string;
  /** 1 … T; of states 0 and T + 1 too, where they begin. */
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
    return { path, states: names, backward: scan ? scanAttributes(scan).reverse : false, after, scan };
  });
}

/** What one layer does at one step, or once for the whole sequence. */
function applications(definition: ModelDefinition, built: BuiltModel, loops: readonly Loop[], steps: number): UnfoldedNode[] {
  const timed = (name: string): boolean => built.signals.get(name)!.time;
  const states = (layer: string, step: number, before: boolean): UnfoldedPlace[] => loops.filter(({ path }) => path === layer || path.startsWith(`${layer}/`))
    .flatMap(({ states: names, backward }) => names.map((name) => ({ name, step: before ? step + (backward ? 1 : -1) : step })));
  const loopy = new Set(definition.layers.filter(({ name }) => states(name, 1, false).length > 0).map(({ name }) => name));
  const ahead = new Set(built.ahead.filter(({ reach }) => reach === 'later').map(({ layer }) => layer));
  const at = (step: number): UnfoldedNode[] => definition.layers.filter(({ name, inputs }) => loopy.has(name) || (timed(name) && !ahead.has(name) && inputs.some(timed))).map(({ name, kind, inputs }) => ({
    layer: name, kind, step,
    reads: [...inputs.map((source) => ({ name: source, step: timed(source) ? step : null })), ...states(name, step, true)],
    gives: [...(timed(name) ? [{ name, step }] : []), ...states(name, step, false)],
  }));
  const perStep = Array.from({ length: steps }, (_, t) => at(t + 1));
  const done = new Set(perStep[0]!.filter(({ layer }) => timed(layer)).map(({ layer }) => layer));
  const once = definition.layers.filter(({ name }) => !done.has(name)).map(({ name, kind, inputs }): UnfoldedNode => ({
    layer: name, kind, step: null,
    reads: loopy.has(name) ? loops.filter(({ path }) => path === name || path.startsWith(`${name}/`)).flatMap(({ states: names, backward }) => names.map((state) => ({ name: state, step: backward ? 1 : steps }))) : inputs.map((source) => ({ name: source, step: null })),
    gives: [{ name, step: null }],
  }));
  return [...perStep.flat(), ...once];
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
  const starts = loops.flatMap(({ states, backward }) => states.map((name) => placeName({ name, step: backward ? steps + 1 : 0 })));
  const width = `step ${steps}`.length;
  const perStep = Array.from({ length: steps }, (_, t) => nodes.filter(({ step }) => step === t + 1)
    .map((node, i) => `${(i === 0 ? `step ${t + 1}` : '').padEnd(width)}  ${equation(node)}`)).flat();
  const once = nodes.filter(({ step }) => step === null).map((node) => `${''.padEnd(width)}  ${equation(node)}`);
  return [
    `Unfolded over ${steps} ${steps === 1 ? 'step' : 'steps'}: the same layers, with the same weights, at each of them.`,
    ...(starts.length > 0 ? [`Begins with ${starts.join(', ')}.`] : []), ...perStep, ...once, ...aboutRecurrences(loops),
  ].join('\n');
}

/**
 * The graph of a model, folded around its recurrences, unfolded over time.
 * @param steps how many, 1 to 1000.
 * @throws ERR_BPTT_RANGE for other numbers of steps.
 */
export function unfoldModel({ wiring, table }: Pick<ModelCore, 'wiring' | 'table'>, steps: number): Unfolding {
  requireInteger('model', 'unfold', steps, 1, 1000);
  const { definition } = wiring;
  const built = buildModel(wiring, table, { rows: 1, inputs: Object.fromEntries(definition.inputs.map(({ name, time }) => [name, { steps: time ? 2 : 1, ragged: false }])) }, { training: false });
  const loops = loopsOf(built);
  const nodes = applications(definition, built, loops, steps);
  return { steps, nodes, recurrences: loops.map(({ path, states, backward, after }) => ({ path, states, backward, after })), text: format(steps, nodes, loops) };
}
