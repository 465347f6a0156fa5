import assert from 'node:assert/strict';
import { compile, countOpcodes, decodeProgram, prepare } from '../../lib/compiler/index.ts';
import { gradient, square, sum, topologicalOrder } from '../../lib/graph/index.ts';
import { gruCell, lstmCell, recurrent, rnnCell, sequential, dense, sgd, squaredError, Trainer, referenceRuntime } from '../../lib/index.ts';
import type { Runtime } from '../../lib/index.ts';
import { cell } from '../../lib/cells/index.ts';
import { describeLayer, gru, layerFromDescription, lstm, rnn, type Layer, type RecurrentDropout } from '../../lib/layers/index.ts';
import { createNativeRuntime, loadNative } from '../../lib/runtime/index.ts';
import { assertThrows } from '../support/errors.ts';
import { checkGradient } from '../support/gradient-check.ts';
import { someSequences } from '../support/models.ts';
import { largestDifference, someNumbers } from '../support/numbers.ts';
import { buildLayer, runTestLayer, type LayerOutcome } from '../support/scope.ts';
import { numbers, relativeError, type Numbers } from '../support/tensors.ts';

const [steps, rows, features, units] = [12, 8, 3, 8];
const x = numbers([steps, rows, features], someNumbers(steps * rows * features, 5));

/** Step `t` of a sequence [T, N, H]. */
const step = ({ shape, data }: Numbers, t: number): Float64Array => data.subarray(t * shape[1]! * shape[2]!, (t + 1) * shape[1]! * shape[2]!);

const train = (layer: Layer, input = x): LayerOutcome => runTestLayer({ layer, x: input, training: true });
const serve = (layer: Layer, input = x): LayerOutcome => runTestLayer({ layer, x: input });

describe('zoneout', () => {
  for (const state of ['h', 'c'] as const) {
    it(`keeps a share of ${state} at each step, drawn anew, and nothing of the other state`, () => {
      const { sequence } = train(lstm({ units, dropout: { zoneout: { [state]: 0.3 } } }));
      const kept = (name: string): number[][] => Array.from({ length: steps - 1 }, (_, t) => {
        const [before, after] = [step(sequence[name]!, t), step(sequence[name]!, t + 1)];
        return [...after].map((value, at) => Number(value === before[at]));
      });
      const all = kept(state);
      const share = all.flat().reduce((total, one) => total + one, 0) / all.flat().length;
      assert.ok(Math.abs(share - 0.3) < 0.06, `kept ${share}`);
      assert.equal(new Set(all.map((one) => one.join())).size, steps - 1);
      assert.ok(kept(state === 'h' ? 'c' : 'h').flat().every((one) => one === 0));
    });
  }
  it('what is not kept is what the cell makes of the state before', () => {
    const weights = { weight_ih_l0: [0.7], weight_hh_l0: [-0.9], bias_ih_l0: [0.3] };
    const input = numbers([40, 1, 1], someNumbers(40, 9));
    const { output } = runTestLayer({ layer: rnn({ units: 1, activation: 'linear', dropout: { zoneout: 0.4 } }), x: input, weights, training: true });
    let before = 0;
    const kept = [...output.data].map((h, t) => {
      const made = 0.7 * input.data[t]! - 0.9 * before + 0.3;
      const isKept = h === before;
      assert.ok(isKept || Math.abs(h - made) < 1e-15);
      before = h;
      return isKept;
    });
    assert.ok(kept.includes(true) && kept.includes(false));
  });
  it('outside of training every state is the mean of both outcomes', () => {
    const weights = { weight_ih_l0: [0.7], weight_hh_l0: [-0.9], bias_ih_l0: [0.3] };
    const { output } = runTestLayer({ layer: rnn({ units: 1, activation: 'linear', dropout: { zoneout: { h: 0.25 } } }), x: numbers([6, 1, 1], x.data.subarray(0, 6)), weights });
    let h = 0;
    output.data.forEach((value, t) => {
      h = 0.25 * h + 0.75 * (0.7 * x.data[t]! - 0.9 * h + 0.3);
      assert.ok(Math.abs(value - h) < 1e-15);
    });
  });
  it('a number is the rate of every state', () => {
    assert.deepEqual(serve(lstm({ units, dropout: { zoneout: 0.2 } })).output, serve(lstm({ units, dropout: { zoneout: { h: 0.2, c: 0.2 } } })).output);
    assert.ok(largestDifference(serve(lstm({ units, dropout: { zoneout: { c: 0.2 } } })).output.data, serve(lstm({ units })).output.data) > 1e-3);
  });
  it('a stream goes on with it as a prediction does', async () => {
    const made = sequential([lstm({ units: 4, dropout: { zoneout: { h: 0.1, c: 0.5 } } })], { input: { features: 3 }, seed: 2, runtime: referenceRuntime });
    const [data] = someSequences([6], 3);
    const stream = made.stream();
    assert.deepEqual(data!.flatMap((one) => [...stream.step(one)]), [...(await made.predict([data!])).output.data]);
  });
  it('a projected state is kept in its own size', () => {
    const { sequence } = train(lstm({ units, projection: 3, dropout: { zoneout: { h: 0.5 } } }));
    assert.deepEqual(sequence['h']!.shape, [steps, rows, 3]);
  });
});

