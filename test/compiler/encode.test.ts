import assert from 'node:assert/strict';
import { compile, decodeProgram, describeProgram } from '../../lib/compiler/index.ts';
import * as g from '../../lib/graph/index.ts';
import { assertThrows } from '../support/errors.ts';
import { floats, graphOf } from '../differential/support.ts';

describe('encoded programs', () => {
  const x = floats('x', 2, 3);
  const graph = graphOf({ y: g.tanh(g.multiply(g.matmul(x, floats('w', 3, 4)), 2)) });

  it('are read back as they were planned', () => {
    const { bytes, arenaSize, notes, block } = compile(graph, { layouts: [] });
    const program = decodeProgram(bytes);
    assert.deepEqual(program.instructions.map(({ opcode }) => opcode), ['pack', 'gemm', 'map']);
    assert.equal(program.arenaSize, arenaSize);
    assert.equal(notes.length, program.instructions.length);
    assert.deepEqual(block.inputs.map(({ name, offset }) => [name, offset]), [['x', 0], ['w', 16]]);
    const [, gemm, map] = program.instructions;
    assert.deepEqual(gemm!.operands.map(({ dimensions }) => dimensions), [[2, 3], [192], [2, 4]]);
    assert.equal(map!.operands.at(-1)!.space, 'storage 0');
  });

  it('are told as text', () => {
    const text = describeProgram(compile(graph, { layouts: [] }).bytes);
    assert.match(text, /gemm depth=3 initial=0/);
    assert.match(text, /out0 = tanh r0/);
  });

  it('are refused when they are of another version', () => {
    const { bytes } = compile(graph, { layouts: [] });
    new Int32Array(bytes)[1] = 99;
    assertThrows(() => decodeProgram(bytes), 'ERR_BPTT_PROGRAM');
  });

  it('hold at most six dimensions', () => {
    const wide = floats('x', 1, 2, 1, 2, 1, 2, 2);
    assertThrows(() => compile(graphOf({ y: g.tanh(g.transpose(wide, [6, 5, 4, 3, 2, 1, 0])) }), { layouts: [], optimize: false }), 'ERR_BPTT_PROGRAM');
  });

  it('name the variable that no store holds', () => {
    const lost = { name: 'lost', shape: [2], type: 'float32' } as const;
    assertThrows(() => compile(graphOf({ y: g.tanh(g.variable(lost)) }), { layouts: [] }), 'ERR_BPTT_GRAPH', /variable "lost"/);
  });
});
