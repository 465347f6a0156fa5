import assert from 'node:assert/strict';
import { scan } from '../../lib/graph/index.ts';
import {
  bahdanauAttention, concatenate, conv1d, defineLayer, dense, globalMaxPooling, gru, lastStep, luongAttention, maxPooling1d, repeatVector, sequenceToVector, stack, timeDistributed, vectorToSequence, withInitialState, type Layer,
} from '../../lib/layers/index.ts';
import { squaredError } from '../../lib/losses/index.ts';
import { connect, encoderDecoder, input, model, sequential, type Model } from '../../lib/model/index.ts';
import { sgd } from '../../lib/optimizers/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { assertNear, someSequence, someSequences } from '../support/models.ts';

const features = 3;
const own = () => input({ name: 'x', features });
const last = (): Layer => gru({ units: features, output: 'last' });

/** Models that see the whole of their own input, and the layer that does. */
const whole: Readonly<Record<string, readonly [layer: string, make: () => Model]>> = {
  'additive attention over the own input': ['bahdanauAttention', () => {
    const x = own();
    return model({ inputs: x, outputs: connect(bahdanauAttention({ layer: gru({ units: 2 }) }), x, x) });
  }],
  'attention over what a layer made of it': ['luongAttention', () => {
    const x = own();
    return model({ inputs: x, outputs: connect(luongAttention({ layer: gru({ units: 2 }) }), x, connect(gru({ units: 2 }), x)) });
  }],
  'attention in a stack': ['stack', () => {
    const x = own();
    return model({ inputs: x, outputs: connect(stack({ layers: [dense({ units: 2 }), luongAttention({ layer: gru({ units: 2 }) })] }), x, x) });
  }],
  'the last step beside every step': ['repeatVector', () => {
    const x = own();
    return model({ inputs: x, outputs: connect(gru({ units: 2 }), connect(concatenate(), x, connect(repeatVector(), connect(lastStep(), x), x))) });
  }],
  'what a recurrence ended with beside every step': ['repeatVector', () => {
    const x = own();
    return model({ inputs: x, outputs: connect(concatenate(), x, connect(repeatVector(), connect(last(), x), x)) });
  }],
  'a context of its own end': ['second', () => {
    const x = own();
    return model({ inputs: x, outputs: connect(gru({ units: 2, context: 'every', name: 'second' }), x, connect(last(), x)) });
  }],
  'states that begin with its own end': ['withInitialState', () => {
    const x = own();
    return model({ inputs: x, outputs: connect(withInitialState({ layer: gru({ units: 3 }) }), x, connect(last(), x)) });
  }],
  'a sequence of its vector': ['vectorToSequence', () => sequential([sequenceToVector({ layers: [gru({ units: 4 })] }), vectorToSequence({ steps: 3, layers: [gru({ units: 4 })] })], { input: { name: 'x', features } })],
  'an encoder–decoder of so many steps': ['repeatVector', () => encoderDecoder({ source: { name: 'x', features }, steps: 3, encoder: [gru({ units: 4 })], decoder: [gru({ units: 4 }), dense({ units: 2 })] })],
};