describe('weight-drop', () => {
  const weights = { weight_ih_l0: [0.7], weight_hh_l0: [0.5], bias_ih_l0: [0.3] };
  const input = numbers([6, 4, 1], someNumbers(24, 9));
  const closed = (u: number): Float64Array => runTestLayer({
    layer: rnn({ units: 1, activation: 'linear' }), x: input, weights: { ...weights, weight_hh_l0: [u] },
  }).output.data;

  it('one mask of the recurrent weights for all rows and steps of a run', () => {
    const { data } = runTestLayer({ layer: rnn({ units: 1, activation: 'linear', dropout: { recurrentWeight: 0.5 } }), x: input, weights, training: true }).output;
    assert.equal(Math.min(largestDifference(data, closed(0)), largestDifference(data, closed(1))), 0);
  });
  it('drops its share of the weights', () => {
    const size = 24;
    const identity = Float64Array.from({ length: size * size }, (_, at) => Number(at % (size + 1) === 0));
    const one = runTestLayer({
      layer: rnn({ units: size, activation: 'linear', dropout: { recurrentWeight: 0.25 } }), x: numbers([1, 1, 1], [0]), training: true,
      weights: { weight_ih_l0: new Float64Array(size), weight_hh_l0: identity.map(() => 1), bias_ih_l0: new Float64Array(size) }, state: { h: new Float64Array(size).fill(1) },
    }).output.data;
    const kept = one.reduce((total, sum) => total + sum * 0.75, 0) / (size * size);
    assert.ok(Math.abs(kept - 0.75) < 0.06, `kept ${kept}`);
    assert.equal(new Set([...one].map((sum) => sum.toFixed(6))).size > 2, true, 'every connection on its own');
  });
});

describe('dropout of the candidate', () => {
  /** i = f = 1 in float64 and g = tanh(0.5): every step adds g to c, or g / (1 − p), or nothing. */
  function additions(dropout: RecurrentDropout): number[][] {
    const bias = Float64Array.from({ length: 4 * units }, (_, at) => (at < 2 * units ? 800 : at < 3 * units ? 0.5 : 0));
    const weights = { weight_ih_l0: new Float64Array(features * 4 * units), weight_hh_l0: new Float64Array(units * 4 * units), bias_ih_l0: bias };
    const c = runTestLayer({ layer: lstm({ units, dropout }), x, weights, training: true }).sequence['c']!;
    return Array.from({ length: steps }, (_, t) => [...step(c, t)].map((value, at) => (value - (t === 0 ? 0 : step(c, t - 1)[at]!)) / Math.tanh(0.5)));
  }

  it('adds nothing, or the candidate scaled; what the cell holds is never touched', () => {
    const all = additions({ candidate: 0.4 });
    assert.ok(all.flat().every((added) => Math.abs(added) < 1e-12 || Math.abs(added - 1 / 0.6) < 1e-12));
    const share = all.flat().filter((added) => Math.abs(added) < 1e-12).length / all.flat().length;
    assert.ok(Math.abs(share - 0.4) < 0.06, `dropped ${share}`);
    assert.equal(new Set(all.map((one) => one.map((added) => Math.round(added)).join())).size, steps);
  });
  it('variational: the same units at every step', () => {
    assert.equal(new Set(additions({ candidate: 0.4, variational: true }).map((one) => one.map((added) => Math.round(added)).join())).size, 1);
  });
  it('is there for the GRU, and refused by cells that mark none', () => {
    assert.ok(largestDifference(train(gru({ units, dropout: { candidate: 0.5 } })).output.data, train(gru({ units })).output.data) > 1e-2);
    assertThrows(() => train(rnn({ units, dropout: { candidate: 0.5 } })), 'ERR_BPTT_OPTION', /rnn: dropout\.candidate .*those of the cell "rnn" mark nothing/);
  });
});

