import assert from 'node:assert/strict';
import fc from 'fast-check';
import { prepare } from '../../lib/compiler/index.ts';
import { optimizeValues } from '../../lib/compiler/optimize.ts';
import { takeGains } from '../../lib/compiler/passes/gains.ts';
import { hoist } from '../../lib/compiler/passes/hoist.ts';
import { merge } from '../../lib/compiler/passes/merge.ts';
import { recompute } from '../../lib/compiler/passes/recompute.ts';
import { simplify } from '../../lib/compiler/passes/simplify.ts';
import { sink } from '../../lib/compiler/passes/sink.ts';
import { tidyScans } from '../../lib/compiler/passes/tidy.ts';
import { unrollNested } from '../../lib/compiler/passes/unroll.ts';
import * as g from '../../lib/graph/index.ts';
import { gru, lossAndGradients, lstm, peephole, standardized } from '../differential/cells.ts';
import { assertSameResults, floats, graphOf, runGraph } from '../differential/support.ts';
import { referenceRuntime } from '../../lib/runtime/index.ts';
import { graphSeeds, randomOutputs } from './randomGraphs.ts';

type Pass = (values: readonly g.Value[]) => readonly g.Value[];

const passes: Record<string, Pass> = { simplify, tidyScans, merge, hoist, sink, takeGains, recompute, unrollNested, prepare, optimizeValues };

/** The reference gives the same numbers before and after. */
function assertPreserved(pass: Pass, outputs: Readonly<Record<string, g.Value>>): void {
  const names = Object.keys(outputs);
  const after = pass(Object.values(outputs));
  const rewritten = Object.fromEntries(names.map((name, i) => [name, after[i]!]));
  assert.deepEqual(after.map(({ shape, type }) => [shape, type]), Object.values(outputs).map(({ shape, type }) => [shape, type]));
  assertSameResults(runGraph(referenceRuntime, graphOf(rewritten)), runGraph(referenceRuntime, graphOf(outputs)), 1e-9, pass.name);
}

/** Names of the operations that values need, those of bodies after "scan:". */
function operations(values: readonly g.Value[]): string[] {
  const names: string[] = [];
  g.visitNodes(values, ({ operation }, depth) => names.push('scan:'.repeat(depth) + operation));
  return names;
}

function count(values: readonly g.Value[], name: string): number {
  return operations(values).filter((operation) => operation === name).length;
}

const sizes = { steps: 4, rows: 2, width: 3, units: 5 };

describe('passes keep the meaning', () => {
  for (const [name, pass] of Object.entries(passes)) {
    it(`${name}: of random graphs`, () => {
      fc.assert(fc.property(graphSeeds, (numbers) => assertPreserved(pass, randomOutputs(numbers, { gradients: numbers[0]! % 2 === 0 }))), { numRuns: 40 });
    });
    it(`${name}: of recurrent layers with their gradients`, () => {
      for (const cell of [lstm, gru, peephole, standardized]) assertPreserved(pass, lossAndGradients(cell, sizes).values);
    });
  }

  it('prepare: before the gradient is taken', () => {
    for (const cell of [lstm, gru, peephole, standardized]) {
      const plain = runGraph(referenceRuntime, graphOf(lossAndGradients(cell, sizes).values));
      const prepared = runGraph(referenceRuntime, graphOf(lossAndGradients(cell, sizes, prepare).values));
      assertSameResults(prepared, plain, 1e-9, 'prepared');
    }
  });
});

