import assert from 'node:assert/strict';
import { add, matmul, scan, tanh } from '../../lib/graph/index.ts';
import {
  bahdanauAttention, bidirectional, defineLayer, dense, dropout, embedding, glorotUniform, gru, highway, jordan, lstm, luongAttention, parallel, registerLayer, residual, rnn, scheduledSampling, stack, stateSpace,
  type Layer,
} from '../../lib/layers/index.ts';
import { crossEntropy } from '../../lib/losses/index.ts';
import { encoderDecoder, model, modelFromJSON, connect, input, sequential, type Model } from '../../lib/model/index.ts';
import { sgd } from '../../lib/optimizers/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { assertThrows } from '../support/errors.ts';
import { buildMany, valuesOf, type FedSignal } from '../support/manyInputs.ts';
import { assertNear } from '../support/models.ts';
import { largestDifference } from '../support/numbers.ts';
import { numbers } from '../support/tensors.ts';

const units = 4;

/** A recurrence of one's own, h' = tanh(x + W h), that says that it is one. */
function ownRecurrence({ name }: { name?: string } = {}): Layer {
  return defineLayer('testOwnRecurrence', { name }, (scope, signal) => {
    const rows = signal.value.shape[1]!;
    const weight = scope.parameter('weight', [units, units], { group: 'recurrent', initializer: glorotUniform() });
    const { final, outputs } = scan<string, string, string>({
      initial: { h: scope.state('h', [rows, units]) }, inputs: { x: signal.value }, lengths: signal.lengths,
      step: ({ x, h }) => {
        const next = tanh(add(x!, matmul(h!, weight)));
        return { next: { h: next }, outputs: { output: next } };
      },
    });
    scope.carry('h', { final: final['h']!, sequence: outputs['output']! });
    return { value: outputs['output']!, time: true, lengths: signal.lengths };
  }, { recurrence: true });
}
registerLayer('testOwnRecurrence', ownRecurrence);

/** Layers of one's own that note whether they are given a sequence or rows. */
function noting(seen: boolean[], rowwise: boolean): Layer {
  return defineLayer('testNoting', {}, (_scope, signal) => {
    seen.push(signal.time);
    return signal;
  }, { rowwise });
}
registerLayer('testNoting', () => noting([], false));

function takeWeights(into: Model, from: Model): Model {
  for (const { name, shape } of into.parameters) into.setParameter(name, { data: from.parameter(name).view.slice(), shape });
  return into;
}

const source = { data: Int32Array.from([0, 3, 2, 1, 1, 4]), shape: [2, 3] };
const target = { data: Int32Array.from([0, 2, 3, 1, 0, 1, 1, 2]), shape: [2, 4] };

const around: Readonly<Record<string, (name: string) => Layer>> = {
  residual: (name) => residual({ name, layer: gru({ units }) }),
  highway: (name) => highway({ name, layer: lstm({ units }) }),
  'residual in residual': (name) => residual({ name, layer: residual({ layer: lstm({ units, layers: 2 }) }) }),
  stack: (name) => stack({ name, layers: [lstm({ units }), dropout({ rate: 0.5 }), residual({ layer: lstm({ units }) })] }),
  parallel: (name) => parallel({ name, layers: [rnn({ units: 2 }), gru({ units: 2 })] }),
  bidirectional: (name) => bidirectional({ name, forward: gru({ units: 2 }) }),
  'layers of both directions': (name) => residual({ name, layer: gru({ units: 2, direction: 'bidirectional' }) }),
  stateSpace: (name) => stateSpace({ name, units, transition: [dense({ units })] }),
  jordan: (name) => jordan({ name, units: 3, outputs: units }),
  'a recurrence of one\'s own': (name) => residual({ name, layer: ownRecurrence() }),
};

