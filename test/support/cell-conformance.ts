import assert from 'node:assert/strict';
import type { Cell, CellOptions } from '../../lib/cells/index.ts';
import { concat, constant, elementCount, gradient, multiply, reshape, sum } from '../../lib/graph/index.ts';
import type { Layer } from '../../lib/layers/layer.ts';
import { recurrent, type RecurrentOptionsOf } from '../../lib/layers/recurrent/recurrent.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { checkGradient } from './gradient-check.ts';
import { largestDifference, someNumbers } from './numbers.ts';
import { buildLayer, numbersFor, runTestLayer, type LayerRun } from './scope.ts';
import { numbers, type Numbers } from './tensors.ts';

const steps = 5;
const rows = 3;
const features = 4;
const units = 3;
const lengths = [5, 2, 3];

function someInput(shape: readonly number[], seed = 11): Numbers {
  return numbers(shape, someNumbers(elementCount(shape), seed));
}

const x = someInput([steps, rows, features]);

/** Steps `from` … `to` of a sequence [T, …]. */
function stepsOf({ shape, data }: Numbers, from: number, to: number): Numbers {
  const size = elementCount(shape.slice(1));
  return numbers([to - from, ...shape.slice(1)], data.subarray(from * size, to * size));
}

/** Row `row` of a sequence [T, N, C], its first `count` steps: [count, 1, C]. */
function rowOf({ shape, data }: Numbers, row: number, count: number): Numbers {
  const [, all, width] = shape as [number, number, number];
  return numbers([count, 1, width], Array.from({ length: count }, (_, t) => [...data.subarray((t * all + row) * width, (t * all + row + 1) * width)]).flat());
}

function reversed({ shape, data }: Numbers): Numbers {
  const size = elementCount(shape.slice(1));
  return numbers(shape, Array.from({ length: shape[0]! }, (_, t) => [...data.subarray((shape[0]! - 1 - t) * size, (shape[0]! - t) * size)]).flat());
}

function someState(layer: Layer, count = rows): Record<string, Float64Array> {
  const { scope } = buildLayer({ layer, x: someInput([1, count, features]) });
  return Object.fromEntries([...scope.requests.states].map(([path, { shape }]) => [path, numbersFor(`state ${path}`, shape)]));
}

function dataOf(all: Readonly<Record<string, Numbers>>): Record<string, Float64Array> {
  return Object.fromEntries(Object.entries(all).map(([path, value]) => [path, value.data]));
}

function assertSame(actual: Numbers, expected: Numbers, what: string, tolerance = 0): void {
  assert.deepEqual([...actual.shape], [...expected.shape], `${what}: shape`);
  const difference = largestDifference(actual.data, expected.data);
  assert.ok(difference <= tolerance, `${what}: differs by ${difference}`);
}

/** Gradients of a weighted sum of valid outputs with respect to the input and all parameters. */
function gradientsOf(run: LayerRun, upstream: Numbers): { input: Numbers; parameters: Record<string, Numbers> } {
  const { scope, x: leaf, signal, inputs } = buildLayer(run);
  const loss = sum(multiply(signal.value, constant(upstream.data, upstream.shape)));
  const parameters = [...scope.requests.parameters];
  const { gradients } = gradient(loss, [leaf, ...parameters.map(([, { value }]) => value)]);
  const found = evaluate(gradients, { inputs }).map(({ shape, data }) => numbers(shape, data));
  return { input: found[0]!, parameters: Object.fromEntries(parameters.map(([path], i) => [path, found[1 + i]!])) };
}

function testGradients(layer: Layer, ragged: boolean): void {
  const { scope, x: leaf, signal, inputs } = buildLayer({ layer, x, lengths: ragged ? lengths : undefined, state: someState(layer) });
  const finals = [...scope.requests.carried.values()].map(({ final }) => final);
  const result = concat([signal.value, ...finals].map((value) => reshape(value, [-1])), 0);
  const wrt = [leaf, ...[...scope.requests.parameters.values()].map(({ value }) => value), ...scope.requests.states.values()];
  checkGradient(result, wrt, { inputs });
}

function testRagged(layer: Layer): void {
  const padded = { ...x, data: x.data.slice() };
  lengths.forEach((length, row) => {
    for (let t = length; t < steps; t++) padded.data.fill(NaN, (t * rows + row) * features, (t * rows + row + 1) * features);
  });
  const together = runTestLayer({ layer, x: padded, lengths });
  const upstream = someInput(together.output.shape, 5);
  const gradients = gradientsOf({ layer, x: padded, lengths }, upstream);
  const sums = Object.fromEntries(Object.entries(gradients.parameters).map(([path, { data }]) => [path, new Float64Array(data.length)]));
  lengths.forEach((length, row) => {
    const own = rowOf(padded, row, length);
    const alone = runTestLayer({ layer, x: own });
    assertSame(rowOf(together.output, row, length), alone.output, `output of row ${row}`);
    for (let t = length; t < steps; t++) assert.ok(rowOf(together.output, row, steps).data.subarray(length * alone.output.shape[2]!).every((element) => element === 0), 'padding is not zero');
    for (const [path, { shape, data }] of Object.entries(together.final)) {
      assertSame(numbers([1, shape[1]!], data.subarray(row * shape[1]!, (row + 1) * shape[1]!)), alone.final[path]!, `final ${path} of row ${row}`);
    }
    const ownGradients = gradientsOf({ layer, x: own }, rowOf(upstream, row, length));
    assertSame(rowOf(gradients.input, row, length), ownGradients.input, `input gradient of row ${row}`, 1e-14);
    assert.ok(rowOf(gradients.input, row, steps).data.subarray(length * features).every((element) => element === 0), 'a gradient reaches the padding');
    for (const [path, { data }] of Object.entries(ownGradients.parameters)) data.forEach((element, i) => { sums[path]![i]! += element; });
  });
  for (const [path, { data }] of Object.entries(gradients.parameters)) {
    assert.ok(largestDifference(data, sums[path]!) <= 1e-12, `gradient of ${path} is not the sum of the rows' own`);
  }
}

