import assert from 'node:assert/strict';
import { cell } from '../../lib/cells/index.ts';
import { add, tanh } from '../../lib/graph/index.ts';
import {
  activation, add as addLayer, average, bidirectional, concatenate, defineLayer, dense, describeLayer, dropout, embedding, glorotNormal, gru, isLayer, lastStep, layerFromDescription, layerKinds, lstm,
  bahdanauAttention, highway, luongAttention, namedOutput, parallel, repeatVector, residual, scheduledSampling, sequenceToVector, timeDistributed, vectorToSequence, withInitialState,
  elman, jordan, nonlinearAutoregression, stateSpace, timeDelay,
  multiply, oneHot, recurrent, registerInitializer, registerLayer, rnn, stack, type Layer,
} from '../../lib/layers/index.ts';
import {
  averagePooling1d, averagePooling2d, conv1d, conv2d, flatten, globalAveragePooling, globalMaxPooling, localResponseNormalization, maxPooling1d, maxPooling2d, recurrentConvolution1d, recurrentConvolution2d, reshape, tcn,
} from '../../lib/layers/index.ts';
import * as packageLayers from '../../lib/layers/index.ts';
import { sequential } from '../../lib/model/index.ts';
import { assertThrows } from '../support/errors.ts';

const residualCell = cell('testResidual', { state: { h: 'units' }, options: { gain: 2, gated: false, style: ['plain', 'fancy'] } }, ({ x, h, affine }) => {
  const next = add(h, tanh(affine('h', x, h)));
  return { output: next, h: next };
});

const layers: Record<string, Layer> = {
  activation: activation({ function: 'softplus' }),
  add: addLayer(), average: average({ name: 'mean' }), concatenate: concatenate(), multiply: multiply(),
  bahdanauAttention: bahdanauAttention({ layer: lstm({ units: 3, layers: 2 }), units: 5, name: 'look' }),
  bidirectional: bidirectional({ forward: lstm({ units: 3, name: 'there' }), merge: 'sum' }),
  dense: dense({ units: 4, activation: 'relu', initializer: { weight: glorotNormal({ gain: 2 }), bias: 'ones' } }),
  dropout: dropout({ rate: 0.25, variational: true }),
  embedding: embedding({ size: 8, name: 'words' }),
  gru: gru({ units: 3, reset: 'before', layers: 2, dropout: { between: 0.5 } }),
  highway: highway({ layer: gru({ units: 3 }), gateBias: -3 }),
  lastStep: lastStep(),
  lstm: lstm({ units: 3, forgetBias: 2, bias: 'double', direction: 'bidirectional', merge: 'average' }),
  luongAttention: luongAttention({ layer: gru({ units: 3 }), score: 'concat', units: 4, inputFeeding: true }),
  namedOutput: namedOutput({ output: 'layer_0/h' }),
  oneHot: oneHot({ depth: 7 }),
  parallel: parallel({ layers: [gru({ units: 3 }), rnn({ units: 3, name: 'plain' })], merge: 'sum' }),
  repeatVector: repeatVector({ steps: 4, at: 'first' }),
  residual: residual({ layer: lstm({ units: 3, skip: 'residual', layers: 2 }), projection: true }),
  rnn: rnn({ units: 3, activation: 'relu', initialState: 'learned', initializer: { recurrent: 'identity' } }),
  scheduledSampling: scheduledSampling({ layers: [embedding({ size: 3 }), dense({ units: 4 })], truthShare: { kind: 'linear', slope: 0.01 }, own: 'likeliest' }),
  sequenceToVector: sequenceToVector({ layers: [gru({ units: 3 })] }),
  stack: stack({ layers: [embedding({ size: 3 }), stack({ layers: [lstm({ units: 2, output: 'last' }), dense({ units: 1 })] })] }),
  elman: elman({ units: 3, activation: 'sigmoid' }),
  jordan: jordan({ units: 3, outputs: 2, decay: 0.9, context: 'average', outputActivation: 'softmax', initializer: { context: 'orthogonal' } }),
  nonlinearAutoregression: nonlinearAutoregression({ units: 1, inputDelays: [0, 3], transition: [dense({ units: 4 }), dense({ units: 1, name: 'out' })] }),
  stateSpace: stateSpace({ units: 2, transition: [dense({ units: 4, activation: 'tanh' }), dense({ units: 2 })], initialState: 'learned' }),
  timeDelay: timeDelay({ units: 3, window: 4, activation: 'sigmoid' }),
  timeDistributed: timeDistributed({ layer: dense({ units: 2 }) }),
  vectorToSequence: vectorToSequence({ steps: 3, layers: [gru({ units: 3 })] }),
  withInitialState: withInitialState({ layer: bahdanauAttention({ layer: gru({ units: 3 }) }), state: 'h' }),
  averagePooling1d: averagePooling1d({ size: 3, padding: 'same' }), averagePooling2d: averagePooling2d({ size: [2, 3] }),
  conv1d: conv1d({ filters: 3, kernel: 2, padding: 'causal', dilation: 4, weightNorm: true, initializer: { weight: glorotNormal({ gain: 2 }) } }),
  conv2d: conv2d({ filters: 3, kernel: [2, 3], stride: 2, activation: 'relu', bias: false }),
  flatten: flatten(), globalAveragePooling: globalAveragePooling({ name: 'pool' }), globalMaxPooling: globalMaxPooling(),
  localResponseNormalization: localResponseNormalization({ alpha: 1 }),
  maxPooling1d: maxPooling1d({ size: 3, stride: 1 }), maxPooling2d: maxPooling2d({ size: 3, stride: [1, 2], padding: 'same' }),
  recurrentConvolution1d: recurrentConvolution1d({ filters: 3, kernel: 2, padding: 'causal', normalization: false }),
  recurrentConvolution2d: recurrentConvolution2d({ filters: 3, kernel: 2, recurrentKernel: [1, 2], iterations: 1, normalization: { beta: 1 }, initializer: { recurrent: 'zeros' } }),
  reshape: reshape({ sizes: [2, 3] }),
  tcn: tcn({ channels: [3, 4], kernel: 3, dropout: 0.1, variational: false, initializer: { bias: 'ones' } }),
  testResidual: recurrent(residualCell, { units: 3, gain: 4, style: 'fancy' }),
};