describe('variational recurrent dropout', () => {
  it('one mask of each row for all steps of its recurrent products', () => {
    const weights = { weight_ih_l0: [0.7], weight_hh_l0: [0.5], bias_ih_l0: [0.3] };
    const input = numbers([6, 16, 1], someNumbers(96, 9));
    const { output } = runTestLayer({ layer: rnn({ units: 1, activation: 'linear', dropout: { recurrent: 0.5, variational: true } }), x: input, weights, training: true });
    const masks = Array.from({ length: 16 }, (_, row) => {
      const [without, twice] = [0, 1].map((u) => {
        let h = 0;
        return Array.from({ length: 6 }, (__, t) => { h = 0.7 * input.data[t * 16 + row]! + 0.3 + u * h; return h; });
      });
      const own = Array.from({ length: 6 }, (_unused, t) => output.data[t * 16 + row]!);
      const [a, b] = [largestDifference(own, without!), largestDifference(own, twice!)];
      assert.ok(Math.min(a, b) < 1e-14, `row ${row} changes its mask`);
      return a < b;
    });
    assert.ok(masks.includes(true) && masks.includes(false));
  });
});

const everything: RecurrentDropout = { input: 0.2, output: 0.2, recurrent: 0.3, candidate: 0.3, recurrentWeight: 0.3, zoneout: 0.2 };

