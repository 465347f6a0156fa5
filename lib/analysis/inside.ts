import { BpttError, memoryError, nearest } from '../errors.ts';
import { constant, input, visitNodes } from '../graph/index.ts';
import type { Value, Variable } from '../graph/index.ts';
import { reduceLoss } from '../losses/index.ts';
import type { Loss, Reduction } from '../losses/index.ts';
import { buildModel } from '../model/builder.ts';
import type { BuiltModel, Signature } from '../model/builder.ts';
import { Model } from '../model/index.ts';
import { lossTerms, total } from '../training/lossGraph.ts';
import { wrongType } from '../checks.ts';

export function requireModel(owner: string, candidate: unknown): Model {
  if (candidate instanceof Model) return candidate;
  throw wrongType(owner, 'the model', 'what sequential() or model() gives', candidate);
}

/**
 * A check for models that functions make, one after the other.
 * @throws ERR_BPTT_TYPE for what is no model; ERR_BPTT_OPTION for one that was made before, and would go on with the weights that it has learned.
 */
export function createFreshModelCheck(): (owner: string, candidate: unknown) => Model {
  const seen = new Set<Model>();
  return (owner, candidate) => {
    const model = requireModel(owner, candidate);
    if (seen.has(model)) {
      throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected a new model from every call, received one for the second time, with the weights that it has; make it inside of the function`, { received: model });
    }
    seen.add(model);
    return model;
  };
}

/** @throws ERR_BPTT_TYPE unless a layer is left out or asked for by its path. */
export function requirePath(owner: string, asked: unknown): string | undefined {
  if (asked === undefined || typeof asked === 'string') return asked;
  throw wrongType(owner, 'layer', 'a path such as "lstm/layer_0"', asked);
}

/** Copies of a model's weights in float64, taken between two training steps. */
export async function weightsOf(model: Model, owner: string, signal?: AbortSignal): Promise<Map<Variable, Float64Array>> {
  return model.core.turns.take({ owner, writes: false, signal }, async () => (
    new Map(model.parameters.map(({ variable, view }) => [variable, Float64Array.from(view)]))));
}

/** A build whose states begin with what is fed as "state/<path>". */
export function buildWithStates(model: Model, signature: Signature): { readonly built: BuiltModel; readonly states: ReadonlyMap<string, Value> } {
  const states = new Map<string, Value>();
  const built = buildModel(model.core.wiring, model.core.table, signature, {
    training: false,
    state: (path, initial) => {
      const value = input(`state/${path}`, initial.shape, 'float32');
      states.set(path, value);
      return value;
    },
  });
  return { built, states };
}

/** States by the recurrence that they are of: "lstm" → h, c; "lstm/layer_0/forward" → …. */
export function recurrences(model: Model): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { name } of model.states) {
    const place = name.slice(0, name.lastIndexOf('/'));
    found.set(place, [...(found.get(place) ?? []), name]);
  }
  return found;
}

/** The recurrence that is meant: the one asked for by its path or that of a layer around it alone, or the only one. @throws ERR_BPTT_OPTION when there is none, or none of this name, or no telling which. */
export function chooseRecurrence(owner: string, model: Model, given: unknown): { readonly place: string; readonly states: readonly string[] } {
  const asked = requirePath(owner, given);
  const known = recurrences(model);
  const places = [...known.keys()];
  if (places.length === 0) throw new BpttError('ERR_BPTT_OPTION', `${owner}: the model carries no state from step to step; it needs a recurrent layer`, { received: asked });
  const within = places.filter((each) => asked === undefined || each === asked || each.startsWith(`${asked}/`));
  const place = within.length === 1 ? within[0]! : undefined;
  const states = place === undefined ? undefined : known.get(place);
  if (place !== undefined && states) return { place, states };
  const hint = asked === undefined ? undefined : nearest(asked, places);
  const several = asked === undefined ? 'the model has several recurrences' : `"${asked}" has several recurrences inside`;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: ${within.length > 1 ? `${several}; say which by layer` : `no recurrence "${asked}"${hint ? `; did you mean "${hint}"?` : ''}`}`
    + ` (${(within.length > 1 ? within : places).join(', ')})`, { expected: places, received: asked });
}

/** @throws ERR_BPTT_OPTION for a model whose steps are not made one after the other. */
export function requireStepwise(owner: string, model: Model): void {
  const { readsLater } = model.core;
  if (readsLater === undefined) return;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: one step after the other is needed, and the layer "${readsLater}" reads steps ahead; look at a model of direction "forward" and padding "causal"`,
    { expected: 'forward', received: readsLater });
}

/** @throws ERR_BPTT_OPTION unless a build over so many steps makes as many of these states and outputs, instead of a number of its own as behind `repeatVector`. */
export function requireStepForStep(owner: string, { states, outputs }: BuiltModel, steps: number, looked: { readonly states: readonly string[]; readonly outputs: readonly string[] }): void {
  const made = [
    ...looked.states.map((path) => [path, states.get(path)!.sequence.shape[0]!] as const),
    ...looked.outputs.filter((name) => outputs[name]!.time).map((name) => [name, outputs[name]!.value.shape[0]!] as const),
  ];
  const own = made.find(([, count]) => count !== steps);
  if (!own) return;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected "${own[0]}" to make a step at each step of the data, and it makes ${own[1]} of its own; look at a model that ends before they begin`,
    { expected: steps, received: own[1] });
}

