import assert from 'node:assert/strict';
import { bahdanauAttention, concatenate, connect, conv1d, dense, embedding, encoderDecoder, gru, input, lstm, maxPooling1d, model, repeatVector, rnn, sequential } from '../../lib/index.ts';
import { assertThrows } from '../support/errors.ts';

describe('a model unfolded over time', () => {
  it('[28] has every layer at every step, each state between two of them', () => {
    const made = sequential([embedding({ size: 2 }), lstm({ units: 2 }), dense({ units: 3 })], { input: { tokens: 3 } });
    const { unfolded } = made.describe({ unfold: 2 });
    assert.deepEqual(unfolded!.nodes.map(({ layer, step }) => `${layer} ${step}`), ['embedding 1', 'lstm 1', 'dense 1', 'embedding 2', 'lstm 2', 'dense 2']);
    assert.equal(unfolded!.text, [
      'Unfolded over 2 steps: the same layers, with the same weights, at each of them.',
      'Begins with lstm.h[0], lstm.c[0].',
      'step 1  embedding[1] = embedding(input[1])',
      '        lstm[1], lstm.h[1], lstm.c[1] = lstm(embedding[1], lstm.h[0], lstm.c[0])',
      '        dense[1] = dense(lstm[1])',
      'step 2  embedding[2] = embedding(input[2])',
      '        lstm[2], lstm.h[2], lstm.c[2] = lstm(embedding[2], lstm.h[1], lstm.c[1])',
      '        dense[2] = dense(lstm[2])',
      'Recurrences:',
      '  lstm',
    ].join('\n'));
    assert.equal(made.summary({ unfold: 2 }), `${made.summary()}\n\n${unfolded!.text}`);
    assert.equal(made.describe().unfolded, undefined);
  });
  it('[28] tells sequential recursion (on top) from parallel recursion (side by side)', () => {
    const stacked = sequential([rnn({ units: 2, layers: 2 })], { input: { features: 1 } }).describe({ unfold: 1 }).unfolded!;
    assert.deepEqual(stacked.recurrences.map(({ path, after }) => [path, after]), [['rnn/layer_0', []], ['rnn/layer_1', ['rnn/layer_0']]]);
    assert.match(stacked.text, /rnn\/layer_1; sequential recursion: reads rnn\/layer_0/);
    const x = input({ features: 2 });
    const parallel = model({ inputs: x, outputs: connect(concatenate(), connect(lstm({ units: 2 }), x), connect(rnn({ units: 2 }), x)) }).describe({ unfold: 3 }).unfolded!;
    assert.match(parallel.text, / {2}lstm; parallel recursion: beside rnn\n {2}rnn; parallel recursion: beside lstm$/);
    assert.match(parallel.text, /step 3 {2}lstm\[3\], .*\n {8}rnn\[3\], rnn\.h\[3\] = rnn\(input\[3\], rnn\.h\[2\]\)\n {8}concatenate\[3\] = concatenate\(lstm\[3\], rnn\[3\]\)/);
  });
  it('[28] runs backward recurrences from the end, and gives what there is one of once', () => {
    const { unfolded } = sequential([gru({ units: 2, direction: 'bidirectional', output: 'last' }), dense({ units: 1 })], { input: { features: 1 } }).describe({ unfold: 2 });
    assert.match(unfolded!.text, /Begins with gru\.forward\.h\[0\], gru\.backward\.h\[3\]\./);
    assert.match(unfolded!.text, /gru\(input\[1\], gru\.forward\.h\[0\], gru\.backward\.h\[2\]\)/);
    assert.match(unfolded!.text, /gru = gru\(gru\.forward\.h\[2\], gru\.backward\.h\[1\]\)\n {8}dense = dense\(gru\)\n/);
    assert.deepEqual(unfolded!.recurrences.map(({ backward }) => backward), [false, true]);
  });
  it('[28] lets attention read the whole of the source at every step, and a decoder what its states begin with', () => {
    const wired = (bridge: 'state' | 'none', layer = bahdanauAttention({ layer: gru({ units: 2 }), name: 'decoder' })) => encoderDecoder({
      source: { tokens: 4 }, target: { tokens: 4 }, bridge, encoder: [embedding({ size: 2 }), gru({ units: 2 })], decoder: [embedding({ size: 2 }), layer, dense({ units: 4 })],
    }).describe({ unfold: 2 }).unfolded!;
    const { text, nodes } = wired('none');
    assert.match(text, /^Unfolded .*\nWhat is read without a step is read as a whole, all steps of it\.\n/);
    assert.match(text, /decoder\[2\], decoder\.h\[2\] = bahdanauAttention "decoder"\(embedding\[2\], gru, decoder\.h\[1\]\)/);
    assert.deepEqual(nodes.filter(({ layer }) => layer === 'gru').flatMap(({ reads }) => reads[0]!.step), [1, 2]);
    assert.match(wired('state', gru({ units: 2, name: 'decoder' })).text, /\(embedding\[2\], gru, \w+\.h\[1\]\)/);
    assert.doesNotMatch(sequential([rnn({ units: 1 })], { input: { features: 1 } }).summary({ unfold: 2 }), /without a step/);
  });
  it('[28] writes layers out over the steps that they make', () => {
    const stepsOf = (layers: Parameters<typeof sequential>[0], unfold: number) => {
      const { nodes, text } = sequential(layers, { input: { features: 1 } }).describe({ unfold }).unfolded!;
      return { text, steps: nodes.filter(({ layer, step }) => layer === 'gru' && step !== null).length };
    };
    assert.equal(stepsOf([maxPooling1d({ size: 2 }), gru({ units: 1 })], 5).steps, 2);
    assert.equal(stepsOf([conv1d({ filters: 1, kernel: 3 }), gru({ units: 1 })], 5).steps, 3);
    const { steps, text } = stepsOf([rnn({ units: 1, output: 'last' }), repeatVector({ steps: 3 }), gru({ units: 1, direction: 'backward' })], 2);
    assert.equal(steps, 3);
    assert.match(text, /Begins with rnn\.h\[0\], gru\.h\[4\]\.[^]*\nstep 3 {2}gru\[3\], gru\.h\[3\] = gru\(repeatVector\[3\], gru\.h\[4\]\)\n {8}rnn = rnn\(rnn\.h\[2\]\)/);
  });
  it('refuses numbers of steps and options that do not fit', () => {
    const made = sequential([rnn({ units: 1 })], { input: { features: 1 } });
    assertThrows(() => made.summary({ unfold: 0 }), 'ERR_BPTT_RANGE', /unfold/);
    assertThrows(() => made.describe({ unfolded: 2 } as never), 'ERR_BPTT_OPTION', /did you mean "unfold"/);
  });
});
