import assert from 'node:assert/strict';
import { layerNormGruCell, layerNormLstmCell } from '../../lib/cells/index.ts';
import { testCell } from '../support/cell-conformance.ts';
import { runCell, someSequence, units, weightSizes, type WeightChoice } from '../support/named-weights.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';
import { numbersFor } from '../support/scope.ts';

const features = 4;
const rows = 2;
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));
/** Gains about 1, so that they tell from one another. */
const weights: WeightChoice = (name, shape) => (name.startsWith('gain') ? numbersFor(name, shape).map((element) => 1 + element) : undefined);

const weightOf = (name: string, ...shape: number[]): Float64Array => weights(name, shape) as Float64Array | undefined ?? numbersFor(name, shape);

/** N(W x): one product, normalised and scaled, as plain loops. */
function normalized(from: readonly number[], weight: string, gain: string): number[] {
  const matrix = weightOf(weight, from.length, units);
  return scaled(Array.from({ length: units }, (_, unit) => from.reduce((total, value, k) => total + value * matrix[k * units + unit]!, 0)), gain);
}

function scaled(values: readonly number[], gain: string): number[] {
  const mean = values.reduce((total, value) => total + value, 0) / units;
  const variance = values.reduce((total, value) => total + (value - mean) ** 2, 0) / units;
  return values.map((value, unit) => weightOf(gain, units)[unit]! * (value - mean) / Math.sqrt(variance + 1e-5));
}

const fromInput = (gate: string, x: readonly number[]): number[] => normalized(x, `weight_ih.${gate}`, `gain_ih_${gate}`);
const fromState = (gate: string, h: readonly number[]): number[] => normalized(h, `weight_hh.${gate}`, `gain_hh_${gate}`);
const zeros = (): number[] => new Array<number>(units).fill(0);

/** The outputs of a step function over `someSequence()`, row by row. */
function outputs<State>(begin: () => State, step: (x: readonly number[], state: State) => { state: State; h: number[] }): Float64Array {
  const { shape: [steps], data } = someSequence() as { shape: [number]; data: Float64Array };
  const result = new Float64Array(steps * rows * units);
  for (let row = 0; row < rows; row++) {
    let state = begin();
    for (let t = 0; t < steps; t++) {
      const from = (t * rows + row) * features;
      const made = step([...data.subarray(from, from + features)], state);
      state = made.state;
      result.set(made.h, (t * rows + row) * units);
    }
  }
  return result;
}

describe('cells with layer normalisation', () => {
  // A larger epsilon keeps the curvature within what differences of this step can follow: three units may lie close together.
  testCell('layer-norm LSTM', layerNormLstmCell, { epsilon: 0.1 });
  testCell('layer-norm GRU', layerNormGruCell, { epsilon: 0.1 });

  it('LSTM: every product of every gate normalised on its own, c before it is shown, as plain loops have it', () => {
    const expected = outputs(() => ({ h: zeros(), c: zeros() }), (x, { h, c }) => {
      const sums = Object.fromEntries(['i', 'f', 'g', 'o'].map((gate) => {
        const [one, other, bias] = [fromInput(gate, x), fromState(gate, h), weightOf(`bias_ih.${gate}`, units)];
        return [gate, one.map((value, unit) => value + other[unit]! + bias[unit]!)];
      })) as Record<'i' | 'f' | 'g' | 'o', number[]>;
      const memory = c.map((old, unit) => logistic(sums.f[unit]!) * old + logistic(sums.i[unit]!) * Math.tanh(sums.g[unit]!));
      const shown = scaled(memory, 'gain_c').map((value, unit) => logistic(sums.o[unit]!) * Math.tanh(value + weightOf('bias_c', units)[unit]!));
      return { state: { h: shown, c: memory }, h: shown };
    });
    assert.ok(largestDifference(runCell(layerNormLstmCell, { weights }).output.data, expected) < 1e-13);
  });
  it('GRU: every product of every gate normalised on its own, the reset after that', () => {
    const expected = outputs(zeros, (x, h) => {
      const gate = (name: string): number[] => {
        const [one, other, bias] = [fromInput(name, x), fromState(name, h), weightOf(`bias_ih.${name}`, units)];
        return one.map((value, unit) => logistic(value + other[unit]! + bias[unit]!));
      };
      const [r, z, one, other] = [gate('r'), gate('z'), fromInput('n', x), fromState('n', h)];
      const next = h.map((old, unit) => {
        const inner = r[unit]! * (other[unit]! + weightOf('bias_hh.n', units)[unit]!);
        return (1 - z[unit]!) * Math.tanh(one[unit]! + weightOf('bias_ih.n', units)[unit]! + inner) + z[unit]! * old;
      });
      return { state: next, h: next };
    });
    assert.ok(largestDifference(runCell(layerNormGruCell, { weights }).output.data, expected) < 1e-13);
  });
  it('the scale of the weights does not matter, up to epsilon', () => {
    const options = { epsilon: 1e-12 };
    const larger: WeightChoice = (name, shape) => (name.startsWith('weight') ? numbersFor(name, shape).map((element) => 100 * element) : weights(name, shape));
    const [one, other] = [weights, larger].map((choice) => runCell(layerNormLstmCell, { options, weights: choice }).output.data);
    assert.ok(largestDifference(one!, other!) < 1e-9);
    assert.ok(largestDifference(one!, someNumbers(one!.length)) > 0.1);
  });
  it('has a gain for each product of each gate and for c, and no shift without biases', () => {
    const names = [...weightSizes(layerNormLstmCell, { bias: false }).keys()];
    assert.deepEqual(names.filter((name) => !name.startsWith('weight')).sort(), [...['f', 'g', 'i', 'o'].map((gate) => `gain_hh_${gate}`), ...['f', 'g', 'i', 'o'].map((gate) => `gain_ih_${gate}`), 'gain_c'].sort());
    assert.ok(weightSizes(layerNormLstmCell).has('bias_c'));
  });
});
