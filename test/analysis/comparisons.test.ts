import assert from 'node:assert/strict';
import {
  compareCells, gapSweep, gateActivity, gradientNorms, impulseResponse, inspectGates, jacobianNorms, plot, summarizeGates, tap,
} from '../../lib/analysis/index.ts';
import { adam, conv1d, dense, lstm, oneHot, referenceRuntime, repeatVector, residual, rnn, sequential, squaredError, timeDelay } from '../../lib/index.ts';
import type { Layer, Model } from '../../lib/index.ts';
import { sequences } from '../../lib/data/index.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { someSequences } from '../support/models.ts';

describe('impulseResponse', () => {
  it('[16] of a time-delay network is exactly 0 behind its window; that of a recurrence decays as w^t and never is', async () => {
    const window = sequential([timeDelay({ units: 3, window: 4 }), dense({ units: 2 })], { input: { features: 2 }, seed: 2 });
    window.setParameter('dense/bias', [0.3, -2]);
    const finite = await impulseResponse(window, { steps: 12, at: 4, feature: 1 });
    assert.equal(finite.last, 3);
    assert.ok(finite.norms.slice(0, 4).every((norm) => norm > 0) && finite.norms.slice(4).every((norm) => norm === 0));
    const unit = sequential([rnn({ units: 1, activation: 'linear' })], { input: { features: 1 }, runtime: referenceRuntime });
    unit.setParameter('rnn/weight_ih_l0', [[1]]);
    unit.setParameter('rnn/weight_hh_l0', [[0.5]]);
    const infinite = await impulseResponse(unit, { steps: 20, amplitude: 3 });
    infinite.norms.forEach((norm, t) => assert.equal(norm, 3 * 0.5 ** t));
    assert.equal(infinite.last, 19);
    assert.ok(Math.abs(infinite.rate! - Math.log(0.5)) < 1e-12);
  });
  it('refuses models that it cannot strike', async () => {
    const tokens = sequential([oneHot(), rnn({ units: 2 })], { input: { tokens: 3 } });
    await assertRejects(() => impulseResponse(tokens, { steps: 3 }), 'ERR_BPTT_OPTION', /received one with input "input" of tokens; look at/);
    const last = sequential([rnn({ units: 2, output: 'last' })], { input: { features: 1 } });
    await assertRejects(() => impulseResponse(last, { steps: 3 }), 'ERR_BPTT_OPTION', /received one with input "input" of features, output "rnn" without time; look at/);
    await assertRejects(() => impulseResponse(sequential([rnn({ units: 2 })], { input: { features: 2 } }), { steps: 3, feature: 2 }), 'ERR_BPTT_RANGE', /feature/);
    for (const ahead of [rnn({ units: 2, direction: 'backward' }), rnn({ units: 2, direction: 'bidirectional' }), conv1d({ filters: 2, kernel: 3, padding: 'same' })]) {
      await assertRejects(() => impulseResponse(sequential([ahead], { input: { features: 1 } }), { steps: 4, at: 2 }), 'ERR_BPTT_OPTION', /reads steps ahead/);
    }
    const repeated = sequential([rnn({ units: 2, output: 'last' }), repeatVector({ steps: 3 })], { input: { features: 1 } });
    await assertRejects(() => impulseResponse(repeated, { steps: 4 }), 'ERR_BPTT_OPTION', /as many steps as the input, 4, received 3/);
  });

  it('refuses more steps than memory holds', async () => {
    const unit = sequential([rnn({ units: 1 })], { input: { features: 2 } });
    await assertRejects(() => impulseResponse(unit, { steps: 1e12 }), 'ERR_BPTT_MEMORY', /4000000000000 numbers \(2\.98e\+4 GiB\) of the input of impulseResponse; choose fewer/);
    await assertRejects(() => impulseResponse(unit, { steps: 2, at: 1e15 }), 'ERR_BPTT_MEMORY', /numbers .*of the input of impulseResponse; choose fewer/);
  });
});