describe('regularised recurrences', () => {
  it('but for zoneout nothing acts outside of training', () => {
    const { zoneout: _left, ...rest } = everything;
    assert.deepEqual(serve(lstm({ units, dropout: { ...rest, variational: true } })), serve(lstm({ units })));
  });
  for (const variational of [false, true]) {
    it(`have right gradients with everything at once${variational ? ', variational' : ''}, over rows of different lengths`, () => {
      const small = numbers([4, 3, 2], someNumbers(24, 8));
      const { scope, x: leaf, signal, inputs } = buildLayer({ layer: lstm({ units: 3, projection: 2, dropout: { ...everything, variational } }), x: small, lengths: [4, 1, 3], training: true });
      checkGradient(signal.value, [leaf, ...[...scope.requests.parameters.values()].map(({ value }) => value)], { inputs, samples: 12 });
    });
  }

  /** What each loop of a training graph does at every step, by operation. */
  function loops(layer: Layer): Record<string, number>[] {
    const { scope, x: leaf, signal } = buildLayer({ layer, x, training: true });
    const parameters = [...scope.requests.parameters.values()].map(({ value }) => value);
    const [output] = prepare([signal.value]);
    const { gradients, rewrite } = gradient(sum(square(output!)), [leaf, ...parameters]);
    const outputs = Object.fromEntries([rewrite(output!), ...gradients].map((value, i) => [`value ${i}`, value]));
    const keys = Array.from({ length: scope.requests.keys }, (_, i) => `key/${i}`);
    const inputs = topologicalOrder(Object.values(outputs)).filter(({ operation }) => operation === 'input').map((node) => node.outputs[0]!);
    assert.deepEqual(inputs.map(({ node }) => String(node.attributes['name'])).filter((name) => name.startsWith('key/')).sort(), keys);
    const { instructions } = decodeProgram(compile({ inputs, outputs, assignments: [] }, { layouts: [] }).bytes);
    return instructions.filter(({ opcode }) => opcode === 'scan').map((loop) => countOpcodes((loop).body));
  }
  for (const [name, made] of [['lstm', lstmCell], ['gru', gruCell], ['rnn', rnnCell]] as const) {
    it(`${name}: everything random is drawn, and weights are dropped, before the loop, which stays products and maps`, () => {
      const [plain, dropped, masked, kept] = ([undefined, { recurrentWeight: 0.3 }, { recurrent: 0.3, variational: true }, { zoneout: 0.2 }] as const)
        .map((dropout) => loops(recurrent(made as typeof rnnCell, { units, dropout })));
      for (const counts of [plain, dropped, masked, kept].flatMap((both) => both!)) assert.ok(Object.keys(counts).every((opcode) => ['gemm', 'map', 'pack'].includes(opcode)), JSON.stringify(counts));
      assert.equal(dropped![0]!['map'], plain![0]!['map'], 'no weight is masked at a step');
      for (const other of [masked, kept]) assert.equal(other![0]!['gemm'], plain![0]!['gemm'], 'products stay merged');
    });
  }
  it('come back from their description', () => {
    const layer = lstm({ units, dropout: { ...everything, zoneout: { c: 0.5 }, variational: true } });
    assert.deepEqual(describeLayer(layerFromDescription(JSON.parse(JSON.stringify(describeLayer(layer))))), describeLayer(layer));
  });

  const losses = async (runtime: Runtime, seed = 3): Promise<Float64Array[]> => {
    const model = sequential([lstm({ units: 17, layers: 2, direction: 'bidirectional', dropout: { ...everything, between: 0.1 } }), dense({ units: 2 })], { input: { features }, seed, runtime });
    const trainer = new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: 0.1 }) });
    const batch = { input: someSequences([7, 3, 5], features), target: someSequences([7, 3, 5], 2, 9) };
    const seen = [(await trainer.step(batch)).loss, (await trainer.step(batch)).loss];
    return [Float64Array.from(seen), ...model.parameters.map(({ view }) => Float64Array.from(view))];
  };
  const native = loadNative();
  if ('module' in native) {
    const engine = createNativeRuntime(native.module);
    it('train natively as in the reference', async () => {
      const [expected, actual] = [await losses(referenceRuntime), await losses(engine)];
      expected.forEach((values, at) => assert.ok(relativeError(actual[at]!, values, 1e-3) <= 1e-4, `result ${at}`));
    });
    it('give the same bits for the same seed, and others for another', async () => {
      const [one, again, other] = [await losses(engine), await losses(engine), await losses(engine, 4)];
      assert.deepEqual(again, one);
      assert.notDeepEqual(other[0], one[0]);
    });
  } else it('skipped: no native build loads');
});

describe('regularised recurrences: what they refuse', () => {
  it('variational without a rate that it is about', () => {
    for (const dropout of [{ variational: true }, { variational: true, zoneout: 0.1, recurrentWeight: 0.5 }]) {
      assertThrows(() => lstm({ units, dropout }), 'ERR_BPTT_OPTION', /lstm: dropout\.variational says how the masks .* are drawn, and none of these rates is above 0/);
    }
  });
  it('states that the cell does not have, and rates that are none', () => {
    assertThrows(() => gru({ units, dropout: { zoneout: { c: 0.5 } } }), 'ERR_BPTT_OPTION', /gru: dropout\.zoneout: unknown option "c"/);
    assertThrows(() => lstm({ units, dropout: { zoneout: { c: 1 } } }), 'ERR_BPTT_RANGE', /dropout\.zoneout\.c/);
    assertThrows(() => lstm({ units, dropout: { zoneout: '0.5' as never } }), 'ERR_BPTT_TYPE', /dropout\.zoneout/);
    assertThrows(() => lstm({ units, dropout: { recurrentWeight: 1 } }), 'ERR_BPTT_RANGE', /dropout\.recurrentWeight/);
    assertThrows(() => lstm({ units, dropout: { recurrentWeights: 0.5 } as never }), 'ERR_BPTT_OPTION', /did you mean "recurrentWeight"/);
  });
  it('recurrent rates of a cell without recurrent products', () => {
    const pure = cell('testPure', { state: { h: 'units' } }, ({ x, affine }) => ({ output: affine('h', x), h: affine('h', x) }));
    for (const name of ['recurrent', 'recurrentWeight']) {
      assertThrows(() => train(recurrent(pure, { units, dropout: { [name]: 0.5 } })), 'ERR_BPTT_OPTION', new RegExp(`testPure: dropout\\.${name} .*the cell has none`));
    }
  });
});
