import assert from 'node:assert/strict';
import { inspectGates } from '../../lib/analysis/gates.ts';
import { compile, decodeProgram, prepare } from '../../lib/compiler/index.ts';
import { constant, gradient, multiply, sum, visitNodes } from '../../lib/graph/index.ts';
import { bahdanauAttention, bidirectional, conv1d, dense, gru, lstm, luongAttention, parallel, residual, rnn, sequenceToVector, stack, type Layer } from '../../lib/layers/index.ts';
import { connect, input, model, type Model } from '../../lib/model/index.ts';
import { referenceRuntime } from '../../lib/runtime/index.ts';
import { graphOf } from '../differential/support.ts';
import { assertThrows } from '../support/errors.ts';
import { buildMany, checkMany, someInput, valuesOf, type FedSignal } from '../support/manyInputs.ts';
import { assertNear, someSequences, weightsOf } from '../support/models.ts';
import { numbersFor } from '../support/scope.ts';

const layers: Readonly<Record<string, () => Layer>> = {
  'bahdanau around gru': () => bahdanauAttention({ layer: gru({ units: 3 }), units: 2 }),
  'bahdanau around two layers of lstm': () => bahdanauAttention({ layer: lstm({ units: 2, layers: 2 }) }),
  'luong, dot': () => luongAttention({ layer: rnn({ units: 3 }), score: 'dot' }),
  'luong, general, input feeding': () => luongAttention({ layer: lstm({ units: 3 }), units: 4, inputFeeding: true }),
  'luong, concat': () => luongAttention({ layer: gru({ units: 2 }), score: 'concat', units: 5 }),
};
const x: FedSignal = { x: someInput([4, 3, 2], 3), lengths: [4, 1, 3] };
const memory: FedSignal = { x: someInput([5, 3, 3], 4), lengths: [2, 5, 3] };

function attending(layer: Layer, runtime?: typeof referenceRuntime): Model {
  const [target, source] = [input({ name: 'target', features: 2 }), input({ name: 'source', features: 3 })];
  const encoded = connect(gru({ units: 3, name: 'encoder' }), source);
  return model({ inputs: [target, source], outputs: connect(dense({ units: 2 }), connect(layer, target, encoded)), seed: 3, ...(runtime ? { runtime } : {}) });
}

function scalar(weights: readonly number[], values: readonly number[]): number {
  return weights.reduce((total, weight, i) => total + weight * values[i]!, 0);
}

