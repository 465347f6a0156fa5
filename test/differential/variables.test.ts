import assert from 'node:assert/strict';
import { prepare } from '../../lib/compiler/index.ts';
import * as g from '../../lib/graph/index.ts';
import type { Variable } from '../../lib/graph/index.ts';
import { referenceRuntime } from '../../lib/runtime/index.ts';
import { assertAgreement, assertSameResults, floats, graphOf, inputData, nativeRuntime, needsNative, randomNumbers } from './support.ts';
import { trainStep } from './trainStep.ts';
import type { ModelSizes } from './trainStep.ts';

const a: Variable = { name: 'a', shape: [3, 4], type: 'float32' };
const b: Variable = { name: 'b', shape: [3, 4], type: 'float32' };
const count: Variable = { name: 'count', shape: [], type: 'int32' };
const variables = [a, b, count];

describe('variables on the engine', () => {
  needsNative();
  it('are written after everything has been read', () => {
    const assignments = [{ variable: a, value: g.add(g.variable(a), g.variable(b)) }, { variable: b, value: g.multiply(g.variable(a), 0.5) }];
    assertAgreement(graphOf({ sum: g.sum(g.variable(a)), old: g.variable(b) }, assignments), { variables });
  });

  it('change places', () => {
    assertAgreement(graphOf({ y: g.sum(g.variable(a)) }, [{ variable: a, value: g.variable(b) }, { variable: b, value: g.variable(a) }]), { variables });
  });

  it('are written from views of each other and of themselves', () => {
    const assignments = [{ variable: a, value: g.reverse(g.variable(a), [1]) }, { variable: b, value: g.reshape(g.transpose(g.variable(a), [1, 0]), [3, 4]) }];
    assertAgreement(graphOf({}, assignments), { variables });
  });

  it('are read across by what overwrites them', () => {
    const assignments = [{ variable: a, value: g.add(g.variable(a), g.reverse(g.variable(a), [0])) }, { variable: b, value: g.add(g.variable(b), g.broadcast(g.sum(g.variable(b), [1], true), [3, 4])) }];
    assertAgreement(graphOf({}, assignments), { variables });
  });

  it('are counted, given out and used in products', () => {
    const next = g.add(g.variable(count), 1);
    const moved = g.subtract(g.variable(a), g.multiply(g.matmul(floats('x', 3, 3), g.variable(a)), 0.1));
    assertAgreement(graphOf({ next, moved, before: g.variable(a) }, [{ variable: count, value: next }, { variable: a, value: moved }]), { variables });
  });

  it('carry a scan\'s state to the next run', () => {
    const { final, outputs } = g.scan({
      initial: { h: g.variable(a) }, inputs: { x: floats('x', 5, 3, 4) },
      step: ({ h, x }) => { const next = g.tanh(g.add(h, x)); return { next: { h: next }, outputs: { y: next } }; },
    });
    assertAgreement(graphOf({ y: outputs.y }, [{ variable: a, value: final.h }]), { variables });
  });
});

describe('whole train steps on the engine', () => {
  needsNative();
  const base: ModelSizes = { steps: 5, rows: 3, vocabulary: 7, embedding: 4, units: 6, layers: 2 };

  function assertTrainsAlike(sizes: ModelSizes, rewrite: Parameters<typeof trainStep>[1], optimize: boolean): void {
    assert.ok(nativeRuntime);
    const { graph, layouts } = trainStep(sizes, rewrite);
    const results = [referenceRuntime, nativeRuntime].map((runtime) => {
      const next = randomNumbers(5);
      const stores = layouts.map((layout) => runtime.store(layout));
      layouts[0]!.forEach((variable) => { const view = stores[0]!.view(variable); for (let i = 0; i < view.length; i++) view[i] = Math.fround(0.4 * next()); });
      stores[0]!.touch();
      const executable = runtime.compile(graph, { layouts, optimize }).bind(stores);
      let outputs = {};
      for (let run = 0; run < 3; run++) outputs = executable.run({ ...inputData(graph, run, sizes.vocabulary), learningRate: Float32Array.of(0.01) });
      return { outputs, variables: layouts[0]!.map((variable) => stores[0]!.view(variable).slice()) };
    });
    assertSameResults(results[1]!, results[0]!, 2e-4, optimize ? 'optimised' : 'plain');
  }

  for (const sizes of [base, { ...base, kind: 'gru' as const }, { ...base, steps: 16, rows: 24, units: 16, dropout: 0.3 }]) {
    it(`train like the reference: ${sizes.kind ?? 'lstm'}${sizes.dropout ? ' with dropout' : ''}`, () => {
      assertTrainsAlike(sizes, prepare, true);
      assertTrainsAlike(sizes, prepare, false);
      assertTrainsAlike(sizes, (values) => values, true);
    }).timeout(60000);
  }
});
