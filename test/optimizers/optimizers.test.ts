import assert from 'node:assert/strict';
import { constant, input, type Value } from '../../lib/graph/index.ts';
import {
  adadelta, adagrad, adam, adamw, clipGradients, cosineDecay, nadam, optimizerFromDescription, regularizedGradient, rmsprop, sgd, stepDecay, type Optimizer,
} from '../../lib/optimizers/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { assertThrows } from '../support/errors.ts';

/** Minimises `gradientOf` by hand for a number of steps. @returns the parameter after each */
function run(optimizer: Optimizer, start: number, gradientOf: (w: number, t: number) => number, count: number, rate = 0.1): number[] {
  const named = (name: string): Value => input(name, [1]);
  const slots = Object.fromEntries(optimizer.slots.map((name) => [name, named(name)]));
  const result = optimizer.update({ parameter: named('parameter'), gradient: named('gradient'), slots, learningRate: input('rate', []), step: input('step', []) });
  assert.deepEqual(Object.keys(result.slots), optimizer.slots);
  let parameter = start;
  let memory: Record<string, number> = Object.fromEntries(optimizer.slots.map((name) => [name, 0]));
  return Array.from({ length: count }, (_, t) => {
    const inputs = { parameter: [parameter], gradient: [gradientOf(parameter, t)], rate: [rate], step: [t + 1], ...Object.fromEntries(Object.entries(memory).map(([name, value]) => [name, [value]])) };
    const [next, ...kept] = evaluate([result.parameter, ...optimizer.slots.map((name) => result.slots[name]!)], { inputs });
    parameter = next!.data[0]!;
    memory = Object.fromEntries(optimizer.slots.map((name, i) => [name, kept[i]!.data[0]!]));
    return parameter;
  });
}

const all: readonly Optimizer[] = [
  sgd(), sgd({ momentum: 0.9 }), sgd({ momentum: 0.9, nesterov: true }), rmsprop(), rmsprop({ centered: true, momentum: 0.5 }), adagrad(), adadelta(), adam(), adamw(), nadam(),
];

function near(a: number, b: number, tolerance = 1e-12): void {
  assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);
}

describe('optimizers', () => {
  for (const optimizer of all) {
    it(`${optimizer.kind} ${JSON.stringify(optimizer.options)}: goes downhill and comes back from JSON`, () => {
      const path = run(optimizer, 3, (w) => 2 * w, 200, optimizer.kind === 'adadelta' ? 5 : 0.01);
      assert.ok(Math.abs(path.at(-1)!) < 2.75, `ended at ${path.at(-1)}`);
      const again = optimizerFromDescription(JSON.parse(JSON.stringify({ kind: optimizer.kind, options: optimizer.options })) as { kind: string });
      assert.deepEqual([again.options, again.slots], [optimizer.options, optimizer.slots]);
      assert.ok(Object.isFrozen(again) && Object.isFrozen(again.options));
    });
  }
  it('sgd: w − η g, with momentum and with Nesterov\'s look ahead', () => {
    assert.deepEqual(run(sgd(), 1, () => 2, 2), [0.8, 0.8 - 0.2]);
    const momentum = run(sgd({ momentum: 0.5 }), 1, () => 2, 2);
    near(momentum[1]!, 1 - 0.2 - 0.1 * (0.5 * 2 + 2));
    near(run(sgd({ momentum: 0.5, nesterov: true }), 1, () => 2, 1)[0]!, 1 - 0.1 * (2 + 0.5 * 2));
  });
  it('the first steps of the adaptive ones are what their papers give', () => {
    near(run(adagrad(), 1, () => 2, 1)[0]!, 0.9, 1e-10);
    near(run(rmsprop({ decay: 0.9 }), 1, () => 2, 1)[0]!, 1 - 0.1 * 2 / Math.sqrt(0.4), 1e-8);
    near(run(adam(), 1, () => 2, 1)[0]!, 0.9, 1e-9);
    near(run(adamw({ weightDecay: 0.5 }), 1, () => 2, 1)[0]!, 0.95 - 0.1, 1e-9);
    near(run(adadelta(), 1, () => 2, 1)[0]!, 1 - 0.1 * 2 * Math.sqrt(1e-6 / (0.4 + 1e-6)), 1e-12);
  });
  it('bias corrections keep their digits in float32, where the power is near 1', () => {
    const optimizer = adam();
    const slots = Object.fromEntries(optimizer.slots.map((name) => [name, constant(0, [1])]));
    const { parameter } = optimizer.update({ parameter: constant(0, [1]), gradient: constant(1, [1]), slots, learningRate: constant(1, []), step: input('step', []) });
    near(evaluate([parameter], { inputs: { step: [1] } })[0]!.data[0]!, -1, 1e-7);
    assert.equal(JSON.stringify(operationsBelow(parameter)).includes('power'), false);
  });
  it('L2 equals weight decay under plain descent and not under Adam', () => {
    const strength = 0.3;
    const gradientOf = (w: number, t: number): number => Math.sin(t) + w;
    const withL2 = (w: number, t: number): number => gradientOf(w, t) + strength * w;
    const decayed = (w: number): number => w * (1 - 0.1 * strength);
    let byHand = 1;
    const expected = Array.from({ length: 10 }, (_, t) => { byHand = decayed(byHand) - 0.1 * gradientOf(byHand, t); return byHand; });
    run(sgd(), 1, withL2, 10).forEach((value, t) => near(value, expected[t]!));
    assert.ok(Math.abs(run(adam(), 1, withL2, 10).at(-1)! - run(adamw({ weightDecay: strength }), 1, gradientOf, 10).at(-1)!) > 1e-3);
  });
  it('carry their learning rate as a schedule', () => {
    assert.equal(adam().learningRate.at({ step: 9, epoch: 9 }), 0.001);
    assert.equal(adam().options['learningRate'], 0.001);
    const scheduled = sgd({ learningRate: stepDecay({ learningRate: 0.5, factor: 0.1, every: 2 }) });
    assert.equal(scheduled.learningRate.at({ step: 0, epoch: 2 }), 0.05);
    const again = optimizerFromDescription(JSON.parse(JSON.stringify({ kind: 'sgd', options: scheduled.options })) as { kind: string });
    assert.equal(again.learningRate.at({ step: 0, epoch: 2 }), 0.05);
    assert.equal(sgd({ learningRate: cosineDecay({ learningRate: 1, steps: 10 }) }).learningRate.kind, 'cosineDecay');
  });
  it('refuse options that do not fit', () => {
    assertThrows(() => adam({ beta1: 1 }), 'ERR_BPTT_RANGE', /beta1/);
    assertThrows(() => sgd({ learningRate: -1 }), 'ERR_BPTT_RANGE', /learningRate/);
    assertThrows(() => sgd({ learningRate: 'fast' as never }), 'ERR_BPTT_TYPE', /a number or a schedule/);
    assertThrows(() => sgd({ nesterov: true }), 'ERR_BPTT_OPTION', /momentum above 0/);
    assertThrows(() => rmsprop({ rho: 0.9 } as never), 'ERR_BPTT_OPTION', /unknown option "rho"/);
    assertThrows(() => optimizerFromDescription({ kind: 'adm' }), 'ERR_BPTT_FORMAT', /did you mean "adam"/);
  });
});

