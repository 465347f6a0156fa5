import assert from 'node:assert/strict';
import { gradientCheck } from '../../lib/analysis/index.ts';
import * as layers from '../../lib/layers/index.ts';
import type { Layer } from '../../lib/layers/index.ts';
import { connect, input, model, sequential } from '../../lib/model/index.ts';
import type { InputOptions, Model, Symbolic } from '../../lib/model/index.ts';
import { referenceRuntime } from '../../lib/runtime/index.ts';
import { checkGradient } from '../support/gradient-check.ts';
import { someNumbers } from '../support/numbers.ts';
import { buildLayer } from '../support/scope.ts';
import { numbers } from '../support/tensors.ts';

const settings = { seed: 4, runtime: referenceRuntime };
const { dense, lstm, gru } = layers;
const sequence = { features: 3 };
const vector = { features: 3, time: false };
const images = { features: [5, 4, 2], time: false };

/** Layers one after the other. */
const chain = (fed: InputOptions, ...chained: Layer[]): Model => sequential(chained, { input: fed, ...settings });

/** What `join` makes of inputs. */
function joined(fed: readonly InputOptions[], join: (...sources: Symbolic[]) => Symbolic): Model {
  const inputs = fed.map((each, i) => input({ name: `input${i}`, ...each }));
  return model({ inputs, outputs: join(...inputs), ...settings });
}
const merged = (layer: Layer): Model => joined([sequence, sequence], (a, b) => connect(layer, a, b));

/** What acts while training only, or has the gradient of so many steps. */
function inTraining(layer: Layer, steps = 4): () => void {
  return () => {
    const { scope, x, signal, inputs } = buildLayer({ layer, x: numbers([steps, 3, 3], someNumbers(steps * 9, 8)), lengths: steps === 4 ? [4, 1, 3] : undefined, training: true });
    checkGradient(signal.value, [x, ...[...scope.requests.parameters.values()].map(({ value }) => value)], { inputs, samples: 10 });
  };
}

/**
 * Every kind of layer at work: a line here is its gradient check, by central differences of parameters, inputs and states. A kind without a line fails the last test.
 */