describe('simplify', () => {
  const x = floats('x', 2, 6);
  const left = g.sliceAxis(x, 1, 0, 2);
  const right = g.sliceAxis(x, 1, 2, 4);
  const same = (value: g.Value): void => assert.equal(simplify([value])[0], x);

  it('finds the value behind its pieces', () => same(g.concat([left, right], 1)));
  it('drops what adds nothing', () => same(g.add(g.multiply(x, 1), 0)));
  it('drops transposes that undo each other', () => same(g.transpose(g.transpose(x, [1, 0]), [1, 0])));
  it('drops reshapes that undo each other', () => same(g.reshape(g.reshape(x, [3, 4]), [2, 6])));
  it('drops what only a gradient needs', () => same(g.stopGradient(x)));
  it('keeps it while a gradient may come', () => assert.equal(count(simplify([g.stopGradient(x)], { final: false }), 'stopGradient'), 1));
  it('cuts from the part that has it', () => assert.deepEqual(operations(simplify([g.sliceAxis(g.concat([g.tanh(x), x], 1), 1, 0, 6)])), ['input', 'tanh']));

  it('lays padded pieces side by side', () => {
    const [sum] = simplify([g.add(g.pad(g.tanh(left), [0, 0], [0, 4]), g.pad(g.exp(right), [0, 2], [0, 0]))]) as [g.Value];
    assert.equal(sum.node.operation, 'concat');
    assert.deepEqual(sum.node.inputs.map(({ node }) => node.operation), ['tanh', 'exp']);
  });

  it('computes once what is written twice, and constants never', () => {
    const values = simplify([g.add(g.tanh(x), g.tanh(x)), g.multiply(g.constant(2), g.exp(g.constant(0)))]);
    assert.equal(count(values, 'tanh'), 1);
    assert.equal(g.fillOf(values[1]!), 2);
  });

  it('works in the bodies of scans', () => {
    const { final } = g.scan({ initial: { h: x }, length: 3, step: ({ h }) => ({ next: { h: g.add(g.multiply(g.tanh(h), 1), g.multiply(g.tanh(h), 0.5)) } }) });
    assert.equal(count(simplify([final.h]), 'scan:tanh'), 1);
  });
});

describe('merge, hoist and sink', () => {
  const forward = (cell: typeof lstm): g.Value[] => {
    const layer = cell(floats('x', sizes.steps, sizes.rows, sizes.width), sizes, '');
    return [layer.outputs];
  };

  it('merge makes one product of those that share their left operand, over the whole parameter', () => {
    const merged = simplify(merge(simplify(forward(lstm))));
    assert.equal(count(merged, 'scan:matmul'), 2);
    assert.equal(count(merged, 'concat'), 0);
  });

  it('hoist leaves one product in the loop', () => {
    const prepared = prepare(forward(lstm));
    assert.equal(count(prepared, 'scan:matmul'), 1);
    assert.equal(count(prepared, 'matmul'), 1);
  });

  it('hoist takes masks out that are broadcast in the loop', () => {
    const { final } = g.scan({
      initial: { h: g.zeros([2, 3]) }, inputs: { x: floats('x', 4, 2, 3) }, lengths: g.input('lengths', [2], 'int32'),
      step: ({ h, x }) => ({ next: { h: g.tanh(g.add(h, x)) } }),
    });
    assert.equal(count(prepare([final.h]), 'scan:less'), 0);
  });

  it('hoist leaves light work on products to the loop, which keeps what it has computed', () => {
    const prepared = prepare(forward(standardized));
    assert.deepEqual([count(prepared, 'matmul'), count(prepared, 'standardize'), count(prepared, 'scan:standardize')], [1, 0, 5]);
    const optimized = optimizeValues(Object.values(lossAndGradients(standardized, sizes, prepare).values));
    assert.deepEqual([count(optimized, 'standardize'), count(optimized, 'scan:standardize')], [0, 5]);
  });

  it('merge orders sums of thousands of terms, however they are nested', () => {
    const terms = Array.from({ length: 12_000 }, (_, i) => g.multiply(floats('x', 2, 2), i));
    const total = terms.reduce((sum, term) => g.add(sum, term));
    const order = g.topologicalOrder(merge([total])).filter(({ operation }) => operation === 'multiply');
    assert.equal(order.length, terms.length);
  });

  it('sink leaves rows that are standardized in the loop', () => {
    const sunk = optimizeValues(Object.values(lossAndGradients(standardized, sizes, prepare).values));
    assert.deepEqual([count(sunk, 'standardizeGradient'), count(sunk, 'scan:standardizeGradient')], [0, 5]);
  });

  it('sink leaves no weight gradient in the loop', () => {
    const { values } = lossAndGradients(lstm, sizes, prepare);
    const sunk = optimizeValues(Object.values(values));
    assert.equal(count(sunk, 'scan:matmul'), 2);
    assert.equal(count(sunk, 'scan:reduceSum'), 0);
    assert.equal(count(sunk, 'matmul'), 4);
  });

  it('sink takes padding out, so that pieces of the loop and others lie side by side', () => {
    const { outputs } = g.scan({
      initial: { h: floats('h', 2, 3) }, inputs: { x: floats('x', 4, 2, 3) },
      step: ({ h, x: now }) => ({ next: { h: g.tanh(g.add(h, now)) }, outputs: { y: g.pad(g.exp(h), [0, 0], [0, 3]) } }),
    });
    const sum = g.add(outputs.y, g.pad(floats('other', 4, 2, 3), [0, 0, 3], [0, 0, 0]));
    const optimized = optimizeValues([sum]);
    assert.deepEqual(['scan:pad', 'pad', 'concat'].map((name) => count(optimized, name)), [0, 0, 1]);
    assertPreserved(optimizeValues, { sum });
  });

  it('sink also finds them in gradients of graphs that were not prepared', () => {
    const sunk = optimizeValues(Object.values(lossAndGradients(lstm, sizes).values));
    const backward = g.topologicalOrder(sunk).filter((node) => node.operation === 'scan').at(-1)!;
    const { carried } = g.scanAttributes(backward).body;
    assert.ok(carried.every(({ shape }) => shape[0] === sizes.rows), 'no weight gradient is carried');
  });
});