describe('gateActivity', () => {
  it('[52] counts what is open and closed over valid steps only, unit by unit', async () => {
    const model = sequential([lstm({ units: 2 })], { input: { features: 1 }, runtime: referenceRuntime });
    for (const name of ['weight_ih_l0', 'weight_hh_l0']) model.parameter(`lstm/${name}`).view.fill(0);
    // i: unit 0 open, unit 1 closed; f: both half open; g: between its ends and saturated at −1; o: open.
    model.setParameter('lstm/bias_ih_l0', Float64Array.from([5, -5, 0, 0, 0, -5, 5, 5]));
    const { gates, layer } = await gateActivity(model, [[[1], [1], [1]], [[1]]]);
    assert.equal(layer, 'lstm');
    assert.deepEqual([[...gates['i']!.openByUnit], [...gates['i']!.closedByUnit]], [[1, 0], [0, 1]]);
    assert.deepEqual([gates['f']!.open, gates['f']!.closed, gates['f']!.mean], [0, 0, 0.5]);
    assert.deepEqual([gates['g']!.signed, gates['g']!.open, gates['g']!.closed], [true, 0, 0.5]);
    assert.deepEqual([gates['o']!.open, gates['o']!.closed], [1, 0]);
    const looser = summarizeGates(await inspectGates(model, [[[1]]]), 0.999);
    assert.equal(looser.gates['o']!.open, 0);
    await assertRejects(() => gateActivity(model, [[[1]]], { threshold: 0.3 }), 'ERR_BPTT_RANGE', /threshold/);
    await assertRejects(() => gateActivity(model, [[[1]]], { layer: 5 } as never), 'ERR_BPTT_TYPE', /a path such as/);
    await assertRejects(() => gateActivity({} as never, [[[1]]]), 'ERR_BPTT_TYPE', /gateActivity: expected the model/);
    await assertRejects(() => inspectGates({} as never, [[[1]]]), 'ERR_BPTT_TYPE', /inspectGates: expected the model/);
    assertThrows(() => summarizeGates(undefined as never), 'ERR_BPTT_TYPE', /what inspectGates\(\) gives/);
  });
});

describe('compareCells', () => {
  const data = sequences(someSequences(Array.from({ length: 24 }, () => 6), 2).map((input) => ({ input, target: input.map(([a, b]) => [a! * b!]) })), { batch: 8 });
  const options = {
    model: (layer: (options: { units: number }) => Layer) => sequential([layer({ units: 4 }), dense({ units: 1 })], { input: { features: 2 }, seed: 1 }),
    training: { loss: squaredError(), optimizer: adam({ learningRate: 0.01 }) }, epochs: 3,
  };

  it('[42] trains each cell, prints parameters, time and loss, and picks the GRU where it is similar to the LSTM', async () => {
    const { results, pick, text, reason } = await compareCells(data, { ...options, tolerance: 10 });
    assert.deepEqual(results.map(({ cell }) => cell), ['lstm', 'gru']);
    const [long, gated] = results;
    assert.ok(gated!.parameters < long!.parameters && results.every(({ seconds, loss }) => seconds > 0 && loss > 0));
    assert.equal(pick, 'gru');
    assert.match(reason, /lstm and gru are similar.*gru has the fewest parameters/);
    assert.match(text, /Cell +Parameters +Seconds +Loss[\s\S]*gru.*◀[\s\S]*gru: /);
  });
  it('[42] picks the better one where they are not similar, whatever its size', async () => {
    const { results, pick } = await compareCells(data, { ...options, cells: ['lstm', 'gru', 'rnn'], tolerance: 0 });
    assert.equal(pick, results.reduce((a, b) => (b.loss < a.loss ? b : a)).cell);
  });
  it('refuses cells that there are none of', async () => {
    await assertRejects(() => compareCells(data, { ...options, cells: ['ltsm'] }), 'ERR_BPTT_OPTION', /did you mean "lstm"/);
    await assertRejects(() => compareCells(data, { ...options, toleranc: 1 } as never), 'ERR_BPTT_OPTION', /did you mean "tolerance"/);
    await assertRejects(() => compareCells(data, { ...options, model: undefined as never }), 'ERR_BPTT_TYPE', /a function that makes a model/);
    await assertRejects(() => compareCells(data, { ...options, cells: 'lstm' as never }), 'ERR_BPTT_TYPE', /a list of cells/);
    await assertRejects(() => compareCells(data, { ...options, cells: ['gru', 'lstm', 'gru'] }), 'ERR_BPTT_OPTION', /each cell once, received "gru" twice; leave one out/);
  });
  it('refuses, before it trains, models without the cell and models that it was given before', async () => {
    const around = (layer: Layer): Model => sequential([layer, dense({ units: 1 })], { input: { features: 2 }, seed: 1 });
    const untouched = around(lstm({ units: 4 }));
    const unused = [() => untouched, (layer: typeof lstm) => { layer({ units: 4 }); return around(lstm({ units: 4 })); }];
    for (const model of unused) await assertRejects(() => compareCells(data, { ...options, model: model as never }), 'ERR_BPTT_OPTION', /a layer of lstm in it, received one without/);
    let made: Model | undefined;
    const same: (typeof options)['model'] = (layer) => { made ??= around(layer({ units: 4 })); return made; };
    await assertRejects(() => compareCells(data, { ...options, model: same }), 'ERR_BPTT_OPTION', /a new model from every call/);
    const before = around(lstm({ units: 4 }));
    for (const [i, { view }] of before.parameters.entries()) {
      assert.deepEqual(untouched.parameters[i]!.view, view);
      assert.equal(made!.parameters[i]!.shape.join(), before.parameters[i]!.shape.join());
      assert.deepEqual(made!.parameters[i]!.view, view, 'trained before it was refused');
    }
    const { results } = await compareCells(data, { ...options, epochs: 1, model: (layer) => around(residual({ layer: layer({ units: 2 }) })) });
    assert.equal(results.length, 2);
  });
});

