import { BpttError } from '../errors.ts';
import {
  access, elementTypes, headerWord, headerWords, magic, maximumRank, opcode, operandWords, space, storageWords, version,
} from './format.ts';
import { operandsOf, resolveRegion } from './program.ts';
import type { Instruction, MapEntry, Place, Program } from './program.ts';

const wordLimit = 2 ** 32;

/** What sizes and distances along one axis are at most: more would wrap around in their word. */
const mostOfAxis = 2 ** 31 - 1;

/** @throws ERR_BPTT_MEMORY for a value that is too large for the words of its operand. */
function requireAxes({ dimensions, strides }: Place): void {
  if ([...dimensions, ...strides].every((size) => Math.abs(size) <= mostOfAxis)) return;
  const elements = dimensions.reduce((product, size) => product * size, 1);
  throw new BpttError('ERR_BPTT_MEMORY', `expected values of at most ${mostOfAxis} numbers along one axis, received one of ${elements} (${((elements * 4) / 2 ** 30).toPrecision(3)} GiB); `
    + 'choose fewer units, rows or steps', { expected: mostOfAxis, received: elements });
}

/** Collects words; 64-bit numbers are split low first. */
class Words {
  readonly list: number[] = [];

  push(...words: number[]): void {
    for (const word of words) this.list.push(word);
  }

  pushLong(value: number): void {
    this.list.push(value % wordLimit, Math.floor(value / wordLimit));
  }
}

/** The operand table: equal places share a number. */
class OperandTable {
  readonly words = new Words();
  count = 0;
  private readonly numbers = new Map<string, number>();

  /** @throws ERR_BPTT_PROGRAM for a rank that the format does not hold, ERR_BPTT_MEMORY for sizes that it does not. */
  number(place: Place): number {
    const { stepSlots } = place;
    const region = resolveRegion(place.region);
    const spaceNumber = region.space === 'storage' ? space.firstStorage + region.storage : space[region.space];
    const offset = region.offset + place.offset;
    const stepShift = place.stepStride === 0 ? 0 : place.stepShift;
    const slots = place.stepStride === 0 ? 0 : stepSlots;
    const key = `${spaceNumber} ${offset} ${place.type} ${place.dimensions.join()} ${place.strides.join()} ${place.stepStride} ${stepShift} ${slots}`;
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const rank = place.dimensions.length;
    if (rank > maximumRank) {
      throw new BpttError('ERR_BPTT_PROGRAM', `a value of rank ${rank} has no place in a program (at most ${maximumRank})`, { expected: maximumRank, received: rank });
    }
    this.words.push(spaceNumber);
    this.words.pushLong(offset);
    this.words.push(elementTypes[place.type], rank);
    requireAxes(place);
    for (let i = 0; i < maximumRank; i++) this.words.push(place.dimensions[i] ?? 1);
    for (let i = 0; i < maximumRank; i++) this.words.push(place.strides[i] ?? 0);
    this.words.pushLong(place.stepStride);
    this.words.push(stepShift, slots);
    while (this.words.list.length % operandWords !== 0) this.words.push(0);
    this.numbers.set(key, this.count);
    return this.count++;
  }
}

/** The map table: equal entries share a number, which is their word offset. */
class MapTable {
  readonly words = new Words();
  private readonly numbers = new Map<string, number>();

  number(entry: MapEntry): number {
    const words = [entry.code.length, entry.constants.length, entry.registers, ...entry.constants, ...entry.code.flat()];
    const key = words.join();
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const offset = this.words.list.length;
    this.words.push(...words);
    this.numbers.set(key, offset);
    return offset;
  }
}

function encodeInstruction(instruction: Instruction, operands: OperandTable, maps: MapTable, code: Words): void {
  const start = code.list.length;
  const numbers = operandsOf(instruction).map((place) => operands.number(place));
  code.push(opcode[instruction.opcode], 0, numbers.length, ...numbers);
  if (instruction.map) code.push(maps.number(instruction.map));
  code.push(...instruction.attributes);
  for (const inner of instruction.body ?? []) encodeInstruction(inner, operands, maps, code);
  code.list[start + 1] = code.list.length - start;
}

function writeHeader(words: Int32Array, program: Program, sizes: { operands: number; maps: number; code: number; operandCount: number }): void {
  const storageOffset = headerWords;
  const operandOffset = storageOffset + program.storages.length * storageWords;
  const mapOffset = operandOffset + sizes.operands;
  const codeOffset = mapOffset + sizes.maps;
  const header: Record<keyof typeof headerWord, number> = {
    magic, version, totalWords: words.length, storages: program.storages.length,
    arenaLow: program.arenaSize % wordLimit, arenaHigh: Math.floor(program.arenaSize / wordLimit),
    operandOffset, operandCount: sizes.operandCount, mapOffset, mapWords: sizes.maps, codeOffset, codeWords: sizes.code,
    constantOffset: codeOffset + sizes.code, constantWords: program.constants.length, storageOffset, storageCount: program.storages.length, prologue: program.prologue,
  };
  for (const [name, position] of Object.entries(headerWord)) words[position] = header[name as keyof typeof headerWord];
}

/**
 * The program as one buffer of words: the boundary between compiler and engine.
 * @throws ERR_BPTT_PROGRAM for an operand of more than six dimensions, ERR_BPTT_MEMORY for one of more than 2³¹ − 1 numbers along an axis.
 */
export function encodeProgram(program: Program): ArrayBuffer {
  const operands = new OperandTable();
  const maps = new MapTable();
  const code = new Words();
  for (const instruction of program.instructions) encodeInstruction(instruction, operands, maps, code);
  const storages = new Words();
  for (const { size, read, written } of program.storages) {
    storages.pushLong(size);
    storages.push((read ? access.read : 0) + (written ? access.write : 0));
  }
  const sections = [storages.list, operands.words.list, maps.words.list, code.list, program.constants];
  const words = new Int32Array(sections.reduce((total, section) => total + section.length, headerWords));
  writeHeader(words, program, { operands: operands.words.list.length, maps: maps.words.list.length, code: code.list.length, operandCount: operands.count });
  let position = headerWords;
  for (const section of sections) {
    words.set(section, position);
    position += section.length;
  }
  return words.buffer;
}

