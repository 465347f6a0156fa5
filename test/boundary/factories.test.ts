import assert from 'node:assert/strict';
import fc from 'fast-check';
import * as data from '../../lib/data/index.ts';
import * as decoding from '../../lib/decoding/index.ts';
import * as layers from '../../lib/layers/index.ts';
import * as losses from '../../lib/losses/index.ts';
import { narx } from '../../lib/model/index.ts';
import { encoderDecoder } from '../../lib/model/index.ts';
import * as optimizers from '../../lib/optimizers/index.ts';
import * as training from '../../lib/training/index.ts';
import { answersOrRefuses, hostileOptions, hostileValue } from '../support/hostile.ts';

/** Types are what this file is not about: it calls as JavaScript would. */
type AnyFactory = (...values: unknown[]) => unknown;

interface Subject {
  readonly name: string;
  readonly options: readonly string[];
  readonly call: AnyFactory;
  /** What goes before the options. */
  readonly leading?: readonly unknown[];
  /** Options that are right, to start from: proves that the factory gives something at all. */
  readonly right: Readonly<Record<string, unknown>>;
}

function subject(name: string, factory: unknown, right: Readonly<Record<string, unknown>>, options: readonly string[], leading?: readonly unknown[]): Subject {
  return { name, call: factory as AnyFactory, right, options: [...new Set([...Object.keys(right), ...options, 'name'])], ...(leading ? { leading } : {}) };
}

const recurrentOptions = ['units', 'layers', 'skip', 'direction', 'merge', 'output', 'context', 'initialState', 'dropout', 'bias', 'initializer', 'forgetBias', 'activation', 'reset'];
const text = Int32Array.from({ length: 40 }, (_, i) => i % 5);