describe('model: layers that see the whole of a sequence', () => {
  for (const [title, [layer, make]] of Object.entries(whole)) {
    it(`${title}: no stream, no state of an earlier part, no truncation`, async () => {
      const built = make();
      const data = someSequences([6, 6], features);
      assertThrows(() => built.stream(), 'ERR_BPTT_OPTION', new RegExp(`cannot stream, for the layer "${layer}" reads steps ahead`));
      const { output, state } = await built.predict(data.map((row) => row.slice(0, 3)));
      await assertRejects(() => built.predict(data.map((row) => row.slice(3)), { state }), 'ERR_BPTT_OPTION', new RegExp(`predict: states cannot go on .* for the layer "${layer}" reads steps ahead, the whole of the input "x"`));
      const trainer = new Trainer(built, { loss: squaredError(), optimizer: sgd(), truncation: { update: 2 } });
      await assertRejects(() => trainer.step({ input: data.map((row) => row.slice(0, 3)), target: output }), 'ERR_BPTT_OPTION', new RegExp(`"${layer}" reads steps ahead; .*leave truncation out`));
    });
  }

  it('windows that see later steps: no state of an earlier part where it goes along what they see', async () => {
    const windows: Readonly<Record<string, () => readonly Layer[]>> = {
      'before the recurrence': () => [conv1d({ filters: 2, kernel: 3, padding: 'same', name: 'window' }), gru({ units: 2 })],
      'after it': () => [gru({ units: 2 }), conv1d({ filters: 2, kernel: 2, name: 'window' })],
      'inside of a stack': () => [stack({ name: 'window', layers: [maxPooling1d({ size: 2 }), gru({ units: 2 })] })],
      'over all steps': () => [gru({ units: 2 }), globalMaxPooling({ name: 'window' })],
    };
    for (const [title, layers] of Object.entries(windows)) {
      const built = sequential(layers(), { input: { name: 'x', features }, seed: 1 });
      const { state } = await built.predict(someSequences([4], features));
      await assertRejects(() => built.predict(someSequences([4], features), { state }), 'ERR_BPTT_OPTION',
        /predict: states cannot go on .* for the layer "window" reads steps ahead, later steps of the input "x"; leave state out and give the whole at once, or choose padding "causal"/);
      assert.ok((await built.predict(someSequences([4], features), { state: {} })).output, title);
    }
    const causal = sequential([conv1d({ filters: 2, kernel: 3, padding: 'causal' }), gru({ units: 2 })], { input: { features }, seed: 1 });
    const [row] = someSequences([6], features);
    const whole = await causal.predict([row!]);
    const { output, state } = await causal.predict([row!.slice(0, 2)]);
    assertNear([...output.data, ...(await causal.predict([row!.slice(2)], { state })).output.data], whole.output.data, 'causal windows');
    const [looked, stepped] = [input({ name: 'looked', features }), input({ name: 'stepped', features })];
    const beside = model({
      inputs: [looked, stepped], outputs: connect(bahdanauAttention({ layer: gru({ units: 2 }), name: 'decoder' }), stepped, connect(conv1d({ filters: 2, kernel: 3, padding: 'same' }), looked)), seed: 1,
    });
    const data = { looked: [row!], stepped: someSequences([4], features) };
    const all = await beside.predict(data);
    const begun = await beside.predict({ ...data, stepped: data.stepped.map((steps) => steps.slice(0, 1)) });
    const ended = await beside.predict({ ...data, stepped: data.stepped.map((steps) => steps.slice(1)) }, { state: begun.state });
    assertNear([...begun.output.data, ...ended.output.data], all.output.data, 'windows over another input');
  });

  it('a backward direction goes on from the part after', async () => {
    const built = sequential([gru({ units: 2, direction: 'backward' })], { input: { features }, seed: 1 });
    const [row] = someSequences([6], features);
    const whole = await built.predict([row!]);
    const { output, state } = await built.predict([row!.slice(2)]);
    assertNear([...(await built.predict([row!.slice(0, 2)], { state })).output.data, ...output.data], whole.output.data, 'from the end');
    assertThrows(() => built.stream(), 'ERR_BPTT_OPTION', /cannot stream/);
  });

  it('stream where what they see is given, even if the layers that made it read ahead; not where a later one does', async () => {
    const make = (...decoder: readonly Layer[]): Model => encoderDecoder({
      source: { features }, target: { features }, encoder: [conv1d({ filters: 4, kernel: 3, padding: 'same' }), gru({ units: 2, direction: 'bidirectional' })], bridge: 'none', decoder, seed: 2,
    });
    const built = make(bahdanauAttention({ layer: gru({ units: 3 }) }), luongAttention({ layer: gru({ units: 3 }) }));
    const [source, target] = [someSequences([5], features, 3), someSequences([4], features, 4)];
    const { output } = await built.predict({ source, target });
    const stream = built.stream({ given: { source } });
    for (const [t, step] of target[0]!.entries()) assertNear(stream.step(step), output.data.subarray(t * 3, t * 3 + 3), `step ${t}`);
    assertThrows(() => built.stream(), 'ERR_BPTT_OPTION', /cannot stream, for the layer "conv1d" reads steps ahead, the whole of the input "source"; .*stream\(\{ given: \{ source: … \} \}\)/);
    assertThrows(() => built.stream({ given: { target } }), 'ERR_BPTT_OPTION', /"conv1d" reads steps ahead/);
    const ahead = make(bahdanauAttention({ layer: gru({ units: 3 }) }), conv1d({ filters: 2, kernel: 3, padding: 'same', name: 'after' }));
    assertThrows(() => ahead.stream({ given: { source } }), 'ERR_BPTT_OPTION', /"after" reads steps ahead/);
  });

  it('stream with vectors that do not depend on time, and with steps that are whole sequences in themselves', async () => {
    const [x, picture] = [own(), input({ name: 'picture', features: 2, time: false })];
    const beside = connect(gru({ units: 2, name: 'beside' }), connect(concatenate(), x, connect(repeatVector(), picture, x)));
    const apart = connect(gru({ units: 2, name: 'apart', output: 'last' }), connect(repeatVector({ steps: 3 }), picture));
    const built = model({ inputs: [x, picture], outputs: [beside, apart], seed: 1 });
    const data = { x: someSequences([4], features), picture: [[1, -2]] };
    const { outputs } = await built.predict(data);
    for (const stream of [built.stream(), built.stream({ given: { picture: data.picture } })]) {
      for (const [t, step] of data.x[0]!.entries()) {
        stream.step('apart' in stream.outputs ? { x: step, picture: [1, -2] } : step);
        assertNear(stream.outputs['beside']!, outputs['beside']!.data.subarray(t * 2, t * 2 + 2), `step ${t}`);
        if ('apart' in stream.outputs) assertNear(stream.outputs['apart'], outputs['apart']!.data, `the other one at step ${t}`);
      }
    }
    const frames = sequential([timeDistributed({ layer: stack({ layers: [repeatVector({ steps: 3 }), conv1d({ filters: 2, kernel: 2, padding: 'same' }), globalMaxPooling()] }) })], { input: { features }, seed: 1 });
    const steps = someSequence(3, features);
    const together = await frames.predict([steps]);
    const stream = frames.stream();
    for (const [t, step] of steps.entries()) assertNear(stream.step(step), together.output.data.subarray(t * 2, t * 2 + 2), `frame ${t}`);
  });

  it('a vector that stands at the first step only is not at the first of every part', () => {
    const [x, picture] = [own(), input({ name: 'picture', features: 2, time: false })];
    const built = model({ inputs: [x, picture], outputs: connect(concatenate(), x, connect(repeatVector({ at: 'first' }), picture, x)) });
    assertThrows(() => built.stream(), 'ERR_BPTT_OPTION', /"repeatVector" reads steps ahead/);
  });

  it('a loop of one\'s own from the end of time is noticed', () => {
    const layer = defineLayer('fromTheEnd', {}, (_scope, signal) => {
      const { outputs } = scan({ initial: {}, inputs: { x: signal.value }, reverse: true, lengths: signal.lengths, step: ({ x }) => ({ next: {}, outputs: { output: x } }) });
      return { value: outputs.output, time: true, lengths: signal.lengths };
    });
    assertThrows(() => sequential([layer], { input: { features } }).stream(), 'ERR_BPTT_OPTION', /"fromTheEnd" reads steps ahead/);
  });
});
