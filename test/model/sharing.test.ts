import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { loadModel, saveModel } from '../../lib/formats/index.ts';
import { bahdanauAttention, concatenate, dense, embedding, gru, lstm, namedOutput, repeatVector, withInitialState, type Layer } from '../../lib/layers/index.ts';
import { squaredError } from '../../lib/losses/index.ts';
import { connect, input, model, modelFromJSON, sequential, type Model } from '../../lib/model/index.ts';
import { sgd } from '../../lib/optimizers/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { answersOrRefuses, hostileOptions, hostileValue } from '../support/hostile.ts';
import { assertThrows } from '../support/errors.ts';
import { assertNear, someSequences } from '../support/models.ts';

function twins(first: Layer, second: Layer): Model {
  const [a, b] = [input({ name: 'a', features: 3 }), input({ name: 'b', features: 3 })];
  return model({ inputs: [a, b], outputs: connect(dense({ units: 1, name: 'head' }), connect(concatenate(), connect(first, a), connect(second, b))), seed: 2 });
}

const [a, b] = [someSequences([4, 2], 3, 1), someSequences([3, 5], 3, 7)];
const tower = (): Layer => lstm({ units: 4, output: 'last', name: 'tower' });

describe('model: layers connected several times', () => {
  it('have one set of weights and a state for each connection', async () => {
    const shared = tower();
    const built = twins(shared, shared);
    const single = sequential([shared], { input: { features: 3 } });
    assert.equal(built.parameterCount, single.parameterCount + 9);
    assert.deepEqual(built.states.map(({ name }) => name), ['tower/h', 'tower/c', 'tower_1/h', 'tower_1/c']);
    for (const { name, view } of built.parameters) if (name.startsWith('tower/')) single.setParameter(name, view);
    const { state } = await built.predict({ a, b });
    assertNear(state['tower/h']!.data, (await single.predict(a)).output.data, 'first');
    assertNear(state['tower_1/h']!.data, (await single.predict(b)).output.data, 'second');
    assert.deepEqual(built.describe().layers.filter(({ kind }) => kind === 'lstm').map(({ parameters }) => parameters), [128, 0]);
  });

  it('learn from all of their connections: the gradient is the sum of both', async () => {
    const shared = tower();
    const [tied, apart] = [twins(shared, shared), twins(tower(), lstm({ units: 4, output: 'last', name: 'other' }))];
    for (const { name, view } of tied.parameters) {
      apart.setParameter(name, view);
      if (name.startsWith('tower/')) apart.setParameter(name.replace('tower', 'other'), view);
    }
    const before = Float64Array.from(tied.parameter('tower/weight_hh_l0').view);
    for (const built of [tied, apart]) await new Trainer(built, { loss: squaredError(), optimizer: sgd({ learningRate: 0.5 }) }).step({ input: { a, b }, target: [[1], [-1]] });
    const change = (built: Model, name: string): Float64Array => before.map((weight, i) => built.parameter(`${name}/weight_hh_l0`).view[i]! - weight);
    const sums = change(apart, 'tower').map((value, i) => value + change(apart, 'other')[i]!);
    assert.ok(sums.some((value) => Math.abs(value) > 1e-4));
    assertNear(change(tied, 'tower'), sums, 'changes');
  });

  it('are so again from JSON and from a folder; layers made apart share nothing', async () => {
    const shared = gru({ units: 3, layers: 2, output: 'last' });
    const built = twins(shared, shared);
    assert.deepEqual(built.toJSON().layers.map(({ name, weights }) => [name, weights]), [['gru', undefined], ['gru_1', 'gru'], ['concatenate', undefined], ['head', undefined]]);
    const again = modelFromJSON(JSON.parse(JSON.stringify(built)));
    assert.deepEqual([again.toJSON(), again.parameterCount], [built.toJSON(), built.parameterCount]);
    const folder = await mkdtemp(path.join(tmpdir(), 'bptt-sharing-'));
    try {
      await saveModel(built, path.join(folder, 'twins'));
      const loaded = await loadModel(path.join(folder, 'twins'));
      assert.deepEqual([...(await loaded.predict({ a, b })).output.data], [...(await built.predict({ a, b })).output.data]);
    } finally {
      await rm(folder, { recursive: true });
    }
    const apart = twins(gru({ units: 3, output: 'last' }), gru({ units: 3, output: 'last' }));
    assert.deepEqual(apart.parameters.map(({ name }) => name.split('/')[0]).filter((name, i, all) => all.indexOf(name) === i), ['gru', 'gru_1', 'head']);
  });

  it('have to fit wherever they are connected', () => {
    const shared = dense({ units: 2 });
    const [wide, narrow] = [input({ name: 'a', features: 3 }), input({ name: 'b', features: 4 })];
    assertThrows(() => model({ inputs: [wide, narrow], outputs: connect(concatenate(), connect(shared, wide), connect(shared, narrow)) }), 'ERR_BPTT_SHAPE', /parameter "weight" to keep the shape \[3, 2\].*received \[4, 2\]/);
    const json = twins(shared, shared).toJSON();
    const broken = { ...json, layers: json.layers.map((layer) => (layer.weights === undefined ? layer : { ...layer, options: { units: 5 } })) };
    assertThrows(() => modelFromJSON(broken), 'ERR_BPTT_FORMAT', /layers that share weights to be equal/);
  });
});

