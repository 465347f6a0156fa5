import assert from 'node:assert/strict';
import { sigmoid } from '../../lib/graph/index.ts';
import { cell } from '../../lib/cells/index.ts';
import { characters } from '../../lib/data/index.ts';
import { add, concatenate, dense, dropout, embedding, gru, lstm, orthogonal, recurrent, rnn } from '../../lib/layers/index.ts';
import { connect, input, model, modelFromJSON, sequential } from '../../lib/model/index.ts';
import type { Model, ModelDefinition } from '../../lib/model/index.ts';
import { assertThrows } from '../support/errors.ts';
import { weightsOf } from '../support/models.ts';

const blend = cell('blendOfDefinitionTest', { state: { h: 'units' } }, ({ x, h, affine }) => {
  const next = sigmoid(affine('a', x, h));
  return { output: next, h: next };
});

function branches(): Model {
  const text = input({ name: 'text', vocabulary: characters('hello world') });
  const signal = input({ features: 2 });
  const left = connect(lstm({ units: 3, layers: 2, dropout: { output: 0.1 }, initializer: { recurrent: orthogonal({ gain: 0.5 }) } }), connect(embedding({ size: 4 }), text));
  const right = connect(recurrent(blend, { units: 3 }), signal);
  const merged = connect(add(), left, right);
  return model({
    name: 'branches', seed: 3, inputs: [text, signal],
    outputs: [connect(dense({ units: 2 }), connect(dropout({ rate: 0.2 }), merged)), connect(gru({ units: 2, output: 'last' }), connect(concatenate(), left, right))],
  });
}

