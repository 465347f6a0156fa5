import assert from 'node:assert/strict';
import { lstmCell } from '../../lib/cells/index.ts';
import { lstm, referenceRuntime, sequential } from '../../lib/index.ts';
import { testCell } from '../support/cell-conformance.ts';
import { assertThrows } from '../support/errors.ts';
import { runCell, units } from '../support/named-weights.ts';
import { someSequences } from '../support/models.ts';

describe('the projected LSTM', () => {
  testCell('a projection to fewer features', lstmCell, { projection: 2 });
  testCell('a projection to more', lstmCell, { projection: 5 });

  it('shows and carries W_r (o ⊙ tanh(c)), of the projection\'s size; c keeps its units', () => {
    const { output, final } = runCell(lstmCell, { options: { projection: 2 } });
    assert.deepEqual([output.shape, final['h']!.shape, final['c']!.shape], [[6, 2, 2], [2, 2], [2, units]]);
  });
  it('has PyTorch\'s names and layout on disk: weight_hr_l0 [P, H], weight_hh_l0 [4 H, P]', () => {
    const made = sequential([lstm({ units: 6, projection: 2, layers: 2, direction: 'bidirectional', bias: 'double' })], { input: { features: 3 }, runtime: referenceRuntime });
    const disk = Object.fromEntries(made.parameters.map(({ diskName, diskTransposed, shape }) => [diskName.replace('lstm.', ''), diskTransposed ? [...shape].reverse() : [...shape]]));
    for (const end of ['', '_reverse']) {
      assert.deepEqual([disk[`weight_ih_l0${end}`], disk[`weight_hh_l0${end}`], disk[`weight_hr_l0${end}`], disk[`bias_hh_l0${end}`]], [[24, 3], [24, 2], [2, 6], [24]]);
      assert.deepEqual([disk[`weight_ih_l1${end}`], disk[`weight_hr_l1${end}`]], [[24, 4], [2, 6]]);
    }
    assert.equal(made.parameters.length, 20);
  });
  it('a stream goes on as the whole run does', async () => {
    const made = sequential([lstm({ units: 6, projection: 2 })], { input: { features: 3 }, seed: 2, runtime: referenceRuntime });
    const data = someSequences([5], 3);
    const whole = (await made.predict(data)).output.data;
    const stream = made.stream();
    assert.deepEqual(data[0]!.flatMap((step) => [...stream.step(step)]), [...whole]);
  });
  it('refuses sizes that are none', () => {
    assertThrows(() => lstm({ units: 3, projection: 1.5 }), 'ERR_BPTT_RANGE', /lstm: expected projection to be an integer of 0 or more, received 1\.5/);
    assertThrows(() => lstm({ units: 3, projection: -1 }), 'ERR_BPTT_RANGE', /projection/);
    assertThrows(() => lstm({ units: 3, projection: 2, bias: false, forgetBias: 2 }), 'ERR_BPTT_OPTION', /lstm: forgetBias says where biases begin/);
  });
});