describe('attention', () => {
  for (const [name, make] of Object.entries(layers)) {
    it(`[6] ${name}: gradients of inputs, weights and states over ragged rows agree with central differences`, () => checkMany(make(), [x, memory]));

    it(`${name}: padding, be it NaN, reaches nothing; a row's shares sum to 1 over its own steps`, () => {
      const dirty = Float64Array.from(memory.x.data);
      [2, 5, 3].forEach((length, row) => { for (let t = length; t < 5; t++) dirty.fill(NaN, (t * 3 + row) * 3, (t * 3 + row + 1) * 3); });
      const clean = buildMany(make(), [x, memory]);
      const other = buildMany(make(), [x, { ...memory, x: { ...memory.x, data: dirty } }]);
      const [output, alignment] = valuesOf(clean, [clean.signal.value, clean.signal.named!['alignment']!.value]);
      assert.deepEqual([...valuesOf(other, [other.signal.value])[0]!.data], [...output!.data]);
      assert.deepEqual(alignment!.shape, [4, 3, 5]);
      for (let step = 0; step < 4; step++) {
        for (let row = 0; row < 3; row++) {
          const shares = [...alignment!.data.subarray((step * 3 + row) * 5, (step * 3 + row + 1) * 5)];
          const within = step < [4, 1, 3][row]!;
          assert.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - Number(within)) < 1e-12, `shares of row ${row} at step ${step}: ${shares.join(' ')}`);
          assert.ok(shares.slice([2, 5, 3][row]).every((share) => share === 0), 'no share beyond the end');
        }
      }
    });

    it(`[13] ${name}: rows of different lengths are as each alone, natively and step by step`, async () => {
      const built = attending(make());
      const reference = attending(make(), referenceRuntime);
      for (const [parameter, values] of Object.entries(weightsOf(built))) reference.setParameter(parameter, Float64Array.from(values));
      const [target, source] = [someSequences([4, 2, 3], 2, 5), someSequences([3, 6, 1], 3, 9)];
      const together = await built.predict({ target, source });
      assertNear(together.output.data, (await reference.predict({ target, source })).output.data, 'against the reference');
      for (let row = 0; row < 3; row++) {
        const alone = await built.predict({ target: [target[row]!], source: [source[row]!] });
        assertNear(together.output.row(row).data, alone.output.data, `row ${row}`);
        const stream = built.stream({ given: { source: [source[row]!] } });
        const steps = target[row]!.flatMap((step) => [...stream.step(step)]);
        assertNear(steps, alone.output.data, `row ${row} step by step`);
      }
    });
  }

  it('bahdanau: scores are vᵀ tanh(W s + U m) of the state before the step, and the output is [s; c]', () => {
    const built = buildMany(bahdanauAttention({ layer: rnn({ units: 2 }), units: 2 }), [{ x: someInput([1, 1, 2], 1) }, { x: someInput([2, 1, 2], 2) }], { states: true });
    const [output] = valuesOf(built, [built.signal.value]);
    const weights = Object.fromEntries([...built.scope.requests.parameters].map(([path, { shape }]) => [path, numbersFor(path, shape)]));
    const state = [...numbersFor('state h', [1, 2])];
    const steps = [0, 1].map((t) => [...someInput([2, 1, 2], 2).data.subarray(t * 2, t * 2 + 2)]);
    const column = (matrix: Float64Array, width: number, k: number): number[] => Array.from({ length: matrix.length / width }, (_, i) => matrix[i * width + k]!);
    const score = (m: readonly number[]): number => scalar([...weights['attention_score']!], [0, 1].map((k) => (
      Math.tanh(scalar(state, column(weights['attention_query']!, 2, k)) + scalar(m, column(weights['attention_memory']!, 2, k))))));
    const powers = steps.map((m) => Math.exp(score(m)));
    const shares = powers.map((power) => power / (powers[0]! + powers[1]!));
    const context = [0, 1].map((k) => shares[0]! * steps[0]![k]! + shares[1]! * steps[1]![k]!);
    const read = [...someInput([1, 1, 2], 1).data, ...context];
    const next = [0, 1].map((k) => Math.tanh(scalar(read, column(weights['weight_ih_l0']!, 2, k)) + scalar(state, column(weights['weight_hh_l0']!, 2, k)) + weights['bias_ih_l0']![k]!));
    [...next, ...context].forEach((expected, i) => assert.ok(Math.abs(output!.data[i]! - expected) < 1e-12, `${i}: ${output!.data[i]!} is not ${expected}`));
  });

  it('luong with input feeding carries the attentional vector as a state, which enters the next step', () => {
    const built = buildMany(layers['luong, general, input feeding']!(), [x, memory]);
    assert.deepEqual([...built.scope.requests.states.keys()].sort(), ['c', 'feed', 'h']);
    assert.deepEqual(built.scope.requests.parameters.get('weight_ih_l0')!.shape, [2 + 4, 12]);
  });

  it('is one loop over time, without loops in it', () => {
    for (const make of Object.values(layers)) {
      let loops = 0;
      visitNodes([buildMany(make(), [x, memory]).signal.value], ({ operation }) => { if (operation === 'scan') loops++; });
      assert.equal(loops, 1);
    }
  });

  it('a thread may take rows through all steps of its loops, forwards and backwards', () => {
    for (const [name, make] of Object.entries(layers)) {
      const built = buildMany(make(), [x, memory]);
      const parameters = [...built.scope.requests.parameters.values()].map(({ value }) => value);
      const [loss, ...weights] = prepare([sum(multiply(built.signal.value, constant(0.5, built.signal.value.shape))), ...parameters]);
      const { gradients, rewrite } = gradient(loss!, weights);
      const program = decodeProgram(compile(graphOf(Object.fromEntries([rewrite(loss!), ...gradients].map((value, i) => [`value ${i}`, value]))), { layouts: [] }).bytes);
      const scans = program.instructions.filter(({ opcode }) => opcode === 'scan');
      assert.deepEqual(scans.map(({ attributes }) => attributes.slice(2, 4)), [[1, 3], [1, 3]], name);
    }
  });

  it('gives the alignment matrix of each row', async () => {
    const built = attending(bahdanauAttention({ layer: gru({ units: 3 }), name: 'decoder' }));
    const target = someSequences([4, 2], 2, 5);
    const { gates } = await inspectGates(built, { target, source: someSequences([3, 6], 3, 9) }, { layer: 'decoder' });
    assert.deepEqual(gates['alignment']!.shape, [2, 4, 6]);
    assert.deepEqual(gates['alignment']!.row(1).shape, [2, 6]);
    const first = [...gates['alignment']!.row(0).data.subarray(0, 6)];
    assert.ok(Math.abs(first[0]! + first[1]! + first[2]! - 1) < 1e-6 && first.slice(3).every((share) => share === 0));
  });

  it('refuses what it cannot go around or look at', () => {
    assertThrows(() => luongAttention({ layer: dense({ units: 2 }), units: 2, inputFeeding: true }), 'ERR_BPTT_OPTION', /expected a recurrent layer.*received dense/);
    assertThrows(() => luongAttention({ layer: gru({ units: 2 }), score: 'dott' as 'dot' }), 'ERR_BPTT_OPTION', /score to be one of "dot", "general", "concat"/);
    assertThrows(() => luongAttention({ layer: gru({ units: 2 }), inputFeeding: true }), 'ERR_BPTT_OPTION', /option units beside inputFeeding/);
    assertThrows(() => buildMany(bahdanauAttention({ layer: gru({ units: 2 }) }), [x]), 'ERR_BPTT_GRAPH', /two inputs/);
    assertThrows(() => buildMany(bahdanauAttention({ layer: dense({ units: 2 }) }), [x, memory]), 'ERR_BPTT_STATE', /state called h/);
    assertThrows(() => buildMany(luongAttention({ layer: gru({ units: 2 }), score: 'dot' }), [x, memory]), 'ERR_BPTT_SHAPE', /have 2 features.*received 3; choose score "general"/);
    assertThrows(() => buildMany(bahdanauAttention({ layer: gru({ units: 2 }) }), [x, { x: someInput([3, 3]), time: false }]), 'ERR_BPTT_SHAPE', /let the encoder give its sequence/);
  });

  const backward = (): Layer => gru({ units: 2, direction: 'backward' });
  for (const [title, make] of Object.entries({
    'a backward layer': backward,
    'both directions': () => gru({ units: 2, direction: 'bidirectional' }),
    'two directions of cells of their own': () => bidirectional({ forward: gru({ units: 2 }) }),
    'a stack with a backward layer': () => stack({ layers: [gru({ units: 2 }), backward()] }),
    'a stack with a window around each step': () => stack({ layers: [conv1d({ filters: 2, kernel: 3, padding: 'same' }), gru({ units: 2 })] }),
    'layers side by side': () => parallel({ layers: [gru({ units: 2 }), backward()] }),
    'a residual around a stack': () => residual({ projection: true, layer: stack({ layers: [backward(), gru({ units: 2 })] }) }),
    'a net to a vector': () => sequenceToVector({ layers: [backward(), gru({ units: 2 })] }),
  })) {
    it(`does not go around ${title}`, () => {
      for (const attention of [bahdanauAttention({ layer: make() }), luongAttention({ layer: make() }), luongAttention({ layer: make(), units: 3, inputFeeding: true })]) {
        assertThrows(() => attending(attention), 'ERR_BPTT_OPTION', new RegExp(`${attention.kind}: expected layers of direction "forward" and padding "causal".*reads steps ahead`));
      }
    });
  }
});