describe('model: definition', () => {
  it('goes through JSON and back to an equal model', async () => {
    const first = branches();
    const second = modelFromJSON(JSON.parse(JSON.stringify(first)));
    assert.deepEqual(JSON.parse(JSON.stringify(second.toJSON())), JSON.parse(JSON.stringify(first.toJSON())));
    assert.deepEqual(weightsOf(second), weightsOf(first));
    assert.deepEqual(second.vocabulary!.tokens, first.vocabulary!.tokens);
    const data = { text: [first.vocabulary!.encode('hello')], input: [[[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]] };
    assert.deepEqual((await second.predict(data)).outputs, (await first.predict(data)).outputs);
  });

  it('names layers by kind, numbered, around the given names', () => {
    const made = sequential([rnn({ units: 2 }), rnn({ name: 'rnn_1', units: 2 }), rnn({ units: 2 }), dense({ name: 'head', units: 1 })], { input: { features: 1 } });
    assert.deepEqual(made.definition.layers.map(({ name }) => name), ['rnn', 'rnn_1', 'rnn_2', 'head']);
    assertThrows(() => sequential([rnn({ name: 'a', units: 2 }), rnn({ name: 'a', units: 2 })], { input: { features: 1 } }), 'ERR_BPTT_OPTION', /"a" twice/);
  });

  it('has every name on disk once, as PyTorch calls it', () => {
    const names = sequential([lstm({ name: 'lstm', units: 2, layers: 2, direction: 'bidirectional' }), dense({ name: 'linear', units: 1 })], { input: { features: 1 } }).parameters.map(({ diskName }) => diskName);
    assert.equal(new Set(names).size, names.length);
    for (const name of ['lstm.weight_ih_l0', 'lstm.weight_hh_l1_reverse', 'linear.weight']) assert.ok(names.includes(name), name);
  });

  it('leaves weights at zero when told', () => {
    const made = modelFromJSON(branches().toJSON(), { initialize: false });
    assert.ok(made.parameters.every(({ view }) => view.every((number) => number === 0)));
    assertThrows(() => modelFromJSON(branches().toJSON(), { mostWeights: 10 }), 'ERR_BPTT_FORMAT', /at most 10 weights/);
  });

  it('refuses what is no definition', () => {
    const good = JSON.parse(JSON.stringify(branches())) as ModelDefinition;
    const wrong: unknown[] = [
      null, 7, {}, { ...good, version: 2 }, { ...good, inputs: {} }, { ...good, outputs: ['nothing'] }, { ...good, outputs: [] },
      { ...good, layers: [...good.layers].reverse() }, { ...good, layers: [...good.layers, good.layers[0]] }, { ...good, extra: 1 }, { ...good, seed: -1 },
      { ...good, layers: [{ ...good.layers[0], kind: 'lstmm' }] }, { ...good, inputs: [{ ...good.inputs[0], tokens: 'many', vocabulary: null }] },
    ];
    for (const json of wrong) assert.throws(() => modelFromJSON(json), { name: 'BpttError' }, JSON.stringify(json)?.slice(0, 80));
    assertThrows(() => modelFromJSON({ ...good, layers: [{ ...good.layers[0], kind: 'lstmm' }] }), 'ERR_BPTT_FORMAT');
  });

  it('refuses wiring that does not hold together', () => {
    const a = input({ name: 'a', features: 1 });
    const b = input({ name: 'b', features: 1 });
    const out = connect(dense({ units: 1 }), a);
    assertThrows(() => model({ inputs: [a, b], outputs: out }), 'ERR_BPTT_GRAPH', /no output needs the input "b"/);
    assertThrows(() => model({ inputs: b, outputs: out }), 'ERR_BPTT_GRAPH');
    assertThrows(() => model({ inputs: a, outputs: [out, out] }), 'ERR_BPTT_OPTION');
    assertThrows(() => model({ inputs: out, outputs: out }), 'ERR_BPTT_TYPE');
    assertThrows(() => model({ inputs: [], outputs: out }), 'ERR_BPTT_TYPE');
    assertThrows(() => model({ inputs: a, outputs: { y: out, k: out } as never }), 'ERR_BPTT_TYPE', /received them by name; give a list, \[y, k\], in which each is called as the layer that makes it, such as dense\(\{ name \}\) says/);
    assertThrows(() => model({ inputs: { a } as never, outputs: out }), 'ERR_BPTT_TYPE', /give a list, \[a\], in which each is called as input\(\{ name \}\) says/);
    assertThrows(() => model({ inputs: {} as never, outputs: out }), 'ERR_BPTT_TYPE', /a list of them, received an object of Object$/);
    assertThrows(() => model({ input: a, outputs: out } as never), 'ERR_BPTT_OPTION', /did you mean "inputs"/);
    assertThrows(() => connect({} as never, a), 'ERR_BPTT_TYPE');
    assertThrows(() => connect(dense({ units: 1 })), 'ERR_BPTT_OPTION');
    assertThrows(() => input({ tokens: 3, features: 2 }), 'ERR_BPTT_OPTION', /exactly one/);
    assertThrows(() => input({ features: 0 }), 'ERR_BPTT_RANGE');
    assertThrows(() => input({ features: 1, name: 'a/b' }), 'ERR_BPTT_OPTION');
    assertThrows(() => sequential([], { input: { features: 1 } }), 'ERR_BPTT_TYPE');
    assertThrows(() => sequential([dense({ units: 1 })], { input: { features: 1 }, sed: 1 } as never), 'ERR_BPTT_OPTION', /did you mean "seed"/);
  });

  it('says which layer does not get what it needs', () => {
    const wrong = (): Model => sequential([embedding({ size: 3 }), lstm({ units: 4, output: 'last' }), rnn({ name: 'decoder', units: 4 })], { input: { tokens: 5 } });
    assertThrows(wrong, 'ERR_BPTT_SHAPE', /rnn "decoder": expected input of shape \[N, T, features\], received \[1, 4\]; a layer before it gives its last step only/);
  });
});

describe('model: summary', () => {
  it('is a table of the layers', () => {
    const made = sequential([embedding({ size: 64 }), lstm({ name: 'memory', units: 128, bias: 'double' }), dense({ units: 65 })], { input: { tokens: 65 }, name: 'characters' });
    assert.equal(made.summary(), [
      'Model "characters"',
      'Layer (kind)    Output shape  Parameters',
      '────────────────────────────────────────',
      'input (tokens)  [N, T]                 0',
      'embedding       [N, T, 64]         4,160',
      'memory (lstm)   [N, T, 128]       99,328',
      'dense           [N, T, 65]         8,385',
      '────────────────────────────────────────',
      'Total parameters: 111,873',
    ].join('\n'));
    assert.equal(made.describe().parameters, made.parameterCount);
  });

  it('says what each layer reads where that is not the one above', () => {
    const made = branches();
    assert.match(made.summary(), /Reads/);
    assert.match(made.summary(), /add +\[N, T, 3\] +0 {2}lstm, blendOfDefinitionTest/);
    assert.match(made.summary(), /gru +\[N, 2\]/);
  });
});

describe('model: inputs', () => {
  it('are given once each', () => {
    const place = input({ features: 2 });
    assertThrows(() => model({ inputs: [place, place], outputs: connect(dense({ units: 1 }), place) }), 'ERR_BPTT_OPTION', /different inputs, received "input" twice/);
  });
});
