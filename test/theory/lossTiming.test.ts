import assert from 'node:assert/strict';
import { adam, crossEntropy, dense, gradients, lstm, rnn, sequential, squaredError, Trainer } from '../../lib/index.ts';
import type { Model } from '../../lib/index.ts';
import { uniformSource } from '../../lib/random.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { assertNear, someSequences } from '../support/models.ts';

/** Sequences of small noise whose first step tells the class. */
function phonemes(rows: number, steps: number): { input: number[][][]; classes: number[] } {
  const random = uniformSource(5, 'phonemes');
  const classes = Array.from({ length: rows }, (_, row) => row % 3);
  return { classes, input: classes.map((own) => Array.from({ length: steps }, (_step, t) => [0, 1, 2].map((feature) => 0.2 * (random() - 0.5) + Number(t === 0 && feature === own)))) };
}

describe('theory: when a loss counts', () => {
  const reader = (seed = 1): Model => sequential([lstm({ units: 8 }), dense({ units: 3 })], { input: { features: 3 }, seed });

  it('[40] an output at every step, read at the end: the loss at every step or at the last one, both learn, the first sooner', async () => {
    const { input, classes } = phonemes(12, 30);
    const batch = { input, target: classes.map((own) => new Array<number>(30).fill(own)) };
    const updatesTo = async (lossOn: 'all' | 'last', seed: number): Promise<number> => {
      const trainer = new Trainer(reader(seed), { loss: crossEntropy(), lossOn, optimizer: adam({ learningRate: 0.01 }) });
      const judge = new Trainer(trainer.model, { loss: crossEntropy(), lossOn: 'last', optimizer: adam() });
      for (let updates = 0; updates < 300; updates += 5) {
        if ((await judge.evaluate(batch)).loss < 0.1) return updates;
        await trainer.fit(batch, { epochs: 5 });
      }
      return Infinity;
    };
    const sums = { all: 0, last: 0 };
    for (const seed of [1, 2, 3]) for (const lossOn of ['all', 'last'] as const) sums[lossOn] += await updatesTo(lossOn, seed);
    assert.ok(sums.all < sums.last && sums.last < 900, `${sums.all} and ${sums.last} updates`);
  });
  it('[40] weights of steps: ones are "all", a one at the end is "last", others weigh', async () => {
    const model = reader();
    const { input, classes } = phonemes(2, 4);
    const target = classes.map((own) => new Array<number>(4).fill(own));
    const [first, second, third, fourth] = await Promise.all([0, 1, 2, 3].map(async (step) => (
      (await gradients(model, { input, target, weights: [0, 1].map(() => [0, 1, 2, 3].map((t) => Number(t === step))) }, { loss: crossEntropy() })).loss))) as [number, number, number, number];
    const of = async (weights: number[]): Promise<number> => (await gradients(model, { input, target, weights: [weights, weights] }, { loss: crossEntropy() })).loss;
    assertNear([await of([1, 1, 1, 1]), (await gradients(model, { input, target }, { loss: crossEntropy() })).loss], new Array<number>(2).fill((first + second + third + fourth) / 4), 'all');
    assertNear([await of([0, 0, 0, 1]), (await gradients(model, { input, target }, { loss: crossEntropy(), lossOn: 'last' })).loss], [fourth, fourth], 'last');
    assertNear([await of([1, 2, 3, 4])], [(first + 2 * second + 3 * third + 4 * fourth) / 10], 'a weighted mean');
  });
  it('[40] "last" needs an output over time: it is refused where there is one value for each row, by trainers and for gradients', async () => {
    const model = sequential([rnn({ units: 2, output: 'last' }), dense({ units: 1 })], { input: { features: 2 } });
    const options = { loss: squaredError(), lossOn: 'last' } as const;
    assertThrows(() => new Trainer(model, { ...options, optimizer: adam() }), 'ERR_BPTT_OPTION', /lossOn: 'last' chooses among the steps.*one value for each row/);
    await assertRejects(() => gradients(model, { input: someSequences([3], 2), target: [[1]] }, options), 'ERR_BPTT_OPTION', /leave it out/);
    assertThrows(() => new Trainer(model, { ...options, lossOn: 'first' as 'last', optimizer: adam() }), 'ERR_BPTT_OPTION', /"all", "last"/);
  });
});
