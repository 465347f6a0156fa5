import assert from 'node:assert/strict';
import { bahdanauAttention, defineLayer, dense, dropout, gru, luongAttention, rnn, scheduledSampling, stack, type Layer } from '../../lib/layers/index.ts';
import { squaredError } from '../../lib/losses/index.ts';
import { connect, input, model } from '../../lib/model/index.ts';
import { sgd } from '../../lib/optimizers/index.ts';
import { referenceRuntime } from '../../lib/runtime/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { buildMany, valuesOf } from '../support/manyInputs.ts';
import { assertNear, someSequences } from '../support/models.ts';
import { filled } from '../support/tensors.ts';

const [steps, rows] = [12, 40];

/** A layer that gives what it reads, with a state h of zeros for an attention to ask by. */
const asking = (): Layer => defineLayer('testAsking', {}, (scope, signal) => {
  const h = scope.state('h', [signal.value.shape[1]!, 1]);
  scope.carry('h', { final: h, sequence: h });
  return signal;
});

/** What a layer gives for ones, looking at zeros, while training; all of its weights are 1. */
function given(layer: Layer, looks: boolean): { of(step: number, row: number): number[] } {
  const built = buildMany(layer, [{ x: filled([steps, rows, 1], 1) }, ...(looks ? [{ x: filled([2, rows, 1], 0) }] : [])], { training: true });
  for (const [path, { shape }] of built.scope.requests.parameters) built.inputs[path] = new Float64Array(shape.reduce((product, size) => product * size, 1)).fill(1);
  const [{ data, shape }] = valuesOf(built, [built.signal.value]) as [{ data: Float64Array; shape: readonly number[] }];
  const width = shape.at(-1)!;
  return { of: (step, row) => [...data.subarray((step * rows + row) * width, (step * rows + row + 1) * width)] };
}

const everyRow = Array.from({ length: rows }, (_, row) => row);
const everyStep = Array.from({ length: steps }, (_, step) => step);

/** h' = m h + x of ones, where m is 0 or 2: what a row shows, as text. */
function recurrences(layer: Layer): string[] {
  const shown = given(bahdanauAttention({ layer }), true);
  return everyRow.map((row) => everyStep.map((step) => shown.of(step, row)[0]).join());
}

const kept = everyStep.map((step) => 2 ** (step + 1) - 1).join();
const dropped = everyStep.map(() => 1).join();
const plainRnn = (rates: object): Layer => rnn({ units: 1, activation: 'linear', bias: false, dropout: rates });

describe('dropout inside of loops over time', () => {
  const loops: Readonly<Record<string, (inner: Layer) => { of(step: number, row: number): number[] }>> = {
    'Bahdanau': (inner) => given(bahdanauAttention({ layer: stack({ layers: [inner, asking()] }) }), true),
    'scheduled sampling': (inner) => given(scheduledSampling({ layers: [inner], truthShare: 1 }), false),
  };
  for (const [title, run] of Object.entries(loops)) {
    it(`${title}: a variational mask is one for all steps of a row, and differs from row to row`, () => {
      const masks = run(dropout({ rate: 0.5, variational: true }));
      const ofRows = everyRow.map((row) => {
        const [first] = masks.of(0, row);
        assert.ok(first === 0 || first === 2, String(first));
        for (const step of everyStep) assert.equal(masks.of(step, row)[0], first, `step ${step} of row ${row}`);
        return first;
      });
      assert.equal(new Set(ofRows).size, 2);
    });
    it(`${title}: other masks are drawn anew at each step`, () => {
      const masks = run(dropout({ rate: 0.5 }));
      const all = everyRow.map((row) => everyStep.map((step) => masks.of(step, row)[0]).join());
      assert.ok(new Set(all).size > 10, String(new Set(all).size));
    });
  }

  it('recurrent dropout: once for all steps of a row where it is variational, else anew', () => {
    const variational = recurrences(plainRnn({ recurrent: 0.5, variational: true }));
    assert.deepEqual(new Set(variational), new Set([kept, dropped]));
    assert.ok(recurrences(plainRnn({ recurrent: 0.5 })).some((row) => row !== kept && row !== dropped));
  });

  it('weight-drop: the same weights for all rows and steps', () => {
    const shown = recurrences(plainRnn({ recurrentWeight: 0.5 }));
    assert.equal(new Set(shown).size, 1);
    assert.ok(shown[0] === kept || shown[0] === dropped, shown[0]);
  });

  it('zoneout: anew at each step', () => {
    assert.ok(new Set(recurrences(plainRnn({ zoneout: 0.5 }))).size > 10);
  });

  it('the engine draws as the reference does, and learns by the same gradients', async () => {
    const make = (runtime?: typeof referenceRuntime): Trainer => {
      const [x, looked] = [input({ name: 'x', features: 3 }), input({ name: 'looked', features: 2 })];
      const layer = gru({ units: 4, layers: 2, dropout: { input: 0.3, between: 0.3, recurrent: 0.3, recurrentWeight: 0.3, variational: true } });
      const first = connect(bahdanauAttention({ layer }), x, looked);
      const second = connect(luongAttention({ layer: stack({ layers: [dropout({ rate: 0.3, variational: true }), gru({ units: 4 })] }), inputFeeding: true, units: 3 }), first, looked);
      const built = model({ inputs: [x, looked], outputs: connect(dense({ units: 1 }), second), seed: 1, ...(runtime ? { runtime } : {}) });
      return new Trainer(built, { loss: squaredError(), optimizer: sgd({ learningRate: 0.1 }), seed: 2 });
    };
    const [engine, reference] = [make(), make(referenceRuntime)];
    const batch = { input: { x: someSequences([5, 3], 3), looked: someSequences([2, 4], 2, 7) }, target: someSequences([5, 3], 1, 9) };
    for (let step = 0; step < 3; step++) assertNear([(await engine.step(batch)).loss], [(await reference.step(batch)).loss], `step ${step}`, 1e-5);
    engine.model.parameters.forEach(({ name, view }) => assertNear(view, reference.model.parameter(name).view, name, 1e-5));
  });
});