describe('encoder–decoder: states handed over by layers around recurrent ones', () => {
  for (const [title, make] of Object.entries(around)) {
    it(`${title}: the decoder begins with what the encoder's states end with`, async () => {
      const encoder = (): Layer[] => [embedding({ name: 'read', size: units }), dropout({ rate: 0.5, name: 'left out' }), make('encoder')];
      const decoder = (): Layer[] => [embedding({ name: 'words', size: units }), make('decoder'), dense({ name: 'next', units: 5 })];
      const whole = encoderDecoder({ source: { tokens: 5 }, target: { tokens: 5 }, encoder: encoder(), decoder: decoder(), seed: 3 });
      const first = takeWeights(sequential(encoder(), { input: { tokens: 5 } }), whole);
      const second = takeWeights(sequential(decoder(), { input: { tokens: 5 } }), whole);
      const { state } = await first.predict(source);
      const ending = Object.fromEntries(Object.entries(state).map(([path, value]) => [path.replace('encoder/', 'decoder/'), value]));
      assert.ok(Object.keys(ending).length > 0);
      const { output } = await second.predict(target, { state: ending });
      const given = await whole.predict({ source, target });
      assertNear(given.output.data, output.data, title);
      assert.ok(largestDifference(given.output.data, (await second.predict(target)).output.data) > 1e-3, 'a beginning at zero is something else');
      const again = takeWeights(modelFromJSON(whole.definition), whole);
      assert.deepEqual((await again.predict({ source, target })).output.data, given.output.data);
    });
  }

  for (const [title, make] of Object.entries({
    'Bahdanau around a residual': () => bahdanauAttention({ name: 'decoder', layer: residual({ layer: gru({ units }), projection: true }) }),
    'Luong around a stack': () => luongAttention({ name: 'decoder', layer: stack({ layers: [gru({ units })] }) }),
    'a stack of Luong': () => stack({ name: 'decoder', layers: [luongAttention({ layer: gru({ units }) })] }),
  })) {
    it(`${title}: the state of the same kind, and a target that is streamed`, async () => {
      const whole = encoderDecoder({
        source: { tokens: 5 }, target: { tokens: 5 }, encoder: [embedding({ size: units }), gru({ units, name: 'encoder' })], decoder: [embedding({ name: 'words', size: units }), make(), dense({ units: 5 })], seed: 3,
      });
      const { output, state } = await whole.predict({ source, target });
      const begun = await whole.predict({ source, target }, { state: Object.fromEntries(whole.states.filter(({ name }) => name.startsWith('decoder')).map(({ name }) => [name, state['encoder/h']!])) });
      assertNear(begun.output.data, output.data, title);
      const stream = whole.stream({ given: { source } });
      const steps = [0, 1, 2, 3].map((t) => Array.from(stream.step([target.data[t]!, target.data[4 + t]!])));
      for (const [t, step] of steps.entries()) for (const row of [0, 1]) assertNear(step.slice(row * 5, row * 5 + 5), output.data.slice((row * 4 + t) * 5, (row * 4 + t + 1) * 5), `step ${t}`);
    });
  }

  it('layers without a recurrence, and those that begin by themselves, hand over nothing', () => {
    const parts = { source: { tokens: 5 }, target: { tokens: 5 }, encoder: [embedding({ size: units }), residual({ layer: dense({ units }) })], decoder: [embedding({ size: units }), gru({ units })] };
    assertThrows(() => encoderDecoder(parts), 'ERR_BPTT_OPTION', /each of the decoder's 1, received 0/);
  });

  it('a vector is what ends the sequence, whatever is around it; one that nothing could read is refused', async () => {
    const parts = { source: { features: units }, target: { tokens: 5 }, bridge: 'vector' as const };
    const encoder = [residual({ layer: gru({ units, output: 'last' }) })];
    const built = encoderDecoder({ ...parts, encoder, decoder: [embedding({ size: 3 }), gru({ units }), dense({ units: 5 })] });
    assert.deepEqual((await built.predict({ source: [[[1, 2, 3, 4], [0, 1, 0, 1]]], target: [[1, 2, 3]] })).output.shape, [1, 3, 5]);
    assertThrows(() => encoderDecoder({ ...parts, encoder, decoder: [embedding({ size: 3 })] }), 'ERR_BPTT_OPTION', /embedding reads tokens/);
    const [vector, sequence] = [input({ name: 'vector', features: 2, time: false }), input({ name: 'sequence', features: 2 })];
    assert.equal(model({ inputs: [vector, sequence], outputs: connect(stack({ layers: [gru({ units, context: 'every' }), dense({ units: 1 })] }), sequence, vector) }).outputs[0]!.time, true);
  });
});

describe('scheduled sampling: layers of one\'s own', () => {
  const tokens: FedSignal = { x: numbers([5, 3], [0, 3, 2, 1, 1, 0, 2, 2, 3, 3, 0, 1, 1, 3, 2]), tokens: 4 };

  for (const rowwise of [true, false]) {
    it(rowwise ? 'are given rows where they say that rows are enough, also inside of others' : 'are given steps where they do not', () => {
      const [seen, inside]: boolean[][] = [[], []];
      const layers = [embedding({ size: 4 }), noting(seen!, rowwise), residual({ layer: noting(inside!, rowwise) }), gru({ units: 4 }), dense({ units: 4 })];
      const sampled = buildMany(scheduledSampling({ layers, truthShare: 1 }), [tokens], { training: true });
      const values = valuesOf(sampled, [sampled.signal.value])[0]!.data;
      assert.ok(seen!.length > 0 && inside!.length > 0);
      assert.ok([...seen!, ...inside!].every((time) => time === !rowwise));
      const forced = buildMany(stack({ layers }), [tokens]);
      assert.ok(largestDifference(values, valuesOf(forced, [forced.signal.value])[0]!.data) < 1e-14);
    });
  }

  it('a decoder of layers around recurrent ones learns with its own tokens and states handed over', async () => {
    const built = encoderDecoder({
      source: { tokens: 5 }, target: { tokens: 5 }, truthShare: 0.5, seed: 1,
      encoder: [embedding({ size: units }), residual({ layer: gru({ units }) })], decoder: [embedding({ size: units }), residual({ layer: gru({ units }) }), dense({ units: 5 })],
    });
    const trainer = new Trainer(built, { loss: crossEntropy(), optimizer: sgd({ learningRate: 0.5 }), seed: 1 });
    const batch = { input: { source, target }, target: { data: Int32Array.from([2, 3, 1, 4, 1, 1, 2, 4]), shape: [2, 4] } };
    const before = (await trainer.evaluate([batch])).loss;
    for (let step = 0; step < 30; step++) await trainer.step(batch);
    assert.ok((await trainer.evaluate([batch])).loss < 0.7 * before);
  });
});