const subjects: readonly Subject[] = [
  subject('rnn', layers.rnn, { units: 4 }, recurrentOptions),
  subject('lstm', layers.lstm, { units: 4 }, recurrentOptions),
  subject('gru', layers.gru, { units: 4 }, recurrentOptions),
  subject('bidirectional', layers.bidirectional, { forward: layers.lstm({ units: 2 }) }, ['backward', 'merge']),
  subject('dense', layers.dense, { units: 4 }, ['activation', 'bias', 'initializer']),
  subject('embedding', layers.embedding, { size: 4 }, ['tokens', 'initializer']),
  subject('dropout', layers.dropout, { rate: 0.5 }, ['variational']),
  subject('activation', layers.activation, { function: 'tanh' }, []),
  subject('oneHot', layers.oneHot, {}, ['depth']),
  subject('repeatVector', layers.repeatVector, { steps: 3 }, ['at']),
  subject('timeDistributed', layers.timeDistributed, { layer: layers.dense({ units: 2 }) }, []),
  subject('namedOutput', layers.namedOutput, { output: 'h' }, []),
  subject('withInitialState', layers.withInitialState, { layer: layers.gru({ units: 2 }) }, ['state']),
  subject('sequenceToVector', layers.sequenceToVector, { layers: [layers.gru({ units: 2 })] }, []),
  subject('vectorToSequence', layers.vectorToSequence, { steps: 3, layers: [layers.gru({ units: 2 })] }, ['at']),
  subject('parallel', layers.parallel, { layers: [layers.gru({ units: 2 })] }, ['merge']),
  subject('residual', layers.residual, { layer: layers.gru({ units: 2 }) }, ['projection']),
  subject('highway', layers.highway, { layer: layers.gru({ units: 2 }) }, ['gateBias']),
  subject('bahdanauAttention', layers.bahdanauAttention, { layer: layers.gru({ units: 2 }) }, ['units']),
  subject('luongAttention', layers.luongAttention, { layer: layers.gru({ units: 2 }) }, ['score', 'units', 'inputFeeding']),
  subject('scheduledSampling', layers.scheduledSampling, { layers: [layers.gru({ units: 2 })], truthShare: 0.5 }, ['own']),
  subject('conv1d', layers.conv1d, { filters: 4, kernel: 3 }, ['stride', 'dilation', 'padding', 'activation', 'bias', 'weightNorm', 'initializer']),
  subject('conv2d', layers.conv2d, { filters: 4, kernel: 3 }, ['stride', 'dilation', 'padding', 'activation', 'bias', 'weightNorm', 'initializer']),
  subject('maxPooling1d', layers.maxPooling1d, { size: 2 }, ['stride', 'padding']),
  subject('averagePooling2d', layers.averagePooling2d, { size: 2 }, ['stride', 'padding']),
  subject('globalMaxPooling', layers.globalMaxPooling, {}, []),
  subject('localResponseNormalization', layers.localResponseNormalization, {}, ['size', 'alpha', 'beta']),
  subject('reshape', layers.reshape, { sizes: [2, 3] }, []),
  subject('flatten', layers.flatten, {}, []),
  subject('tcn', layers.tcn, { channels: [3, 4] }, ['kernel', 'dropout', 'variational', 'weightNorm', 'initializer']),
  subject('recurrentConvolution1d', layers.recurrentConvolution1d, { filters: 4, kernel: 3 }, ['recurrentKernel', 'iterations', 'activation', 'normalization', 'bias', 'initializer', 'padding']),
  subject('recurrentConvolution2d', layers.recurrentConvolution2d, { filters: 4, kernel: 3 }, ['recurrentKernel', 'iterations', 'activation', 'normalization', 'bias', 'initializer']),
  subject('timeDelay', layers.timeDelay, { units: 4, window: 3 }, ['activation', 'bias', 'initializer']),
  subject('jordan', layers.jordan, { units: 4, outputs: 2 }, ['decay', 'context', 'activation', 'outputActivation', 'output', 'initializer']),
  subject('elman', layers.elman, { units: 4 }, recurrentOptions),
  subject('stateSpace', layers.stateSpace, { units: 2, transition: [layers.dense({ units: 2 })] }, ['output', 'initialState']),
  subject('nonlinearAutoregression', layers.nonlinearAutoregression, { units: 2 }, ['inputDelays', 'outputDelays', 'transition']),
  subject('skipGrams', data.skipGrams, {}, ['window'], [text]),
  subject('narx', narx, { inputs: 1, outputs: 1 }, ['inputDelays', 'outputDelays', 'transition', 'seed', 'runtime']),
  subject('encoderDecoder', encoderDecoder, { source: { features: 2 }, steps: 2, encoder: [layers.gru({ units: 2 })], decoder: [layers.dense({ units: 2 })] }, ['target', 'bridge', 'truthShare', 'seed', 'runtime']),
  subject('stack', layers.stack, { layers: [layers.dense({ units: 2 })] }, []),
  subject('uniform', layers.uniform, {}, ['low', 'high']),
  subject('normal', layers.normal, {}, ['mean', 'deviation']),
  subject('glorotUniform', layers.glorotUniform, {}, ['gain']),
  subject('orthogonal', layers.orthogonal, {}, ['gain']),
  subject('constantValue', layers.constantValue, { value: 1 }, []),
  subject('crossEntropy', losses.crossEntropy, {}, []),
  subject('huber', losses.huber, {}, ['delta']),
  subject('sgd', optimizers.sgd, { learningRate: 0.1 }, ['momentum', 'nesterov']),
  subject('rmsprop', optimizers.rmsprop, {}, ['learningRate', 'decay', 'epsilon', 'centered', 'momentum']),
  subject('adagrad', optimizers.adagrad, {}, ['learningRate', 'epsilon']),
  subject('adadelta', optimizers.adadelta, {}, ['learningRate', 'decay', 'epsilon']),
  subject('adam', optimizers.adam, {}, ['learningRate', 'beta1', 'beta2', 'epsilon']),
  subject('adamw', optimizers.adamw, {}, ['learningRate', 'weightDecay', 'beta1', 'beta2', 'epsilon']),
  subject('nadam', optimizers.nadam, {}, ['learningRate', 'beta1', 'beta2', 'epsilon', 'momentumDecay']),
  subject('constantRate', optimizers.constantRate, { learningRate: 0.1 }, []),
  subject('stepDecay', optimizers.stepDecay, { learningRate: 0.1, factor: 0.5, every: 3 }, []),
  subject('decayAfter', optimizers.decayAfter, { learningRate: 0.1, factor: 0.97, afterEpoch: 10 }, []),
  subject('exponentialDecay', optimizers.exponentialDecay, { learningRate: 0.1, factor: 0.5, steps: 100 }, []),
  subject('cosineDecay', optimizers.cosineDecay, { learningRate: 0.1, steps: 100 }, ['final']),
  subject('warmup', optimizers.warmup, { steps: 10, then: 0.1 }, []),
  subject('progress', training.progress, {}, ['seconds', 'write']),
  subject('checkpoint', training.checkpoint, {}, ['updates', 'epochs'], ['folder']),
  subject('sampleEvery', training.sampleEvery, { updates: 3, sample: () => undefined }, ['epochs']),
  subject('earlyStopping', training.earlyStopping, {}, ['patience', 'improvement']),
  subject('textStream', data.textStream, { batch: 2, steps: 3 }, ['remainder'], [text]),
  subject('windows', data.windows, { length: 3 }, ['target', 'horizon', 'stride', 'targetFeatures'], [[1, 2, 3, 4, 5, 6]]),
  subject('scaler', data.scaler, {}, ['kind'], [[1, 2, 3, 4]]),
  subject('pairs', data.pairs, { batch: 1, start: 0, end: 1 }, ['shuffle', 'seed', 'remainder'], [[{ source: [2, 3], target: [4] }]]),
  subject('teacherForcing', data.teacherForcing, { start: 0, end: 1 }, [], [[2, 3]]),
  subject('words', data.words, {}, ['limit', 'unknown'], ['some words and some more']),
  subject('characters', data.characters, {}, ['unknown'], ['some text']),
  subject('sample', decoding.sample, { length: 2, prefix: [0] }, ['greedy', 'temperature', 'topK', 'topP', 'seed', 'endToken'],
    [{ rows: 1, output: null, step: () => [1, 2, 3] }]),
  subject('generate', decoding.generate, { start: 0, length: 3 }, ['end', 'greedy', 'temperature', 'topK', 'topP', 'seed'], [{ rows: 2, step: () => [1, 2, 3, 3, 2, 1] }]),
  subject('beamSearch', decoding.beamSearch, { start: 0, length: 3, width: 2 }, ['end', 'rowsEach', 'count', 'lengthNormalization', 'languageModel', 'languageWeight', 'lengthBonus'], [{ rows: 2, state: {}, step: () => [1, 2, 3, 3, 2, 1] }]),
  subject('suggest', decoding.suggest, {}, ['count', 'temperature'], [{ rows: 1, output: [1, 2, 3], step: () => [1, 2, 3] }]),
];