function operationsBelow(value: Value): string[] {
  const found = new Set<string>();
  const visit = ({ node }: Value): void => {
    found.add(node.operation);
    node.inputs.forEach(visit);
  };
  visit(value);
  return [...found];
}

describe('clipping', () => {
  const clipped = (options: object, ...gradients: number[][]): { values: number[][]; norm: number } => {
    const result = clipGradients(gradients.map((values) => constant(values, [values.length])), options);
    const [norm, ...values] = evaluate([result.norm, ...result.gradients]);
    return { values: values.map(({ data }) => [...data]), norm: norm!.data[0]! };
  };
  it('globalNorm keeps the direction of all gradients together', () => {
    const { values, norm } = clipped({ globalNorm: 1 }, [3, 4]);
    assert.equal(norm, 5);
    near(values[0]![0]!, 0.6);
    near(values[0]![1]!, 0.8);
    const two = clipped({ globalNorm: 6.5 }, [3, 4], [12]);
    assert.equal(two.norm, 13);
    assert.deepEqual(two.values, [[1.5, 2], [6]]);
  });
  it('leaves what is short enough exactly as it is', () => {
    assert.deepEqual(clipped({ globalNorm: 5 }, [3, 4]).values, [[3, 4]]);
    assert.deepEqual(clipped({ norm: 7, value: 4 }, [3, 4]).values, [[3, 4]]);
    assert.deepEqual(clipped({}, [3, 4], [1e9]), { values: [[3, 4], [1e9]], norm: Math.hypot(3, 4, 1e9) });
    assert.deepEqual(clipped({ globalNorm: 5 }, [0, 0]).values, [[0, 0]]);
  });
  it('norm bounds each parameter alone, value each element', () => {
    assert.deepEqual(clipped({ norm: 5 }, [30, 40], [1]).values.map((values) => values.map(Math.round)), [[3, 4], [1]]);
    assert.deepEqual(clipped({ value: 2 }, [-3, 1, 5]).values, [[-2, 1, 2]]);
  });
  it('reports the length before clipping, not finite when a gradient is not', () => {
    assert.equal(clipped({ value: 1, globalNorm: 1 }, [3, 4]).norm, 5);
    assert.ok(Number.isNaN(clipped({ globalNorm: 1 }, [NaN, 1]).norm));
    assert.equal(clipped({ value: 1 }, [Infinity, 1]).norm, Infinity);
  });
  it('refuses bounds that are none', () => {
    assertThrows(() => clipped({ globalNorm: 0 }, [1]), 'ERR_BPTT_RANGE', /globalNorm/);
    assertThrows(() => clipped({ globalnorm: 1 }, [1]), 'ERR_BPTT_OPTION', /did you mean "globalNorm"/);
  });
});

describe('L2', () => {
  it('adds λ w to the gradient of the groups named', () => {
    const parameter = constant([1, -2], [2]);
    const gradient = constant([10, 10], [2]);
    assert.deepEqual([...evaluate([regularizedGradient(parameter, gradient, 'recurrent', { recurrent: 0.5 })])[0]!.data], [10.5, 9]);
    assert.equal(regularizedGradient(parameter, gradient, 'bias', { recurrent: 0.5 }), gradient);
  });
});

describe('optimizers: schedules that are none', () => {
  it('are refused when the optimizer is made, in words', () => {
    assertThrows(() => adam({ learningRate: { kind: 'stepDecay', at: 5 } as never }), 'ERR_BPTT_OPTION', /unknown option "at"/);
    assertThrows(() => adam({ learningRate: 0 }), 'ERR_BPTT_RANGE', /to be a number above 0, and finite, received 0/);
  });
});
