import { mapInputBase } from '../format.ts';
import type { OpcodeName } from '../format.ts';
import { resolveRegion } from '../program.ts';
import type { Instruction, Place, Region } from '../program.ts';
import { findLifetimes } from './liveness.ts';
import type { Lifetime } from './liveness.ts';
import { samePlace } from './places.ts';

/** Index of the last map instruction that reads an input, and of the first that writes an output. */
function lastRead(instruction: Instruction, input: number): number {
  return instruction.map!.code.findLastIndex(([, , ...sources]) => sources.includes(mapInputBase + input));
}

function firstWrite(instruction: Instruction, output: number): number {
  return instruction.map!.code.findIndex(([, destination]) => destination === mapInputBase + output);
}

/** Whether two places of one region are rows of the same matrix with different columns. */
function disjointColumns(a: Place, b: Place): boolean {
  const rank = a.dimensions.length;
  if (rank < 2 || b.dimensions.length !== rank || a.stepStride !== b.stepStride || a.stepShift !== b.stepShift || a.stepSlots !== b.stepSlots) return false;
  if (!a.strides.every((stride, i) => stride === b.strides[i] && (i < rank - 1 || stride === 1))) return false;
  const row = Math.min(...a.strides.slice(0, -1).filter((_, i) => a.dimensions[i]! > 1).map(Math.abs));
  const columnOf = (place: Place): number => place.offset % row;
  const sameRow = Math.floor(a.offset / row) === Math.floor(b.offset / row);
  const fits = (place: Place): boolean => columnOf(place) + place.dimensions[rank - 1]! <= row;
  const apart = columnOf(a) + a.dimensions[rank - 1]! <= columnOf(b) || columnOf(b) + b.dimensions[rank - 1]! <= columnOf(a);
  return sameRow && fits(a) && fits(b) && apart;
}

/** Whether a map may write `output` where it reads `input`: the same element, already read; or never the same. */
function mapMayAlias(instruction: Instruction, input: number, output: number): boolean {
  const read = instruction.reads[input]!;
  const write = instruction.writes[output]!;
  return samePlace(read, write) ? lastRead(instruction, input) <= firstWrite(instruction, output) : disjointColumns(read, write);
}

/** Whether the writes to `target` of this instruction may go to the memory of `source`, which it reads. */
function mayOverwrite(instruction: Instruction, source: Region, target: Region): boolean {
  const inputs = instruction.reads.map((place, i) => ({ place, i })).filter(({ place }) => resolveRegion(place.region) === source);
  const outputs = instruction.writes.map((place, j) => ({ place, j })).filter(({ place }) => resolveRegion(place.region) === target);
  if (instruction.opcode === 'map') return inputs.every(({ i }) => outputs.every(({ j }) => mapMayAlias(instruction, i, j)));
  if (instruction.opcode === 'standardize' || instruction.opcode === 'standardizeGradient') {
    return inputs.every(({ place }) => outputs.every((output) => samePlace(place, output.place)));
  }
  return instruction.opcode === 'gemm' && inputs.length === 1 && inputs[0]!.i === 2 && samePlace(inputs[0]!.place, outputs[0]!.place);
}

/** Opcodes whose results may take the place of what they read. */
const sharing: ReadonlySet<OpcodeName> = new Set(['map', 'gemm', 'standardize', 'standardizeGradient']);

/** Walks instructions in order and merges what is born into what dies. */
class Sharing {
  private readonly lifetimes: Map<Region, Lifetime>;
  private position = 0;

  constructor(instructions: readonly Instruction[]) {
    this.lifetimes = findLifetimes(instructions);
  }

  list(instructions: readonly Instruction[], scan: number | undefined): void {
    for (const instruction of instructions) {
      const { position } = this;
      this.position++;
      if (instruction.body) this.list(instruction.body, position);
      else if (sharing.has(instruction.opcode)) this.visit(instruction, position, scan);
    }
  }

  private visit(instruction: Instruction, position: number, scan: number | undefined): void {
    for (const write of instruction.writes) {
      const target = resolveRegion(write.region);
      const born = this.lifetimes.get(target);
      if (target.space !== 'arena' || target.exclusive || !born || born.first !== position || !this.isHere(born, scan)) continue;
      const source = instruction.reads.map((place) => resolveRegion(place.region)).find((region) => this.isFree(region, target, position, scan)
        && mayOverwrite(instruction, region, target));
      if (source) this.merge(source, target);
    }
  }

  /** Outside of scans order is all; within one, only what lives within a step is free when it has been read. */
  private isHere(lifetime: Lifetime, scan: number | undefined): boolean {
    return scan === undefined || lifetime.within?.begin === scan;
  }

  private isFree(source: Region, target: Region, position: number, scan: number | undefined): boolean {
    const old = this.lifetimes.get(source);
    return source !== target && source.space === 'arena' && !source.exclusive && source.size >= target.size
      && old !== undefined && old.last === position && this.isHere(old, scan);
  }

  private merge(source: Region, target: Region): void {
    const old = this.lifetimes.get(source)!;
    const born = this.lifetimes.get(target)!;
    target.mergedInto = source;
    this.lifetimes.delete(target);
    this.lifetimes.set(source, {
      first: old.first, last: born.last, begin: Math.min(old.begin, born.begin), end: Math.max(old.end, born.end), within: old.within === born.within ? old.within : undefined,
    });
  }
}

/** Lets maps and standardized rows be written over what was read for the last time, and products over what they begin with: fewer regions, less memory to walk through. */
export function shareRegions(instructions: readonly Instruction[]): void {
  new Sharing(instructions).list(instructions, undefined);
}
