import assert from 'node:assert/strict';
import { asSchedule, constantRate, cosineDecay, decayAfter, exponentialDecay, stepDecay, warmup, type Schedule } from '../../lib/optimizers/index.ts';
import { assertThrows } from '../support/errors.ts';

const byEpoch = (schedule: Schedule, epochs: readonly number[]): number[] => epochs.map((epoch) => schedule.at({ step: 0, epoch }));
const byStep = (schedule: Schedule, steps: readonly number[]): number[] => steps.map((step) => schedule.at({ step, epoch: 0 }));

function near(found: readonly number[], expected: readonly number[]): void {
  found.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-12, `${found.join(' ')} is not ${expected.join(' ')}`));
}

describe('schedules', () => {
  it('constantRate', () => near(byEpoch(constantRate({ learningRate: 0.3 }), [0, 100]), [0.3, 0.3]));
  it('stepDecay', () => near(byEpoch(stepDecay({ learningRate: 1, factor: 0.1, every: 2 }), [0, 1, 2, 3, 4]), [1, 1, 0.1, 0.1, 0.01]));
  it('decayAfter holds for the first epochs and falls with every one after', () => {
    near(byEpoch(decayAfter({ learningRate: 1, factor: 0.5, afterEpoch: 4 }), [0, 3, 4, 5, 6]), [1, 1, 0.5, 0.25, 0.125]);
    near(byEpoch(decayAfter({ learningRate: 1, factor: 0.5, afterEpoch: 0 }), [0, 1]), [0.5, 0.25]);
  });
  it('exponentialDecay', () => near(byStep(exponentialDecay({ learningRate: 2, factor: 0.25, steps: 10 }), [0, 5, 10, 20]), [2, 1, 0.5, 0.125]));
  it('cosineDecay', () => near(byStep(cosineDecay({ learningRate: 1, steps: 10, final: 0.2 }), [0, 5, 10, 99]), [1, 0.6, 0.2, 0.2]));
  it('warmup rises to what comes then', () => {
    near(byStep(warmup({ steps: 4, then: 0.8 }), [0, 1, 3, 4, 9]), [0.2, 0.4, 0.8, 0.8, 0.8]);
    near(byStep(warmup({ steps: 2, then: exponentialDecay({ learningRate: 1, factor: 0.5, steps: 1 }) }), [0, 1, 2]), [0.5, 0.5, 0.25]);
  });
  it('come back from JSON', () => {
    const schedule = warmup({ steps: 4, then: cosineDecay({ learningRate: 1, steps: 10 }) });
    const again = asSchedule('test', JSON.parse(JSON.stringify({ kind: schedule.kind, options: schedule.options })) as { kind: string });
    near(byStep(again, [0, 3, 8]), byStep(schedule, [0, 3, 8]));
    assert.ok(Object.isFrozen(again));
    assert.equal(asSchedule('test', schedule), schedule);
  });
  it('refuse what is no schedule', () => {
    assertThrows(() => asSchedule('sgd: learningRate', { kind: 'cosine' }), 'ERR_BPTT_FORMAT', /unknown schedule "cosine"/);
    assertThrows(() => asSchedule('sgd: learningRate', 0), 'ERR_BPTT_RANGE', /the rate/);
    assertThrows(() => stepDecay({ learningRate: 1, factor: 0.1, every: 0 }), 'ERR_BPTT_RANGE', /every/);
    assertThrows(() => cosineDecay({ learningRate: 1, steps: 10, final: 2 }), 'ERR_BPTT_RANGE', /final/);
    assertThrows(() => warmup({ steps: 3, after: 1 } as never), 'ERR_BPTT_OPTION', /unknown option "after"/);
  });
});
