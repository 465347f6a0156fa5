import assert from 'node:assert/strict';
import { compile, countOpcodes, decodeProgram, prepare } from '../../lib/compiler/index.ts';
import type { DecodedInstruction, DecodedProgram } from '../../lib/compiler/index.ts';
import { gru, lossAndGradients, lstm, peephole, standardized } from '../differential/cells.ts';
import type { Cell } from '../differential/cells.ts';
import { graphOf } from '../differential/support.ts';
import { trainStep } from '../differential/trainStep.ts';
import { processorTime } from '../support/clock.ts';

const sizes = { steps: 6, rows: 3, width: 4, units: 8 };

function programOf(cell: Cell): DecodedProgram {
  return decodeProgram(compile(graphOf(lossAndGradients(cell, sizes, prepare).values), { layouts: [] }).bytes);
}

function scansOf(program: DecodedProgram): DecodedInstruction[] {
  return program.instructions.filter(({ opcode }) => opcode === 'scan');
}

const after = (program: DecodedProgram): DecodedInstruction[] => program.instructions.slice(program.instructions.findLastIndex(({ opcode }) => opcode === 'scan') + 1);
const before = (program: DecodedProgram): DecodedInstruction[] => program.instructions.slice(0, program.instructions.findIndex(({ opcode }) => opcode === 'scan'));

describe('the program of a recurrent train step', () => {
  for (const [name, cell] of Object.entries({ lstm, gru, peephole })) {
    describe(name, () => {
      const program = programOf(cell);
      const [forward, backward] = scansOf(program) as [DecodedInstruction, DecodedInstruction];

      it('has one product for the inputs of all steps before the loop', () => assert.equal(countOpcodes(before(program)).gemm, 1));

      it('has one product and one map in each step, forwards and backwards', () => {
        assert.equal(scansOf(program).length, 2);
        assert.deepEqual(countOpcodes(forward.body), { gemm: 1, map: 1 });
        assert.deepEqual(countOpcodes(backward.body), { gemm: 1, map: 1 });
      });

      it('has one product each for dW, dU and dx after the loop, and copies nothing', () => {
        const counts = countOpcodes(after(program));
        assert.equal(counts.gemm, 3);
        assert.equal(counts.map ?? 0, 0);
        assert.equal(counts.pack, name === 'gru' ? 3 : 2);
      });

      it('lets a thread take rows through all steps', () => {
        for (const scan of [forward, backward]) assert.deepEqual(scan.attributes.slice(2, 4), [1, sizes.rows]);
      });
    });
  }

  it('starts the recurrent product from the input product', () => {
    const [forward] = scansOf(programOf(lstm)) as [DecodedInstruction];
    assert.equal(forward.body[0]!.attributes[1], 1);
  });

  it('contracts the backward map', () => {
    const [, backward] = scansOf(programOf(lstm)) as [DecodedInstruction, DecodedInstruction];
    const operations = backward.body[0]!.map!.code.map(({ operation }) => operation).filter((operation) => operation !== 'copy');
    assert.equal(operations.length, 12);
    assert.equal(operations.filter((operation) => operation === 'sigmoidGradient').length, 3);
    assert.equal(operations.filter((operation) => operation === 'tanhGradientAdd').length, 1);
  });
});

describe('the program of a recurrent train step whose loops take products over', () => {
  const compiled = (cell: Cell): DecodedProgram => decodeProgram(
    compile(graphOf(lossAndGradients(cell, sizes, prepare).values), { layouts: [], spans: { leastElements: 0, rowsAtOnce: 6 } }).bytes);
  const spanOf = ({ attributes }: DecodedInstruction): number => attributes[2]!;

  for (const [name, cell] of Object.entries({ lstm, gru, peephole })) {
    it(`computes inputs ahead and input gradients behind, and packs gate gradients as they come: ${name}`, () => {
      const program = compiled(cell);
      const [forward, backward] = scansOf(program) as [DecodedInstruction, DecodedInstruction];
      assert.deepEqual(forward.body.map(({ opcode }) => opcode), ['gemm', 'gemm', 'map']);
      assert.deepEqual(forward.body.slice(0, 2).map(spanOf), [2, 0]);
      assert.equal(countOpcodes(before(program)).gemm ?? 0, 0);
      const products = backward.body.filter(({ opcode }) => opcode === 'gemm');
      assert.deepEqual(products.map(spanOf).sort((a, b) => a - b), [-2, 0]);
      assert.ok(countOpcodes(backward.body).packStep! >= 1);
      assert.deepEqual([countOpcodes(after(program)).gemm, countOpcodes(after(program)).pack ?? 0], [2, 0]);
    });
  }
});

describe('the program of a train step with standardized products', () => {
  const [forward, backward] = scansOf(programOf(standardized)) as [DecodedInstruction, DecodedInstruction];

  it('goes through the rows of a product once, and back', () => {
    assert.deepEqual(countOpcodes(forward.body), { standardize: 5, gemm: 1, map: 2 });
    assert.deepEqual(countOpcodes(backward.body), { standardizeGradient: 5, gemm: 1, map: 2 });
  });

  it('lets a thread take rows through all steps', () => {
    for (const scan of [forward, backward]) assert.deepEqual(scan.attributes.slice(2, 4), [1, sizes.rows]);
  });

  it('writes over what it has read for the last time', () => {
    const ofState = backward.body.find(({ opcode }) => opcode === 'standardizeGradient')!;
    assert.deepEqual(ofState.operands[4], ofState.operands[0]);
  });
});

describe('the program of a language model\'s train step', () => {
  const model = { steps: 12, rows: 5, vocabulary: 11, embedding: 6, units: 8, layers: 2 };
  const { graph, layouts } = trainStep(model, prepare);
  const program = decodeProgram(compile(graph, { layouts }).bytes);

  it('has two scans a layer, each with one product and one map', () => {
    const scans = scansOf(program);
    assert.equal(scans.length, 4);
    for (const { body } of scans) assert.deepEqual(countOpcodes(body), { gemm: 1, map: 1 });
  });

  it('packs weights in the prologue, and nothing else', () => {
    const prologue = program.instructions.slice(0, program.prologue);
    assert.equal(prologue.length, 10);
    assert.ok(prologue.every(({ opcode, operands }) => opcode === 'pack' && operands[0]!.space === 'storage 0'));
  });

  it('has no prologue where no store holds parameters', () => assert.equal(programOf(lstm).prologue, 0));

  it('updates parameters and moments where they lie, last of all', () => {
    const writes = program.instructions.map(({ opcode, operands, attributes }) => opcode === 'map' && operands.slice(attributes[1]).some(({ space }) => space === 'storage 0'));
    const updates = writes.filter((isUpdate) => isUpdate).length;
    assert.equal(updates, layouts[0]!.length);
    assert.ok(writes.slice(writes.indexOf(true)).every((isUpdate, i) => isUpdate || program.instructions[writes.indexOf(true) + i]!.opcode === 'map'));
  });

  it('is compiled in little time once warm', () => {
    const best = Math.min(...Array.from({ length: 30 }, () => processorTime(() => { compile(graph, { layouts }); })));
    assert.ok(best < 40, `${best} ms`);
  });

  it('takes less memory than one place for each value', () => {
    const shared = compile(graph, { layouts });
    const plain = compile(graph, { layouts, optimize: false });
    assert.ok(shared.arenaSize * 2 < plain.arenaSize, `${shared.arenaSize} of ${plain.arenaSize}`);
  });
});