/** @throws ERR_BPTT_DATA unless all inputs over time have equally many steps, [N] of them each. */
export function requireEqualSteps(owner: string, inputs: readonly { readonly steps: number; readonly lengths: ArrayLike<number> | null }[]): void {
  const [first, ...others] = inputs.map(({ steps, lengths }) => `${steps} (${lengths ? Array.from(lengths).join(', ') : 'all'})`);
  if (others.every((other) => other === first)) return;
  throw new BpttError('ERR_BPTT_DATA', `${owner}: expected inputs of equally many steps, which are made together, received different ones`, { expected: first, received: others });
}

/** @throws ERR_BPTT_OPTION unless steps made one by one give the numbers that they give within their sequence (up to rounding in float64). */
export function requireSameNumbers(owner: string, alone: ArrayLike<number>, within: ArrayLike<number>): void {
  const differs = Array.from(within).findIndex((value, i) => !(Math.abs(alone[i]! - value) <= 1e-6 * Math.max(1, Math.abs(value))));
  if (differs < 0) return;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: one step after the other is needed, and a step made alone gives other numbers than within its sequence: a layer looks at the whole of an input,`
    + ' as decoders and attention do; look at a model whose steps read nothing but their own step and the states before', { expected: within[differs], received: alone[differs] });
}

export interface LossSettings {
  readonly losses: Readonly<Record<string, Loss>>;
  readonly lossOn: 'all' | 'last';
  readonly reduction: Reduction;
  readonly weighted: readonly string[];
}

/** The loss of built outputs, one number; `feeds` gains the targets and weights. */
export function lossOf(outputs: BuiltModel['outputs'], { losses, lossOn, reduction, weighted }: LossSettings, feeds: Value[]): Value {
  const terms = lossTerms(outputs, { losses, lossOn, weighted, lossSteps: null }, feeds);
  return total(terms.map(({ loss, prediction, target, selection }) => reduceLoss({ loss, prediction, target, reduction, ...selection })));
}

/** So many zeros. @throws ERR_BPTT_MEMORY where there is no array of that size. */
export function zeros(purpose: string, count: number): Float64Array {
  try {
    return new Float64Array(count);
  } catch (cause) {
    throw memoryError({ elements: count, bytes: 8, purpose }, cause);
  }
}

/** The unit matrix as a constant. */
export function unitMatrix(size: number): Value {
  return constant(Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0)), [size, size]);
}

/** Whether something that is no constant goes through a stopGradient, in the graph or in the body of a loop. */
export function holdsStop(values: readonly Value[]): boolean {
  let found = false;
  visitNodes(values, ({ operation, inputs }) => { found ||= operation === 'stopGradient' && inputs[0]!.node.operation !== 'constant'; });
  return found;
}
