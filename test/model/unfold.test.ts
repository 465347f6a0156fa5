import assert from 'node:assert/strict';
import { concatenate, connect, dense, embedding, gru, input, lstm, model, rnn, sequential } from '../../lib/index.ts';
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
  it('refuses numbers of steps and options that do not fit', () => {
    const made = sequential([rnn({ units: 1 })], { input: { features: 1 } });
    assertThrows(() => made.summary({ unfold: 0 }), 'ERR_BPTT_RANGE', /unfold/);
    assertThrows(() => made.describe({ unfolded: 2 } as never), 'ERR_BPTT_OPTION', /did you mean "unfold"/);
  });
});