const checked: Readonly<Record<string, () => Model | void>> = {
  activation: () => chain(sequence, layers.activation({ function: 'softplus' })),
  add: () => merged(layers.add()),
  average: () => merged(layers.average()),
  averagePooling1d: () => chain(sequence, layers.averagePooling1d({ size: 2, padding: 'same' }), layers.lastStep()),
  averagePooling2d: () => chain(images, layers.averagePooling2d({ size: 2 })),
  bahdanauAttention: () => joined([sequence, { features: 2 }], (x, memory) => connect(layers.bahdanauAttention({ layer: gru({ units: 3 }), units: 4 }), x, memory)),
  bidirectional: () => chain(sequence, layers.bidirectional({ forward: lstm({ units: 2 }), backward: gru({ units: 3, direction: 'backward' }) })),
  concatenate: () => merged(layers.concatenate()),
  conv1d: () => chain(sequence, layers.conv1d({ filters: 4, kernel: 3, dilation: 2, padding: 'causal' })),
  conv2d: () => chain(images, layers.conv2d({ filters: 3, kernel: [3, 2], padding: 'same' })),
  dense: () => chain(sequence, dense({ units: 4, activation: 'tanh' })),
  dropout: inTraining(layers.dropout({ rate: 0.4 })),
  elman: inTraining(layers.elman({ units: 3 }), 1),
  embedding: () => chain({ tokens: 6 }, layers.embedding({ size: 3 })),
  flatten: () => chain(images, layers.flatten(), dense({ units: 2 })),
  globalAveragePooling: () => chain(sequence, layers.globalAveragePooling()),
  globalMaxPooling: () => chain(sequence, layers.globalMaxPooling()),
  gru: () => chain(sequence, gru({ units: 3, layers: 2, direction: 'bidirectional', bias: 'double' })),
  highway: () => chain(sequence, layers.highway({ layer: dense({ units: 3, activation: 'tanh' }) })),
  jordan: () => chain(sequence, layers.jordan({ units: 4, outputs: 2, decay: 0.6 })),
  lastStep: () => chain(sequence, layers.lastStep()),
  localResponseNormalization: () => chain(images, layers.localResponseNormalization({ size: 3, alpha: 0.5 })),
  lstm: () => chain(sequence, lstm({ units: 3, projection: 2, initialState: 'learned', dropout: { zoneout: 0.2 } })),
  luongAttention: () => joined([sequence, { features: 2 }], (x, memory) => connect(layers.luongAttention({ layer: gru({ units: 3 }), score: 'concat', units: 4, inputFeeding: true }), x, memory)),
  maxPooling1d: () => chain(sequence, layers.maxPooling1d({ size: 2 }), layers.globalAveragePooling()),
  maxPooling2d: () => chain(images, layers.maxPooling2d({ size: 2 })),
  multiply: () => merged(layers.multiply()),
  namedOutput: () => joined([sequence], (x) => connect(layers.namedOutput({ output: 'c' }), connect(lstm({ units: 3 }), x))),
  nonlinearAutoregression: () => chain(sequence, layers.nonlinearAutoregression({ units: 2, inputDelays: [0, 1], outputDelays: [1, 2], transition: [dense({ units: 4, activation: 'tanh' }), dense({ units: 2 })] })),
  oneHot: () => chain({ tokens: 6 }, layers.oneHot(), dense({ units: 2 })),
  parallel: () => chain(sequence, layers.parallel({ layers: [lstm({ units: 2 }), dense({ units: 3, activation: 'tanh' })] })),
  recurrentConvolution1d: () => chain(sequence, layers.recurrentConvolution1d({ filters: 3, kernel: 3, iterations: 2, activation: 'tanh' })),
  recurrentConvolution2d: () => chain(images, layers.recurrentConvolution2d({ filters: 2, kernel: 3, iterations: 2, activation: 'tanh' })),
  repeatVector: () => chain(vector, layers.repeatVector({ steps: 3 }), gru({ units: 2 })),
  reshape: () => chain(images, layers.reshape({ sizes: [40] }), dense({ units: 2 })),
  residual: () => chain(sequence, layers.residual({ layer: lstm({ units: 3 }) })),
  rnn: () => chain(sequence, layers.rnn({ units: 3, activation: 'sigmoid', output: 'last' })),
  scheduledSampling: inTraining(layers.scheduledSampling({ layers: [gru({ units: 2 }), dense({ units: 3 })], truthShare: 0.5 })),
  sequenceToVector: () => chain(sequence, layers.sequenceToVector({ layers: [lstm({ units: 3 }), dense({ units: 2 })] })),
  stack: () => chain(sequence, layers.stack({ layers: [dense({ units: 4 }), gru({ units: 2 })] })),
  stateSpace: () => chain(sequence, layers.stateSpace({ units: 3, transition: [dense({ units: 5, activation: 'tanh' }), dense({ units: 3, activation: 'tanh' })] })),
  tcn: () => chain(sequence, layers.tcn({ channels: [3, 2], kernel: 2, initializer: { weight: 'heNormal', bias: 'ones' } })),
  timeDelay: () => chain(sequence, layers.timeDelay({ units: 4, window: 3, activation: 'tanh' })),
  timeDistributed: () => chain({ features: [5, 4, 2] }, layers.timeDistributed({ layer: layers.stack({ layers: [layers.flatten(), dense({ units: 2 })] }) })),
  vectorToSequence: () => chain(vector, layers.vectorToSequence({ steps: 3, layers: [lstm({ units: 2 })] })),
  withInitialState: () => joined([sequence, sequence], (source, x) => connect(layers.withInitialState({ layer: lstm({ units: 3 }) }), x, connect(lstm({ units: 3 }), source))),
};

describe('gradients of every kind of layer', () => {
  for (const [kind, check] of Object.entries(checked)) {
    it(`${kind}: as central differences have them`, async () => {
      const made = check();
      if (!made) return;
      const { passed, text, entries } = await gradientCheck(made, { samples: 8, rows: 2 });
      assert.ok(passed, text);
      assert.ok(entries.length > 0);
      assert.ok(made.definition.layers.some((layer) => JSON.stringify(layer).includes(`"kind":"${kind}"`)), `no ${kind} in the model`);
    });
  }
  it('none is forgotten', () => {
    const kinds = layers.layerKinds().filter((kind) => kind in layers);
    assert.ok(kinds.length >= 40);
    assert.deepEqual(kinds.filter((kind) => !(kind in checked)), [], 'kinds without a line in this table');
  });
});
