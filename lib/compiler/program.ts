import type { ElementType } from '../graph/value.ts';
import type { OpcodeName } from './format.ts';

/** A stretch of memory. Arena regions get their offset when the arena is laid out; the others have it from the start. */
export interface Region {
  readonly id: number;
  readonly space: 'arena' | 'constants' | 'storage';
  /** Which storage, where `space` is "storage". */
  readonly storage: number;
  /** In elements. */
  readonly size: number;
  /** First element within the space. */
  offset: number;
  /** Set when this region was merged into another one and lives at its address. */
  mergedInto: Region | undefined;
  /** Never shares memory with another region: what the prologue writes. */
  exclusive: boolean;
}

/** Where a value lies: an operand before it has a number. Strides count elements; inside a scan the address moves with the step. */
export interface Place {
  readonly region: Region;
  readonly offset: number;
  readonly type: ElementType;
  readonly dimensions: readonly number[];
  readonly strides: readonly number[];
  readonly stepStride: number;
  readonly stepShift: number;
  /** 0: the slot is t + shift; else (t + shift) mod slots. */
  readonly stepSlots: number;
}

/** Bytecode of one map, as the map table holds it. */
export interface MapEntry {
  readonly constants: readonly number[];
  readonly registers: number;
  readonly code: readonly (readonly [operation: number, destination: number, a: number, b: number, c: number])[];
}

export interface Instruction {
  readonly opcode: OpcodeName;
  readonly reads: readonly Place[];
  readonly writes: readonly Place[];
  /** The words after the operands; a map's entry number is put in when the table is made. */
  readonly attributes: readonly number[];
  readonly map?: MapEntry;
  /** Of a scan. */
  readonly body?: readonly Instruction[];
  /** Layer that it came from: errors name it. */
  readonly scope: string;
  /** How many indices are valid, where the instruction checks them. */
  readonly indexLimit?: number;
}

/** What an error message needs to know of a top-level instruction. */
export interface InstructionNote {
  readonly opcode: OpcodeName;
  readonly scope: string;
  readonly indexLimit: number | undefined;
}

/** One storage as the program sees it. */
export interface StorageNeed {
  readonly size: number;
  readonly read: boolean;
  readonly written: boolean;
}

/** Everything that is encoded. */
export interface Program {
  readonly storages: readonly StorageNeed[];
  readonly arenaSize: number;
  readonly constants: Int32Array;
  readonly instructions: readonly Instruction[];
  readonly prologue: number;
}

let nextRegion = 1;

export function makeRegion(space: Region['space'], size: number, storage = 0, offset = 0): Region {
  return { id: nextRegion++, space, storage, size, offset, mergedInto: undefined, exclusive: false };
}

/** The region whose address this one has. */
export function resolveRegion(region: Region): Region {
  let current = region;
  while (current.mergedInto) current = current.mergedInto;
  return current;
}

/** Operands in the order of the format: what is read, then what is written; a product's initial operand comes last. */
export function operandsOf(instruction: Instruction): readonly Place[] {
  if (instruction.opcode === 'gemm' && instruction.reads.length === 3) {
    return [instruction.reads[0]!, instruction.reads[1]!, instruction.writes[0]!, instruction.reads[2]!];
  }
  return [...instruction.reads, ...instruction.writes];
}
