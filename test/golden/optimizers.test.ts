import { input, variable } from '../../lib/graph/index.ts';
import type { Graph, Value, Variable } from '../../lib/graph/value.ts';
import { clipGradients, optimizerFromDescription } from '../../lib/optimizers/index.ts';
import { asRunArray, inputsOf } from '../support/graphs.ts';
import { testedRuntime, testedTolerance } from '../support/runtime.ts';
import { assertClose, filled, numbers, readGolden, restore } from '../support/tensors.ts';
import type { Numbers, StoredNumbers } from '../support/tensors.ts';

type Stored = Readonly<Record<string, StoredNumbers>>;

interface Trajectory {
  readonly kind: string;
  readonly options: Readonly<Record<string, number | boolean>>;
  /** Bound of the global norm, or null. */
  readonly clip: number | null;
  readonly norms: readonly number[];
  readonly start: Stored;
  readonly gradients: readonly Stored[];
  readonly after: readonly Stored[];
}

/** PyTorch divides by (norm + 1e-6) when it clips; here the bound is met exactly. */
const clippingDifference = 1e-6;

/** Parameters and slots as variables; one run is one update. */
function buildUpdate(source: Trajectory): { graph: Graph; variables: Variable[]; parameters: Map<string, Variable>; learningRate: number } {
  const optimizer = optimizerFromDescription({ kind: source.kind, options: source.options });
  const parameters = new Map<string, Variable>();
  const variables: Variable[] = [];
  const declare = (name: string, shape: readonly number[]): Variable => {
    const made: Variable = { name, shape, type: 'float32' };
    variables.push(made);
    return made;
  };
  for (const [name, { shape }] of Object.entries(source.start)) parameters.set(name, declare(name, shape));
  const learningRate = input('learningRate', [], 'float32');
  const step = input('step', [], 'float32');
  const names = [...parameters.keys()];
  const fed = names.map((name) => input(`gradient ${name}`, parameters.get(name)!.shape, 'float32'));
  const { gradients, norm } = clipGradients(fed, source.clip === null ? {} : { globalNorm: source.clip });
  const assignments: { variable: Variable; value: Value }[] = [];
  names.forEach((name, i) => {
    const owner = parameters.get(name)!;
    const slots = Object.fromEntries(optimizer.slots.map((slot) => [slot, declare(`${name} ${slot}`, owner.shape)]));
    const values = Object.fromEntries(Object.entries(slots).map(([slot, each]) => [slot, variable(each)]));
    const updated = optimizer.update({ parameter: variable(owner), gradient: gradients[i]!, slots: values, learningRate, step });
    assignments.push({ variable: owner, value: updated.parameter });
    for (const [slot, each] of Object.entries(slots)) assignments.push({ variable: each, value: updated.slots[slot]! });
  });
  const inputs = inputsOf([norm, ...assignments.map(({ value }) => value)]);
  return { graph: { inputs, outputs: { norm }, assignments }, variables, parameters, learningRate: optimizer.learningRate.at({ step: 0, epoch: 0 }) };
}

function check(source: Trajectory): void {
  const { graph, variables, parameters, learningRate } = buildUpdate(source);
  const runtime = testedRuntime();
  const store = runtime.store(variables);
  for (const [name, owner] of parameters) store.view(owner).set(restore(source.start[name]!).data);
  store.touch();
  const executable = runtime.compile(graph, { layouts: [store.variables] }).bind([store]);
  const tolerance = source.clip === null ? testedTolerance() : Math.max(testedTolerance(), clippingDifference);
  source.after.forEach((expected, index) => {
    const feed: Record<string, Numbers> = { learningRate: filled([], learningRate), step: filled([], index + 1) };
    for (const [name, stored] of Object.entries(source.gradients[index]!)) feed[`gradient ${name}`] = restore(stored);
    const results = executable.run(Object.fromEntries(graph.inputs.map((value) => {
      const name = String(value.node.attributes.name);
      return [name, asRunArray(value, feed[name]!)];
    })));
    if (source.clip !== null) assertClose(numbers([], results.norm!), numbers([], [source.norms[index]!]), testedTolerance(), `norm at step ${index + 1}`);
    for (const [name, owner] of parameters) {
      assertClose(numbers(owner.shape, store.view(owner)), restore(expected[name]!), tolerance, `${name} after step ${index + 1}`);
    }
  });
}

describe('golden values: trajectories of optimizers against PyTorch', () => {
  const { cases } = readGolden<{ cases: Trajectory[] }>('optimizers');
  for (const source of cases) {
    const options = Object.entries(source.options).map(([name, value]) => `${name} ${value}`).join(', ') || 'defaults';
    it(`${source.kind}: ${options}${source.clip === null ? '' : `, global norm clipped to ${source.clip}`}`, () => check(source));
  }
});