describe('layers of one\'s own', () => {
  const build: Layer['build'] = (_scope, signal) => signal;

  it('say of themselves what others read, and nothing else', () => {
    assertThrows(() => defineLayer('mine', {}, build, { recurence: true } as never), 'ERR_BPTT_OPTION', /mine: what it says of itself: unknown option "recurence"; did you mean "recurrence"/);
    assertThrows(() => defineLayer('mine', {}, build, { direction: 'bakward' as never }), 'ERR_BPTT_OPTION', /direction to be one of "forward", "backward", "bidirectional"/);
    for (const furtherInputs of [-1, 1.5, NaN]) assertThrows(() => defineLayer('mine', {}, build, { furtherInputs }), 'ERR_BPTT_RANGE', /furtherInputs to be an integer of 0 or more/);
    assertThrows(() => defineLayer('mine', {}, build, { rowwise: 'yes' as never }), 'ERR_BPTT_TYPE', /rowwise to be true or false/);
    const { rowwise, direction } = defineLayer('mine', {}, build, { rowwise: true, direction: 'backward', furtherInputs: undefined });
    assert.deepEqual([rowwise, direction], [true, 'backward']);
  });

  it('refuse arguments of other kinds', () => {
    for (const kind of ['', 'a/b', 'a.b', 7]) assertThrows(() => defineLayer(kind as string, {}, build), 'ERR_BPTT_OPTION', /expected kind to be a text/);
    for (const options of [null, [], 'x']) assertThrows(() => defineLayer('mine', options as never, build), 'ERR_BPTT_TYPE', /mine: expected the options to be an object/);
    assertThrows(() => defineLayer('mine', {}, 7 as never), 'ERR_BPTT_TYPE', /build to be a function/);
    assertThrows(() => registerLayer(7 as never, () => stack({ layers: [] })), 'ERR_BPTT_TYPE', /kind/);
    assertThrows(() => registerLayer('mineToo', 7 as never), 'ERR_BPTT_TYPE', /"mineToo": expected the factory to be a function/);
    assertThrows(() => registerInitializer('mineToo', 7 as never), 'ERR_BPTT_TYPE', /factory/);
    for (const result of [undefined, {}, { value: 1, time: true }]) {
      assertThrows(() => sequential([defineLayer('mine', {}, () => result as never)], { input: { features: 1 } }), 'ERR_BPTT_TYPE', /mine: expected what the layer gives to be a signal/);
    }
  });
});

describe('layers as JSON', () => {
  for (const [kind, layer] of Object.entries(layers)) {
    it(`${kind} comes back as it was`, () => {
      const text = JSON.stringify(describeLayer(layer));
      const again = layerFromDescription(JSON.parse(text));
      assert.equal(again.kind, kind);
      assert.equal(JSON.stringify(describeLayer(again)), text);
      assert.ok(isLayer(again) && Object.isFrozen(again));
    });
  }
  it('every kind that the package has a factory for is among them', () => {
    const factories = layerKinds().filter((kind) => kind in packageLayers);
    assert.deepEqual(factories.sort(), Object.keys(layers).filter((kind) => kind !== 'testResidual').sort());
  });
  it('an unknown kind says what to do about cells of one\'s own', () => {
    assertThrows(() => layerFromDescription({ kind: 'testNowhere', options: {} }), 'ERR_BPTT_FORMAT', /unknown layer kind "testNowhere".*cell\('testNowhere', …\).*import it before loading/);
    assertThrows(() => layerFromDescription({ kind: 'lstn', options: {} }), 'ERR_BPTT_FORMAT', /did you mean "lstm"/);
  });
  it('what is no description, and options that no factory accepts, are refused', () => {
    assertThrows(() => layerFromDescription({ kind: 'lstm' }), 'ERR_BPTT_FORMAT', /expected \{ kind: text/);
    assertThrows(() => layerFromDescription('lstm'), 'ERR_BPTT_TYPE');
    assertThrows(() => layerFromDescription({ kind: 'lstm', options: { units: -1 } }), 'ERR_BPTT_RANGE', /units/);
    assertThrows(() => layerFromDescription({ kind: 'lstm', options: { units: 3, reset: 'after' } }), 'ERR_BPTT_OPTION', /unknown option "reset"/);
    for (const kind of ['constructor', '__proto__', 'toString']) assertThrows(() => layerFromDescription({ kind, options: {} }), 'ERR_BPTT_FORMAT', /"\. A cell/);
  });
  it('kinds of one\'s own can be registered, once', () => {
    registerLayer('testDense', (options: Parameters<typeof dense>[0]) => dense(options));
    assert.ok(layerKinds().includes('testDense'));
    assertThrows(() => registerLayer('testDense', dense), 'ERR_BPTT_OPTION', /registered already/);
    assertThrows(() => registerInitializer('zeros', glorotNormal), 'ERR_BPTT_OPTION', /registered already/);
  });
});
