import { BpttError } from '../errors.ts';
import type { ElementType } from '../graph/value.ts';
import {
  elementTypes, headerWord, instructionHeader, magic, mapHeader, mapInstructionWords, mapOperation, opcode, operandWord, operandWords, storageWords, version,
} from './format.ts';
import type { MapOperationName, OpcodeName } from './format.ts';

export interface DecodedOperand {
  /** "arena", "constants" or "storage k". */
  readonly space: string;
  readonly offset: number;
  readonly type: ElementType;
  readonly dimensions: readonly number[];
  readonly strides: readonly number[];
  readonly stepStride: number;
  readonly stepShift: number;
  readonly stepSlots: number;
}

export interface DecodedMapInstruction {
  readonly operation: MapOperationName;
  readonly destination: number;
  readonly sources: readonly [number, number, number];
}

export interface DecodedInstruction {
  readonly opcode: OpcodeName;
  readonly operands: readonly DecodedOperand[];
  /** The words after the operands. */
  readonly attributes: readonly number[];
  readonly map: { readonly constants: readonly number[]; readonly registers: number; readonly code: readonly DecodedMapInstruction[] } | undefined;
  readonly body: readonly DecodedInstruction[];
}

export interface DecodedProgram {
  readonly arenaSize: number;
  readonly storages: readonly { readonly size: number; readonly access: number }[];
  readonly constantWords: number;
  readonly prologue: number;
  readonly instructions: readonly DecodedInstruction[];
}

const opcodeNames = new Map<number, OpcodeName>(Object.entries(opcode).map(([name, number]) => [number, name as OpcodeName]));
const operationNames = new Map<number, MapOperationName>(Object.entries(mapOperation).map(([name, number]) => [number, name as MapOperationName]));
const typeNames = Object.keys(elementTypes) as ElementType[];
const scanAttributes = 5;
const scanBodyCount = 4;

function long(words: Int32Array, position: number): number {
  return (words[position]! >>> 0) + words[position + 1]! * 2 ** 32;
}

class Decoder {
  private readonly operands: DecodedOperand[] = [];
  private readonly words: Int32Array;

  constructor(words: Int32Array) {
    this.words = words;
  }

  program(): DecodedProgram {
    const { words } = this;
    if (words[headerWord.magic] !== magic || words[headerWord.version] !== version) {
      throw new BpttError('ERR_BPTT_PROGRAM', 'these bytes are not a program of this version', { expected: version, received: words[headerWord.version] });
    }
    const operandOffset = words[headerWord.operandOffset]!;
    for (let i = 0; i < words[headerWord.operandCount]!; i++) this.operands.push(this.operand(operandOffset + i * operandWords));
    const storageOffset = words[headerWord.storageOffset]!;
    const storages = Array.from({ length: words[headerWord.storages]! }, (_, i) => ({
      size: long(words, storageOffset + i * storageWords), access: words[storageOffset + i * storageWords + 2]!,
    }));
    const codeOffset = words[headerWord.codeOffset]!;
    return {
      arenaSize: long(words, headerWord.arenaLow), storages, constantWords: words[headerWord.constantWords]!, prologue: words[headerWord.prologue]!,
      instructions: this.instructions(codeOffset, codeOffset + words[headerWord.codeWords]!),
    };
  }

  private operand(start: number): DecodedOperand {
    const { words } = this;
    const spaceNumber = words[start + operandWord.space]!;
    const rank = words[start + operandWord.rank]!;
    return {
      space: spaceNumber === 0 ? 'arena' : spaceNumber === 1 ? 'constants' : `storage ${spaceNumber - 2}`,
      offset: long(words, start + operandWord.offsetLow),
      type: typeNames[words[start + operandWord.type]!]!,
      dimensions: [...words.subarray(start + operandWord.dimensions, start + operandWord.dimensions + rank)],
      strides: [...words.subarray(start + operandWord.strides, start + operandWord.strides + rank)],
      stepStride: long(words, start + operandWord.stepStrideLow),
      stepShift: words[start + operandWord.stepShift]!,
      stepSlots: words[start + operandWord.stepSlots]!,
    };
  }

  private instructions(begin: number, end: number): DecodedInstruction[] {
    const list: DecodedInstruction[] = [];
    for (let position = begin; position < end; position += this.words[position + 1]!) list.push(this.instruction(position));
    return list;
  }

  private instruction(position: number): DecodedInstruction {
    const { words } = this;
    const name = opcodeNames.get(words[position]!);
    if (!name) throw new BpttError('ERR_BPTT_PROGRAM', `unknown opcode ${words[position]} at word ${position}`, { received: words[position] });
    const end = position + words[position + 1]!;
    const attributeStart = position + instructionHeader + words[position + 2]!;
    const attributeEnd = name === 'scan' ? attributeStart + scanAttributes : end;
    const attributes = [...words.subarray(attributeStart, attributeEnd)];
    const body = name === 'scan' ? this.instructions(attributeEnd, end) : [];
    if (name === 'scan' && body.length !== attributes[scanBodyCount]) {
      throw new BpttError('ERR_BPTT_PROGRAM', `the scan at word ${position} counts ${attributes[scanBodyCount]} instructions and holds ${body.length}`);
    }
    return {
      opcode: name, attributes, body,
      operands: [...words.subarray(position + instructionHeader, attributeStart)].map((number) => this.operands[number]!),
      map: name === 'map' ? this.map(attributes[0]!) : undefined,
    };
  }

  private map(entry: number): DecodedInstruction['map'] {
    const { words } = this;
    const start = words[headerWord.mapOffset]! + entry;
    const count = words[start]!;
    const constantCount = words[start + 1]!;
    const constantStart = start + mapHeader;
    const codeStart = constantStart + constantCount;
    const code = Array.from({ length: count }, (_, i): DecodedMapInstruction => {
      const at = codeStart + i * mapInstructionWords;
      return { operation: operationNames.get(words[at]!)!, destination: words[at + 1]!, sources: [words[at + 2]!, words[at + 3]!, words[at + 4]!] };
    });
    return { constants: [...words.subarray(constantStart, codeStart)], registers: words[start + 2]!, code };
  }
}

/**
 * Reads a program back into structures: for tests and debugging. The engine has its own decoder, which trusts nothing.
 * @throws ERR_BPTT_PROGRAM when the bytes are not a program of this version.
 */
export function decodeProgram(bytes: ArrayBuffer): DecodedProgram {
  return new Decoder(new Int32Array(bytes)).program();
}
