import assert from 'node:assert/strict';
import fc from 'fast-check';
import { tap } from '../../lib/analysis/index.ts';
import type { TapActivation } from '../../lib/analysis/index.ts';
import { dense, referenceRuntime, sequential } from '../../lib/index.ts';
import { assertThrows } from '../support/errors.ts';

function near(actual: number | null | undefined, expected: number, tolerance = 5e-5): void {
  assert.ok(typeof actual === 'number' && Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
}

describe('tap: the stability of one unit that feeds itself', () => {
  it('[45] tanh ends where w says: 0.5 at 0; 1.1 at ±0.5029; 1.5 at ±0.8586; 2.5 at ±0.9856, with the sign of h(0)', () => {
    near(tap('tanh', 0.5, 0.9, 30).limit, 0);
    for (const [w, end] of [[1.1, 0.5029], [1.5, 0.8586], [2.5, 0.9856]] as const) {
      near(tap('tanh', w, 0.01, 30).limit, end);
      near(tap('tanh', w, -0.01, 30).limit, -end);
      assert.deepEqual(tap('tanh', w, 0.01, 30).fixedPoints.map(({ stable }) => stable), [true, false, true]);
    }
  });
  it('[45] sigmoid with w = 1.5 ends at 0.7568 whatever it began with; with w = −6 it alternates between 0.2882 and 0.1507', () => {
    for (const start of [-5, 0, 0.3, 7]) near(tap('sigmoid', 1.5, start, 30).limit, 0.7568);
    const { behaviour, cycle, twoCycles, fixedPoints, limit } = tap('sigmoid', -6, 0.4, 30);
    assert.equal(behaviour, 'cycles');
    near(cycle![0], 0.2882);
    near(cycle![1], 0.1507);
    assert.equal(limit, null);
    assert.deepEqual([twoCycles.length, twoCycles[0]!.stable, fixedPoints[0]!.stable], [1, true, false]);
    // What a cycle says of itself is true: each of its values is the image of the other.
    near(1 / (1 + Math.exp(6 * cycle![0])), cycle![1], 1e-12);
  });
  it('[45] relu grows for ever with w = 1.1 and comes to rest at 0 with w = 0.9', () => {
    const grows = tap('relu', 1.1, 0.5, 30);
    assert.equal(grows.behaviour, 'diverges');
    near(grows.trajectory[30], 0.5 * 1.1 ** 30, 1e-12);
    const { behaviour, limit } = tap('relu', 0.9, 0.5, 30);
    assert.deepEqual([behaviour, limit], ['converges', 0]);
  });
  it('[46] bipolar functions hold memory, and what is forgotten goes exponentially at the rate ln |w|', () => {
    for (const w of [1.1, 1.5, 2.5]) assert.equal(tap('tanh', w, 0.01, 10).remembers, true, `tanh ${w}`);
    assert.equal(tap('tanh', 0.5, 0.01, 10).remembers, false);
    for (const w of [1.1, 1.5, 2.5, 6]) assert.equal(tap('sigmoid', w, 0.01, 10).remembers, false, `sigmoid ${w}`);
    for (const w of [0.2, 0.5, 0.9]) near(tap('tanh', w, 0.8, 10).rate, Math.log(w), 1e-5);
    near(tap('relu', 1.1, 0.5, 10).rate, Math.log(1.1), 1e-9);
    near(tap('linear', -0.7, 0.5, 10).rate, Math.log(0.7), 1e-9);
    // At a limit other than 0 the rate is the logarithm of the slope there.
    const { rate, fixedPoints } = tap('tanh', 1.5, 0.01, 10);
    near(rate, Math.log(fixedPoints[2]!.slope), 1e-3);
  });
  it('takes a function of one\'s own, and does not decide what it cannot', () => {
    assert.equal(tap((x) => Math.max(-1, Math.min(1, x)), 2, 0.1, 8).limit, 1);
    assert.equal(tap('tanh', 1, 0.5, 8).behaviour, 'undecided');
  });
  it('refuses activations and numbers that do not fit', () => {
    assertThrows(() => tap('tahn' as TapActivation, 1, 1, 10), 'ERR_BPTT_OPTION', /did you mean "tanh"/);
    assertThrows(() => tap('softmax' as TapActivation, 1, 1, 10), 'ERR_BPTT_OPTION');
    assertThrows(() => tap('tanh', NaN, 1, 10), 'ERR_BPTT_RANGE', /w/);
    assertThrows(() => tap('tanh', 1, 1, 0), 'ERR_BPTT_RANGE', /steps/);
    assertThrows(() => tap(() => 'a' as never, 1, 1, 4), 'ERR_BPTT_TYPE', /f\(1\) to be a number/);
    assertThrows(() => tap(() => NaN, 1, 1, 4), 'ERR_BPTT_NON_FINITE', /all along the trajectories/);
    assertThrows(() => tap(Math.sqrt, 1, 0.5, 4), 'ERR_BPTT_NON_FINITE', /f\(-0.5\)/);
    assert.equal(tap((h) => Math.sqrt(h + 2), 1, 0.5, 60).limit, 2);
  });
  it('[44] an output y = g(U h + b) of bounded h is bounded, and grows no faster than h where g does not bound it', async () => {
    for (const [activation, least, most] of [['tanh', -1, 1], ['sigmoid', 0, 1], ['softmax', 0, 1], ['linear', -Infinity, Infinity]] as const) {
      const model = sequential([dense({ units: 3, activation })], { input: { features: 4, time: false }, runtime: referenceRuntime });
      await fc.assert(fc.asyncProperty(fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 12, maxLength: 12 }), fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 4, maxLength: 4 }), async (weights, h) => {
        model.setParameter('dense/weight', { data: Float64Array.from(weights), shape: [4, 3] });
        const bound = (unit: number): number => weights.filter((_, i) => i % 3 === unit).reduce((sum, w) => sum + Math.abs(w), 0) + 1e-9;
        const { data } = (await model.predict([h])).output;
        data.forEach((y, unit) => assert.ok(y >= Math.max(least, activation === 'linear' ? -bound(unit) : least) && y <= Math.min(most, activation === 'linear' ? bound(unit) : most), `${y}`));
      }), { numRuns: 25, seed: 44 });
    }
  });
});