function testCarrying(layer: Layer, chunk: number): void {
  const state = someState(layer);
  const whole = runTestLayer({ layer, x, state });
  let carried: Record<string, ArrayLike<number>> = state;
  for (let from = 0; from < steps; from += chunk) {
    const to = Math.min(steps, from + chunk);
    const part = runTestLayer({ layer, x: stepsOf(x, from, to), state: carried });
    assertSame(part.output, stepsOf(whole.output, from, to), `steps ${from} to ${to}`);
    carried = dataOf(part.final);
  }
  for (const [path, { data }] of Object.entries(whole.final)) assert.deepEqual([...Array.from(carried[path]!)], [...data], `final ${path}`);
}

function testShapes(layer: Layer, expectedStates: readonly string[]): void {
  const { output, final, sequence } = runTestLayer({ layer, x });
  assert.deepEqual(output.shape.slice(0, 2), [steps, rows]);
  assert.equal(output.shape.length, 3);
  assert.deepEqual(Object.keys(final), expectedStates);
  for (const path of expectedStates) {
    assert.equal(final[path]!.shape[0], rows);
    assert.deepEqual([...sequence[path]!.shape], [steps, ...final[path]!.shape]);
    assert.deepEqual([...stepsOf(sequence[path]!, steps - 1, steps).data], [...final[path]!.data], `${path} after the last step`);
  }
}

function testFirstInput(layer: Layer): void {
  const { x: leaf, signal, inputs } = buildLayer({ layer, x });
  const loss = sum(multiply(signal.value, constant(someNumbers(elementCount(signal.value.shape), 3), signal.value.shape)));
  const [found] = evaluate(gradient(loss, [leaf]).gradients, { inputs });
  assert.ok(found!.data.subarray(0, rows * features).some((element) => element !== 0), 'no gradient reaches the first step');
}

/** Names of the cells that `testCell` was called with. */
export const testedCells = new Set<string>();

/** Tests that hold for every recurrence: one call gives a new cell all of them, for one choice of its options; 3 units over 4 features unless it says otherwise. */
export function testCell<State extends string, Options extends CellOptions>(
  title: string, cell: Cell<State, Options>, options: Partial<RecurrentOptionsOf<Options>> = {},
): void {
  testedCells.add(cell.name);
  describe(title, () => {
    const make = (more: object = {}): Layer => recurrent(cell, { units, ...options, ...more } as unknown as RecurrentOptionsOf<Options>);
    const forward = make();
    const states = Object.keys(cell.state);

    it('has the gradients that central differences have, of parameters, input and initial state', () => testGradients(forward, false));
    it('has them running backwards over rows of different lengths', () => testGradients(make({ direction: 'backward' }), true));
    it('has them with two biases and with none', () => {
      testGradients(make({ bias: 'double' }), false);
      testGradients(make({ bias: false }), false);
    });
    it('treats a row among others as it does alone, whatever the padding holds, forward and in the gradient', () => testRagged(forward));
    it('does so backwards', () => testRagged(make({ direction: 'backward' })));
    it('begins with zeros when no state is given', () => {
      const zero = Object.fromEntries(Object.entries(someState(forward)).map(([path, state]) => [path, new Float64Array(state.length)]));
      assertSame(runTestLayer({ layer: forward, x }).output, runTestLayer({ layer: forward, x, state: zero }).output, 'output');
    });
    it('step by step equals the whole run, bit for bit', () => testCarrying(forward, 1));
    it('in chunks equals the whole run, bit for bit', () => testCarrying(forward, 2));
    it('gives a sequence, and every state of it', () => testShapes(forward, states));
    it('backwards is forwards over the reversed input', () => {
      assertSame(runTestLayer({ layer: make({ direction: 'backward' }), x, weights: backwardWeights(forward) }).output, reversed(runTestLayer({ layer: forward, x: reversed(x) }).output), 'output');
    });
    it('gives with output "last" what the sequence ends with', () => {
      const sequence = runTestLayer({ layer: forward, x, lengths }).output;
      const last = runTestLayer({ layer: make({ output: 'last' }), x, lengths }).output;
      const width = sequence.shape[2]!;
      lengths.forEach((length, row) => {
        assert.deepEqual([...last.data.subarray(row * width, (row + 1) * width)], [...rowOf(sequence, row, length).data.subarray((length - 1) * width)], `row ${row}`);
      });
    });
    it('lets a loss at the end reach the first input', () => testFirstInput(make({ output: 'last' })));
    it('gives the same bits again', () => assertSame(runTestLayer({ layer: forward, x }).output, runTestLayer({ layer: make(), x }).output, 'output'));
  });
}

/** The numbers of a forward layer under the names that its backward twin asks for. */
function backwardWeights(forward: Layer): Record<string, Float64Array> {
  const { scope } = buildLayer({ layer: forward, x });
  return Object.fromEntries([...scope.requests.parameters].map(([path, { shape }]) => [path.replace(/_l(\d+)$/, '_l$1_reverse'), numbersFor(path, shape)]));
}
