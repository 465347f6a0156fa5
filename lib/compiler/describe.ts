import { decodeProgram } from './decode.ts';
import type { DecodedInstruction, DecodedOperand } from './decode.ts';
import { mapConstantBase, mapInputBase, mapWrittenBase } from './format.ts';

const typeLetters = { float32: 'f', int32: 'i', bool: 'b' } as const;
const attributeNames: Partial<Record<DecodedInstruction['opcode'], readonly string[]>> = {
  gemm: ['depth', 'initial', 'span'], reduce: ['kind', 'reduced'], softmax: ['kind'], random: ['distribution', 'stream'], scan: ['steps', 'reverse', 'mode', 'rows'],
};
const floatView = new Float32Array(1);
const bitsView = new Int32Array(floatView.buffer);

function isContiguous(operand: DecodedOperand): boolean {
  let expected = 1;
  for (let i = operand.dimensions.length - 1; i >= 0; i--) {
    if (operand.dimensions[i] !== 1 && operand.strides[i] !== expected) return false;
    expected *= operand.dimensions[i]!;
  }
  return true;
}

function describeOperand(operand: DecodedOperand): string {
  const strides = isContiguous(operand) ? '' : `:${operand.strides.join(',')}`;
  const slot = operand.stepSlots === 0 ? `t+${operand.stepShift}` : `(t+${operand.stepShift})%${operand.stepSlots}`;
  const step = operand.stepStride === 0 ? '' : `@(${slot})*${operand.stepStride}`;
  return `${operand.space.replace('storage ', 'storage')}+${operand.offset}${step} ${typeLetters[operand.type]}[${operand.dimensions.join(',')}]${strides}`;
}

function describeSource(place: number, constants: readonly number[]): string {
  if (place >= mapWrittenBase) return `out${place - mapWrittenBase}`;
  if (place >= mapConstantBase) {
    bitsView[0] = constants[place - mapConstantBase]!;
    return String(floatView[0]);
  }
  return place >= mapInputBase ? `in${place - mapInputBase}` : `r${place}`;
}

function describeMap(instruction: DecodedInstruction, indent: string): string[] {
  const map = instruction.map;
  if (!map) return [];
  return map.code.map(({ operation, destination, sources }) => {
    const used = sources.filter((source, i) => source !== 0 || i === 0).map((source) => describeSource(source, map.constants));
    return `${indent}    ${destination >= mapInputBase ? `out${destination - mapInputBase}` : `r${destination}`} = ${operation} ${used.join(' ')}`;
  });
}

function describeInstruction(instruction: DecodedInstruction, number: string, indent: string): string[] {
  const names = attributeNames[instruction.opcode] ?? [];
  const attributes = names.map((name, i) => ` ${name}=${instruction.attributes[i]}`).join('');
  const lines = [`${indent}${number} ${instruction.opcode}${attributes}`];
  const inputs = instruction.opcode === 'map' ? instruction.attributes[1]! : instruction.operands.length;
  instruction.operands.forEach((operand, i) => lines.push(`${indent}    ${i < inputs ? ' ' : '>'} ${describeOperand(operand)}`));
  lines.push(...describeMap(instruction, indent));
  instruction.body.forEach((inner, i) => lines.push(...describeInstruction(inner, `${number}.${i}`, `${indent}  `)));
  return lines;
}

/**
 * A program as text, one instruction with its operands after the other: for tests and debugging.
 * @throws ERR_BPTT_PROGRAM when the bytes are not a program of this version.
 */
export function describeProgram(bytes: ArrayBuffer): string {
  const program = decodeProgram(bytes);
  const lines = [
    `arena ${program.arenaSize}, constants ${program.constantWords}, prologue ${program.prologue}`,
    ...program.storages.map(({ size, access }, i) => `storage${i}: ${size} elements, access ${access}`),
  ];
  program.instructions.forEach((instruction, i) => lines.push(...describeInstruction(instruction, String(i), '')));
  return `${lines.join('\n')}\n`;
}

/** How many instructions of each opcode a list holds, scan bodies not included. */
export function countOpcodes(instructions: readonly DecodedInstruction[]): Partial<Record<DecodedInstruction['opcode'], number>> {
  const counts: Partial<Record<DecodedInstruction['opcode'], number>> = {};
  for (const { opcode } of instructions) counts[opcode] = (counts[opcode] ?? 0) + 1;
  return counts;
}