describe('gapSweep', () => {
  it('refuses what it cannot train anew at each gap', async () => {
    const make = ({ tokens }: { tokens: number }): Model => sequential([oneHot(), rnn({ units: 2, output: 'last' }), dense({ units: 4 })], { input: { tokens } });
    const same = make({ tokens: 6 });
    const small = { gaps: [1, 2], updates: 1, batch: 2 };
    assert.equal((await gapSweep({ ...small, models: { make } })).results.length, 2);
    await assertRejects(() => gapSweep({ ...small, models: { same: () => same } }), 'ERR_BPTT_OPTION', /models\.same: expected a new model from every call/);
    await assertRejects(() => gapSweep({ ...small, models: { make, wrong: 5 as never } }), 'ERR_BPTT_TYPE', /models\.wrong to be a function/);
    await assertRejects(() => gapSweep({ ...small, models: { make }, seed: 1.5 }), 'ERR_BPTT_RANGE', /seed to be an integer/);
  });
  it('[50] a vanilla network fails at a gap that an LSTM bridges [slow]', async function () {
    this.timeout(60_000);
    const around = (layer: Layer) => (input: { tokens: number }) => sequential([oneHot(), layer, dense({ units: 4 })], { input, seed: 1 });
    const small = { recurrent: { kind: 'uniform', options: { low: -0.08, high: 0.08 } } };
    const { longest, text, results } = await gapSweep({
      models: { vanilla: around(rnn({ units: 24, output: 'last', initializer: small })), lstm: around(lstm({ units: 24, output: 'last', forgetBias: 3 })) }, gaps: [2, 20], updates: 200,
    });
    assert.deepEqual(longest, { vanilla: 2, lstm: 20 }, text);
    assert.ok(results.find(({ model, gap }) => model === 'vanilla' && gap === 20)!.accuracy < 0.8, text);
    assert.match(text, /Gap +2 +20\n─+\nvanilla +100% +\d+%\nlstm +100% +\d+%/);
    assert.match(await plot({ kind: 'gapSweep', longest, text, results }), /vanilla/);
  });
});

describe('plot', () => {
  it('draws every result', async function () {
    this.timeout(30_000);
    const model = sequential([lstm({ units: 3 }), dense({ units: 1 })], { input: { features: 2 }, runtime: referenceRuntime });
    const data = someSequences([4], 2);
    const gates = await inspectGates(model, data);
    const results = [
      [tap('tanh', 1.5, 0.1, 20), 'unstable 0'], [await jacobianNorms(model, data), 'smallest'], [await impulseResponse(model, { steps: 4 }), 'norm of the difference'],
      [await gradientNorms(model, { input: data, target: [[[0], [1], [0], [1]]] }, { loss: squaredError() }), 'lstm: gradient of the loss by step'],
      [summarizeGates(gates), 'share of steps closed'], [gates, 'lstm: i'],
    ] as const;
    for (const [result, words] of results) {
      const svg = await plot(result);
      assert.ok(svg.startsWith('<svg') && svg.includes(words), words);
      assert.doesNotMatch(svg, /NaN|undefined/);
    }
    assert.match(await plot(gates, { show: 'c', title: 'memory', width: 400 }), /width="400"[\s\S]*memory/);
    assert.match(await plot(tap('tanh', 1, 1, 3), { title: undefined }), /h\(t\+1\) = tanh/);
    for (const show of ['q', 'toString']) await assertRejects(() => plot(gates, { show }), 'ERR_BPTT_OPTION', /one of i, f, g, o, h, c/);
    await assertRejects(() => plot([] as never), 'ERR_BPTT_TYPE', /expected a result/);
    await assertRejects(() => plot(tap('tanh', 1, 1, 3), { row: 1 }), 'ERR_BPTT_OPTION', /leave it out/);
    await assertRejects(() => plot({ kind: 'tapp' } as never), 'ERR_BPTT_TYPE', /expected a result/);
  });
});
