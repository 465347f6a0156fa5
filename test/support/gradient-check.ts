import assert from 'node:assert/strict';
import { centralDifference } from '../../lib/analysis/centralDifference.ts';
import { constant, elementCount, gradient, multiply, sum, topologicalOrder } from '../../lib/graph/index.ts';
import type { Value, Variable } from '../../lib/graph/index.ts';
import { Interpreter } from '../../lib/runtime/reference/interpreter.ts';
import { someNumbers } from './numbers.ts';

export interface CheckOptions {
  /** What the graph's leaves stand for: by input name, and by variable. Float leaves that are missing get reproducible numbers. */
  readonly inputs?: Readonly<Record<string, ArrayLike<number>>>;
  readonly variables?: ReadonlyMap<Variable, ArrayLike<number>>;
  /** Largest relative difference allowed; default 1e-6. */
  readonly tolerance?: number;
  /** At most so many elements of each leaf are compared, spread evenly; default 40. */
  readonly samples?: number;
  readonly seed?: number;
}

interface Leaf {
  readonly value: Value;
  readonly label: string;
  readonly numbers: Float64Array;
}

function identity(value: Value): Variable | string {
  const { name, variable } = value.node.attributes as { name?: string; variable?: Variable };
  return variable ?? name!;
}

function bindLeaves(loss: Value, wrt: readonly Value[], options: CheckOptions): { leaves: Leaf[]; interpreter: Interpreter } {
  const inputs: Record<string, ArrayLike<number>> = { ...options.inputs };
  const variables = new Map(options.variables);
  const bound = new Map<Variable | string, Float64Array>();
  const bind = (value: Value): void => {
    const key = identity(value);
    if (bound.has(key) || value.type !== 'float32') return;
    const given = typeof key === 'string' ? inputs[key] : variables.get(key);
    const numbers = given ? Float64Array.from(given) : someNumbers(elementCount(value.shape), (options.seed ?? 1) + bound.size);
    bound.set(key, numbers);
    if (typeof key === 'string') inputs[key] = numbers;
    else variables.set(key, numbers);
  };
  for (const value of wrt) {
    assert.ok(['input', 'variable'].includes(value.node.operation), 'only inputs and variables can be varied');
    bind(value);
  }
  for (const node of topologicalOrder([loss])) if (['input', 'variable'].includes(node.operation)) bind(node.outputs[0]!);
  const leaves = wrt.map((value): Leaf => {
    const key = identity(value);
    return { value, label: typeof key === 'string' ? key : key.name, numbers: bound.get(key)! };
  });
  return { leaves, interpreter: new Interpreter({ inputs, variables }) };
}

/**
 * Asserts that the gradient of `result` (any shape: its elements are summed with fixed weights) with respect to inputs and variables agrees with
 * central differences in float64, and that the rewritten graph means the same as the one that was written.
 */
export function checkGradient(result: Value, wrt: readonly Value[], options: CheckOptions = {}): void {
  const tolerance = options.tolerance ?? 1e-6;
  const samples = options.samples ?? 40;
  const loss = sum(multiply(result, constant(someNumbers(elementCount(result.shape), 77), result.shape)));
  const { leaves, interpreter } = bindLeaves(loss, wrt, options);
  const { gradients, rewrite } = gradient(loss, wrt);
  const forward = [loss];
  const evaluateLoss = (): number => interpreter.evaluate(forward, new Map())[0]!.data[0]!;
  const [rewritten, ...found] = interpreter.evaluate([rewrite(loss), ...gradients], new Map());
  assert.equal(rewritten!.data[0], evaluateLoss(), 'the rewritten graph gives another loss');
  leaves.forEach(({ label, numbers, value }, leaf) => {
    const analytic = found[leaf]!;
    assert.deepEqual(analytic.shape, value.shape, `the gradient of "${label}" has another shape`);
    const largest = (analytic.data as Float64Array).reduce((most, element) => Math.max(most, Math.abs(element)), 0);
    const stride = Math.max(1, Math.ceil(numbers.length / samples));
    for (let place = 0; place < numbers.length; place += stride) {
      const numeric = centralDifference(evaluateLoss, numbers, place);
      const exact = analytic.data[place]!;
      // Rounding of the loss leaves about 1e-13 in a difference: elements far below the largest are compared with that in mind.
      const scale = Math.max(Math.abs(exact), Math.abs(numeric), 1e-4 * largest, 1e-6);
      assert.ok(Math.abs(exact - numeric) <= tolerance * scale, `"${label}"[${place}]: gradient ${exact}, central difference ${numeric}`);
    }
  });
}
