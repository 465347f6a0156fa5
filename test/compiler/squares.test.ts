import assert from 'node:assert/strict';
import { compile, countOpcodes, decodeProgram } from '../../lib/compiler/index.ts';
import { joinSquares } from '../../lib/compiler/passes/squares.ts';
import * as g from '../../lib/graph/index.ts';
import { evaluate } from '../../lib/runtime/reference/interpreter.ts';
import { assertAgreement, floats, graphOf, needsNative, nativeRuntime, runGraph } from '../differential/support.ts';

const operations = (values: readonly g.Value[]): string[] => g.topologicalOrder(values).map(({ operation }) => operation);
const x = g.constant(Float64Array.from({ length: 12 }, (_, i) => Math.sin(5 * i)), [3, 4]);

describe('compiler: sums of squares', () => {
  it('become one operation with the same number', () => {
    const norm = g.sqrt(g.sum(g.square(g.tanh(x))));
    const joined = joinSquares([norm]);
    assert.deepEqual(operations(joined), ['constant', 'tanh', 'sumSquares', 'sqrt']);
    assert.deepEqual(evaluate(joined), evaluate([norm]));
  });

  it('stay apart where something else reads the squares, or not all of them are summed', () => {
    const squares = g.square(x);
    for (const values of [[g.sum(squares), squares], [g.sum(squares), g.exp(squares)], [g.sum(squares, [1])], [g.sum(g.multiply(x, g.tanh(x)))]]) {
      assert.deepEqual(joinSquares(values), values);
    }
  });

  it('make a program that writes no squares down', () => {
    const { instructions } = decodeProgram(compile(graphOf({ norm: g.sum(g.square(floats('x', 30, 40))) }), { layouts: [] }).bytes);
    assert.deepEqual(countOpcodes(instructions), { reduce: 1 });
  });
});

describe('native: sums of squares', () => {
  needsNative();

  for (const shape of [[1], [7], [5, 33], [40, 1030], [3, 70, 200]]) {
    it(`of ${shape.join(' × ')}, as they are and transposed`, () => {
      const value = floats('x', ...shape);
      assertAgreement(graphOf({ all: g.sum(g.square(value)), turned: g.sum(g.square(g.transpose(value))) }), { tolerance: 1e-5 });
    });
  }

  it('have the bits of squares that were summed', () => {
    const value = floats('x', 40, 1030);
    const [norm, plain] = [true, false].map((optimize) => runGraph(nativeRuntime!, graphOf({ norm: g.sum(g.square(value)) }), { compiled: { optimize } }).outputs['norm']![0]);
    assert.equal(norm, plain);
  });
});