describe('model: results by name', () => {
  it('every state of a recurrent layer after each row\'s end', async () => {
    const source = input({ features: 3 });
    const place = connect(lstm({ units: 4, layers: 2 }), source);
    const built = model({ inputs: source, outputs: [place, connect(namedOutput({ output: 'layer_1/c', name: 'memory' }), place)] });
    const { outputs, state } = await built.predict(a);
    assert.deepEqual([...outputs['memory']!.data], [...state['lstm/layer_1/c']!.data]);
    assertThrows(() => connectNamed('layer_2/c'), 'ERR_BPTT_STATE', /nothing called "layer_2\/c"; did you mean "layer_0\/c"\?/);
    function connectNamed(output: string): Model {
      return model({ inputs: source, outputs: connect(namedOutput({ output }), place) });
    }
  });

  it('nothing of a layer before the last one', () => {
    const source = input({ features: 3 });
    const after = connect(dense({ units: 2 }), connect(gru({ units: 4 }), source));
    assertThrows(() => model({ inputs: source, outputs: connect(namedOutput({ output: 'h' }), after) }), 'ERR_BPTT_STATE', /it gives: its output only/);
  });
});

describe('model: streams with inputs given whole', () => {
  it('a vector enters every step of a sequence, the context of a caption', async () => {
    const [image, words] = [input({ name: 'image', features: 3, time: false }), input({ name: 'words', tokens: 5 })];
    const read = connect(embedding({ size: 2 }), words);
    const context = connect(repeatVector(), connect(dense({ units: 4 }), image), read);
    const built = model({ inputs: [image, words], outputs: connect(withInitialState({ layer: gru({ units: 3 }) }), connect(concatenate(), read, context), connect(dense({ units: 3, name: 'begin' }), image)), seed: 1 });
    const data = { image: [[1, 2, 3], [0, -1, 1]], words: [[0, 1, 2], [3, 4, 0]] };
    const { output } = await built.predict(data);
    const stream = built.stream({ given: { image: data.image } });
    const begin = [...stream.state['withInitialState/h']!.data];
    assert.ok(begin.some((value) => value !== 0), 'fresh rows begin with what the picture gives');
    for (let t = 0; t < 3; t++) {
      const given = stream.step([data.words[0]![t]!, data.words[1]![t]!]);
      assert.deepEqual([...given], [...output.row(0).data.subarray(t * 3, t * 3 + 3), ...output.row(1).data.subarray(t * 3, t * 3 + 3)]);
    }
    const kept = stream.state;
    stream.reset(0);
    assert.deepEqual([...stream.state['withInitialState/h']!.data], [...begin.slice(0, 3), ...kept['withInitialState/h']!.data.subarray(3)]);
    const other = built.stream({ given: { image: data.image } });
    other.state = kept;
    assert.deepEqual([...other.state['withInitialState/h']!.data], [...kept['withInitialState/h']!.data]);
  });

  it('what reads steps ahead may be given; what is left may not', async () => {
    const [whole, stepped] = [input({ name: 'whole', features: 2 }), input({ name: 'stepped', features: 2 })];
    const both = connect(gru({ units: 3, direction: 'bidirectional' }), whole);
    const built = model({ inputs: [whole, stepped], outputs: connect(bahdanauAttention({ layer: gru({ units: 3 }) }), stepped, both), seed: 1 });
    assert.equal(built.stream({ given: { whole: [[[1, 2], [3, 4]]] } }).rows, 1);
    assertThrows(() => built.stream({ given: { stepped: [[[1, 2], [3, 4]]] } }), 'ERR_BPTT_OPTION', /"gru" reads steps ahead/);
    assertThrows(() => built.stream({ lengths: [2] }), 'ERR_BPTT_OPTION', /lengths belong to inputs that are given whole/);
  });

  it('whatever is given, it is answered or refused with a typed error', () => {
    const [whole, stepped] = [input({ name: 'whole', tokens: 3 }), input({ name: 'stepped', features: 2 })];
    const encoded = connect(gru({ units: 2 }), connect(embedding({ size: 2 }), whole));
    const built = model({ inputs: [whole, stepped], outputs: connect(withInitialState({ layer: gru({ units: 2 }) }), stepped, encoded) });
    assert.ok(answersOrRefuses(() => built.stream({ given: { whole: [[0, 1], [2]] } }), null));
    fc.assert(fc.property(hostileValue, (given) => { answersOrRefuses(() => built.stream({ given: { whole: given } } as never), given); }), { numRuns: 150, seed: 3 });
    fc.assert(fc.property(hostileOptions(['rows', 'given', 'lengths']), (options) => { answersOrRefuses(() => built.stream(options), options); }), { numRuns: 150, seed: 3 });
  });
});
