import assert from 'node:assert/strict';
import { constant } from '../../lib/graph/index.ts';
import { clipGradients, dense, rnn, sequential, sgd, squaredError, Trainer } from '../../lib/index.ts';
import type { ClipOptions, Model } from '../../lib/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { assertThrows } from '../support/errors.ts';
import { assertNear, someSequences, weightsOf } from '../support/models.ts';

function clipped(options: ClipOptions, ...gradients: number[][]): number[][] {
  const result = clipGradients(gradients.map((values) => constant(values, [values.length])), options);
  return evaluate(result.gradients).map(({ data }) => [...data]);
}

/** The gradients that one step of plain descent used. */
async function used(clip: ClipOptions): Promise<Record<string, number[]>> {
  const model: Model = sequential([rnn({ units: 3 }), dense({ units: 1 })], { input: { features: 2 }, seed: 4 });
  const before = weightsOf(model);
  const trainer = new Trainer(model, { loss: squaredError(), reduction: 'sum', optimizer: sgd({ learningRate: 1 }), clip });
  await trainer.step({ input: someSequences([6], 2), target: someSequences([6], 1, 9) });
  return Object.fromEntries(model.parameters.map(({ name, view }) => [name, [...view].map((weight, i) => before[name]![i]! - weight)]));
}

const lengthOf = (values: readonly number[]): number => Math.hypot(...values);

describe('theory: gradients that are too long', () => {
  it('[37] clipping by norm: g = [3, 4] and θ = 1 become [0.6, 0.8]', () => {
    assertNear(clipped({ globalNorm: 1 }, [3, 4])[0]!, [0.6, 0.8], 'gradient', 1e-15);
    assert.deepEqual(clipped({ globalNorm: 5 }, [3, 4]), [[3, 4]]);
  });
  it('[38] clipping by the squared norm, as printed: g = [3, 4] and θ = 1 become [0.12, 0.16]; it acts from a length of √θ on', () => {
    assertNear(clipped({ squaredNorm: 1 }, [3, 4])[0]!, [0.12, 0.16], 'gradient', 1e-15);
    assertNear(clipped({ squaredNorm: 1 }, [3], [4]).flat(), [0.12, 0.16], 'gradients of two parameters', 1e-15);
    assert.deepEqual(clipped({ squaredNorm: 25 }, [3, 4]), [[3, 4]]);
    assert.notDeepEqual(clipped({ squaredNorm: 24.9 }, [3, 4]), [[3, 4]]);
    assertThrows(() => clipped({ squaredNorm: 0 }, [1]), 'ERR_BPTT_RANGE', /squaredNorm/);
  });
  it('[39] the three modes, in training: by value, by each parameter\'s norm, by the norm of all', async () => {
    const free = await used({});
    const all = Object.values(free).flat();
    const [bound, most] = [0.1, 0.5 * lengthOf(all)];
    for (const [name, values] of Object.entries(await used({ value: bound }))) assertNear(values, free[name]!.map((value) => Math.max(-bound, Math.min(bound, value))), name);
    for (const [name, values] of Object.entries(await used({ norm: bound }))) assertNear(values, free[name]!.map((value) => value * Math.min(1, bound / lengthOf(free[name]!))), name);
    const together = await used({ globalNorm: most });
    assertNear(Object.values(together).flat(), all.map((value) => value * 0.5), 'all');
    assertNear(Object.values(await used({ squaredNorm: most })).flat(), all.map((value) => value * Math.min(1, most / lengthOf(all) ** 2)), 'squared');
  });
});
