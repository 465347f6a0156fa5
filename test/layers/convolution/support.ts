import assert from 'node:assert/strict';
import { gradient, multiply, sum, constant, elementCount } from '../../../lib/graph/index.ts';
import type { Layer } from '../../../lib/layers/index.ts';
import { assertAgreement, graphOf, nativeRuntime } from '../../differential/support.ts';
import { checkGradient } from '../../support/gradient-check.ts';
import { largestDifference, someNumbers } from '../../support/numbers.ts';
import { buildLayer, runTestLayer, type LayerRun } from '../../support/scope.ts';
import { numbers, type Numbers } from '../../support/tensors.ts';

/** Three sequences of two features, the second and third shorter. */
export const lengths = [7, 1, 4];
export const sequences = numbers([7, 3, 2], someNumbers(42, 8));
/** Two sequences of three images of 5 × 4 with two channels. */
export const films = numbers([3, 2, 5, 4, 2], someNumbers(240, 9));
export const filmLengths = [3, 2];
export const images = numbers([2, 5, 4, 2], someNumbers(80, 10));

/** Central differences for the input, all parameters and, where `run.state` is given, all states. */
export function checkLayer(run: LayerRun, samples = 16): void {
  const { scope, x, signal, inputs } = buildLayer(run);
  const parameters = [...scope.requests.parameters.values()].map(({ value }) => value);
  const states = run.state ? [...scope.requests.states.values()] : [];
  checkGradient(signal.value, [x, ...parameters, ...states], { inputs, samples });
}

/** Skips a test where no native build loads. */
export function engineOrSkip(context: Mocha.Context): void {
  if (!nativeRuntime) context.skip();
}

/** The engine, with its passes and without, gives what the reference gives: output, states and all gradients. */
export function checkEngine(run: LayerRun): void {
  const { scope, x, signal } = buildLayer(run);
  const parameters = [...scope.requests.parameters.entries()];
  const loss = sum(multiply(signal.value, constant(someNumbers(elementCount(signal.value.shape), 5), signal.value.shape)));
  const found = gradient(loss, [x, ...parameters.map(([, { value }]) => value)]).gradients;
  const states = [...scope.requests.carried].flatMap(([path, { final, sequence }]) => [[`${path} at the end`, final], [`${path} at every step`, sequence]] as const);
  const outputs = { output: signal.value, 'gradient of x': found[0]!, ...Object.fromEntries(parameters.map(([path], i) => [`gradient of ${path}`, found[i + 1]!])), ...Object.fromEntries(states) };
  assertAgreement(graphOf(outputs), { indices: x.shape[0]! + 1 });
}

/** Row `row` of [T, N, …] alone and cut to its length: [length, 1, …]. */
export function rowAlone(source: Numbers, row: number, length: number): Numbers {
  const [steps, rows, ...sizes] = source.shape as [number, number, ...number[]];
  const width = sizes.reduce((product, size) => product * size, 1);
  assert.ok(length <= steps);
  const data = Array.from({ length }, (_, t) => [...source.data.subarray((t * rows + row) * width, (t * rows + row + 1) * width)]).flat();
  return numbers([length, 1, ...sizes], data);
}

/** NaN beyond each row's end. */
export function spoilt(source: Numbers, ends: readonly number[]): Numbers {
  const width = source.data.length / (source.shape[0]! * source.shape[1]!);
  return numbers(source.shape, source.data.map((value, i) => {
    const place = Math.floor(i / width);
    return Math.floor(place / ends.length) < ends[place % ends.length]! ? value : NaN;
  }));
}

/**
 * Rows of different lengths, NaN in their padding, give what each alone would, and zeros beyond.
 * @param windows how many steps come out of so many
 */
export function checkRagged(layer: Layer, source: Numbers, ends: readonly number[], windows: (length: number) => number): void {
  const together = runTestLayer({ layer, x: spoilt(source, ends), lengths: ends }).output;
  const width = together.data.length / (together.shape[0]! * ends.length);
  ends.forEach((length, row) => {
    const count = windows(length);
    const alone = count > 0 ? [...runTestLayer({ layer, x: rowAlone(source, row, length) }).output.data] : [];
    assert.equal(alone.length, count * width, `row ${row}: number of steps`);
    const padded = [...alone, ...new Array<number>((together.shape[0]! - count) * width).fill(0)];
    const own = rowAlone(together, row, together.shape[0]!).data;
    assert.ok(largestDifference(own, padded) < 1e-13, `row ${row}: ${own.join()} is not ${padded.join()}`);
  });
}