describe('boundary: factories answer or refuse with a typed error', () => {
  for (const { name, call, options, leading = [], right } of subjects) {
    it(name, () => {
      assert.ok(answersOrRefuses(() => call(...leading, right), right), 'the right options must be right');
      let refused = 0;
      fc.assert(fc.property(hostileOptions(options), fc.boolean(), (given, complete) => {
        const tried = complete ? { ...right, ...given } : given;
        if (!answersOrRefuses(() => call(...leading, tried), tried)) refused++;
      }), { numRuns: 300, seed: 7 });
      assert.ok(refused > 0, 'some of these options are wrong for certain');
      fc.assert(fc.property(hostileValue, (whole) => { answersOrRefuses(() => call(...leading, whole), whole); }), { numRuns: 100, seed: 7 });
    });
  }

  it('a schedule that was accepted gives rates that are numbers, whatever the step', () => {
    const schedules = subjects.filter(({ call }) => ([optimizers.constantRate, optimizers.stepDecay, optimizers.decayAfter, optimizers.exponentialDecay, optimizers.cosineDecay, optimizers.warmup] as unknown[]).includes(call));
    assert.equal(schedules.length, 6);
    for (const { name, call, options, right } of schedules) {
      fc.assert(fc.property(hostileOptions(options), fc.nat(), fc.nat(), (given, step, epoch) => {
        const tried = { ...right, ...given };
        let schedule: optimizers.Schedule | undefined;
        answersOrRefuses(() => { schedule = call(tried) as optimizers.Schedule; }, tried);
        const rate = schedule?.at({ step, epoch }) ?? 0;
        assert.ok(rate >= 0 && rate < Infinity, `${name}: rate ${rate} at step ${step}, epoch ${epoch}`);
      }), { numRuns: 200, seed: 9 });
    }
  });

  for (const { name, call, right, leading } of subjects.filter((each) => each.leading)) {
    it(`${name}: what comes before the options`, () => {
      fc.assert(fc.property(hostileValue, (first) => { answersOrRefuses(() => call(first, right), first); }), { numRuns: 200, seed: 7 });
      assert.ok(answersOrRefuses(() => call(...leading!, right), right));
    });
  }
});
