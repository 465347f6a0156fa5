import assert from 'node:assert/strict';
import { compile, decodeProgram, prepare } from '../../lib/compiler/index.ts';
import type { CompileProgramOptions, DecodedInstruction } from '../../lib/compiler/index.ts';
import * as g from '../../lib/graph/index.ts';
import { lossAndGradients, lstm } from '../differential/cells.ts';
import { floats, graphOf } from '../differential/support.ts';

const sizes = { steps: 6, rows: 3, width: 4, units: 8 };
const always = { leastElements: 0, outsideLoops: { leastElements: 0, mostRows: 1e9 } };
const spans = { leastElements: 0, rowsAtOnce: 6 };

function instructionsOf(graph: g.Graph, options: Partial<CompileProgramOptions>): readonly DecodedInstruction[] {
  return decodeProgram(compile(graph, { layouts: [], ...options }).bytes).instructions;
}

const trained = (options: Partial<CompileProgramOptions>): readonly DecodedInstruction[] => instructionsOf(graphOf(lossAndGradients(lstm, sizes, prepare).values), { spans, ...options });
const flat = (instructions: readonly DecodedInstruction[]): DecodedInstruction[] => instructions.flatMap((each) => [each, ...each.body]);
const products = (instructions: readonly DecodedInstruction[]): readonly DecodedInstruction[] => instructions.filter(({ opcode }) => opcode === 'gemm');
const packsItself = ({ operands }: DecodedInstruction): boolean => operands[1]!.dimensions.length === 2;
const spansOf = (instructions: readonly DecodedInstruction[]): number[] => products(flat(instructions)).map(({ attributes }) => attributes[2]!).filter((span) => span !== 0);

describe('compiler: products that pack their right operands', () => {
  it('are those outside of loops whose right operand is large and nobody else reads packed', () => {
    const program = trained({ packing: always, changing: true });
    assert.ok(products(program).some(packsItself));
    assert.equal(products(program).filter((product) => !packsItself(product)).length, 2, 'the weight gradients read what the loop packs');
    assert.equal(products(program.flatMap(({ body }) => body)).filter(packsItself).length, 0);
    assert.deepEqual(program.filter(({ opcode }) => opcode === 'pack').length, 2, 'recurrent weights, both ways');
  });

  it('stay outside of loops that could take them over', () => {
    assert.deepEqual(spansOf(trained({})).sort((a, b) => a - b), [-2, 2]);
    assert.deepEqual(spansOf(trained({ packing: always, changing: true })), []);
  });

  it('go into loops where their weights are small, their rows many, or parameters stay as they are', () => {
    const outsideLoops = [{ leastElements: 4 * 32 + 1, mostRows: 1e9 }, { leastElements: 0, mostRows: 17 }];
    for (const limits of outsideLoops) assert.equal(spansOf(trained({ packing: { leastElements: 0, outsideLoops: limits }, changing: true })).length, 2);
    assert.equal(spansOf(trained({ packing: always, changing: false })).length, 2);
  });

  it('share what several of them read, which is then packed once and before', () => {
    const [x, y, z, own, shared] = [floats('x', 5, 6), floats('y', 4, 6), floats('z', 3, 6), floats('own', 6, 7), floats('shared', 6, 8)];
    const program = instructionsOf(graphOf({ a: g.matmul(x, own), b: g.matmul(y, shared), c: g.matmul(z, shared) }), { packing: always });
    assert.equal(program.filter(({ opcode }) => opcode === 'pack').length, 1);
    assert.deepEqual(products(program).map((product) => [product.operands[2]!.dimensions, packsItself(product)]), [[[5, 7], true], [[4, 8], false], [[3, 8], false]]);
  });

  describe('and parameters', () => {
    const weights: g.Variable = { name: 'weights', shape: [6, 7], type: 'float32' };
    const x = floats('x', 5, 6);
    const product = g.matmul(x, g.variable(weights));
    const opcodes = (graph: g.Graph, options: Partial<CompileProgramOptions> = {}): string[] => instructionsOf(graph, { layouts: [[weights]], packing: always, ...options }).map(({ opcode }) => opcode);

    it('that stay are kept packed from run to run', () => assert.deepEqual(opcodes(graphOf({ product })), ['pack', 'gemm']));
    it('that the graph changes are not', () => {
      const changed = opcodes(graphOf({ product }, [{ variable: weights, value: g.multiply(g.variable(weights), g.constant(0.5, [6, 7])) }]));
      assert.ok(!changed.includes('pack') && changed.includes('gemm'));
    });
    it('that others change are not, where the caller says so', () => assert.deepEqual(opcodes(graphOf({ product }), { changing: true }), ['gemm']));
  });

  it('leave small operands packed before', () => {
    assert.equal(products(trained({ changing: true })).filter(packsItself).length, 0);
  });
});
