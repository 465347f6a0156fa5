import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as format from '../../lib/compiler/format.ts';

const header = readFileSync(new URL('../../native/engine/format.h', import.meta.url), 'utf8');
const documentation = readFileSync(new URL('../../docs/program-format.md', import.meta.url), 'utf8');

/** The number that the C++ header gives a name. */
function numberOf(name: string): number {
  const found = new RegExp(`\\b${name}\\s*=\\s*(0x[0-9a-f]+|\\d+)`, 'i').exec(header);
  assert.ok(found, `${name} is not in native/engine/format.h`);
  return Number(found[1]);
}

/** "offsetLow" with the prefix "operand": "operandOffsetLow". */
function prefixed(prefix: string, name: string): string {
  return prefix + name[0]!.toUpperCase() + name.slice(1);
}

describe('the numbers of the program format', () => {
  it('are those of the C++ header', () => {
    assert.equal(format.magic, numberOf('magic'));
    assert.equal(format.version, numberOf('version'));
    for (const name of ['headerWords', 'storageWords', 'operandWords', 'maximumRank', 'packedColumns', 'instructionHeader', 'mapHeader', 'mapInstructionWords', 'mapInputBase', 'mapConstantBase', 'mapWrittenBase'] as const) {
      assert.equal(format[name], numberOf(name), name);
    }
  });

  it('name the same words of header and operands', () => {
    const aliases: Record<string, string> = { storages: 'headerStorages' };
    for (const [name, word] of Object.entries(format.headerWord)) assert.equal(word, numberOf(aliases[name] ?? prefixed('header', name)), name);
    for (const [name, word] of Object.entries(format.operandWord)) assert.equal(word, numberOf(prefixed('operand', name)), name);
    for (const [name, bits] of Object.entries(format.access)) assert.equal(bits, numberOf(prefixed('access', name)), name);
  });

  it('name the same opcodes and types', () => {
    const body = /enum class Opcode[^{]*\{([^}]*)\}/.exec(header)![1]!;
    const opcodes = Object.fromEntries([...body.matchAll(/(\w+) = (\d+)/g)].map((match): [string, number] => [match[1]!, Number(match[2])]));
    assert.deepEqual({ ...format.opcode }, opcodes);
    assert.equal(format.elementTypes.float32, numberOf('float32'));
    assert.equal(format.elementTypes.int32, numberOf('int32'));
    assert.equal(format.elementTypes.bool, numberOf('boolean'));
    assert.equal(format.space.arena, numberOf('spaceArena'));
    assert.equal(format.space.constants, numberOf('spaceConstants'));
    assert.equal(format.space.firstStorage, numberOf('spaceFirstStorage'));
  });

  it('keep within the limits of a map', () => {
    assert.equal(format.mapLimits.inputs, numberOf('maximumInputs'));
    assert.equal(format.mapLimits.outputs, numberOf('maximumOutputs'));
    assert.equal(format.mapLimits.registers, numberOf('maximumRegisters'));
    assert.equal(format.mapLimits.constants, numberOf('maximumConstants'));
    assert.equal(format.mapLimits.instructions, numberOf('maximumMapInstructions'));
    assert.equal(Object.keys(format.mapOperation).length, numberOf('mapOperations'));
  });

  it('number map operations as the documentation does', () => {
    const rows = [...documentation.matchAll(/\|\s*(\d+)\s*\|\s*([a-zA-Z]+)/g)].filter(([, , name]) => name! in format.mapOperation);
    assert.equal(rows.length, Object.keys(format.mapOperation).length);
    for (const [, number, name] of rows) assert.equal(format.mapOperation[name as format.MapOperationName], Number(number), name);
  });
});