describe('takeGains', () => {
  const [x, d] = [floats('x', 3, 4), floats('d', 3, 4)];
  const gradientOf = (scaled: (y: g.Value) => g.Value): g.Value => g.gradient(scaled(g.standardize(x)), [x], { upstream: d }).gradients[0]!;

  it('multiplies with gains of columns where rows are standardized', () => {
    for (const gain of [floats('gain', 4), floats('row', 1, 4)]) {
      const [taken] = takeGains([gradientOf((y) => g.multiply(gain, y))]);
      assert.equal(taken!.node.inputs[0], d);
      assertPreserved(takeGains, { taken: gradientOf((y) => g.multiply(gain, y)) });
    }
  });

  it('leaves factors of rows and elements alone', () => {
    for (const factor of [floats('column', 3, 1), floats('each', 3, 4), g.exp(floats('one', 1))]) {
      const values = [gradientOf((y) => g.multiply(y, factor))];
      assert.deepEqual(takeGains(values), values);
    }
  });

  it('works in the bodies of scans', () => {
    const [, backward] = g.topologicalOrder(optimizeValues(Object.values(lossAndGradients(standardized, sizes, prepare).values))).filter(({ operation }) => operation === 'scan');
    const { next, collected } = g.scanAttributes(backward!).body;
    const rows = g.topologicalOrder([...next, ...collected]).filter(({ operation }) => operation === 'standardizeGradient');
    assert.deepEqual(rows.map(({ inputs }) => inputs[1]!.node.operation), new Array<string>(5).fill('argument'));
  });
});

describe('tidyScans, recompute and unrollNested', () => {
  it('tidyScans drops what nobody reads and what never changes', () => {
    const { final, outputs } = g.scan({
      initial: { h: floats('h', 2), still: floats('s', 2), unread: floats('u', 2) }, inputs: { x: floats('x', 3, 2), same: g.broadcast(floats('c', 2), [3, 2]) },
      step: ({ h, still, unread, x, same }) => ({ next: { h: g.add(g.add(h, still), g.add(x, same)), still, unread: g.tanh(unread) }, outputs: { x, unread } }),
    });
    const values = tidyScans([final.h, outputs.x]);
    const scan = values[0]!.node;
    const { body } = g.scanAttributes(scan);
    assert.deepEqual([body.carried.length, body.scanned.length, body.collected.length], [1, 1, 0]);
    assert.equal(values[1]!.node.operation, 'input');
  });

  it('recompute makes large masks again for the way back', () => {
    const key = g.input('key', [2], 'int32');
    const mask = g.less(g.random(key, [64, 128], { distribution: 'uniform', stream: 1 }), 0.5);
    const x = floats('x', 64, 128);
    const product = g.matmul(g.select(mask, x, 0), floats('w', 128, 8));
    const back = g.select(mask, g.matmul(product, floats('v', 8, 128)), 0);
    assert.equal(count(recompute([back]), 'random'), 2);
    assertPreserved(recompute, { back });
  });

  it('unrollNested leaves no scan in a scan', () => {
    const { final } = g.scan({
      initial: { h: floats('h', 2, 3) }, length: 2,
      step: ({ h }) => ({ next: { h: g.scan({ initial: { k: h }, length: 2, step: ({ k, step }) => ({ next: { k: g.multiply(k, g.cast(step, 'float32')) } }) }).final.k } }),
    });
    const values = unrollNested([final.h]);
    assert.equal(count(values, 'scan:scan'), 0);
    assertPreserved(unrollNested, { h: final.h });
  });
});
