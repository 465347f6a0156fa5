import { elementCount } from '../../graph/value.ts';
import { resolveRegion } from '../program.ts';
import type { Instruction, Region } from '../program.ts';

/** When products pack their right operands themselves, piece by piece, instead of reading what was packed before. */
export interface PackingSettings {
  /** Right operands of fewer elements are packed before: their packed form stays in the cache. */
  readonly leastElements: number;
  /**
   * Products that a loop could take over stay outside of it, and pack, where their right operands have this many elements at least and their results this
   * many rows at most, over all steps: there packing costs more than results that leave the cache.
   */
  readonly outsideLoops: { readonly leastElements: number; readonly mostRows: number };
}

export const defaultPacking: PackingSettings = { leastElements: 192 * 1024, outsideLoops: { leastElements: 512 * 1024, mostRows: 1024 } };

/** How often each region is read, in loops too. */
function countReads(instructions: readonly Instruction[]): Map<Region, number> {
  const counts = new Map<Region, number>();
  const visit = ({ reads, body }: Instruction): void => {
    for (const { region } of reads) counts.set(resolveRegion(region), (counts.get(resolveRegion(region)) ?? 0) + 1);
    body?.forEach(visit);
  };
  instructions.forEach(visit);
  return counts;
}

function writesTo({ writes, body }: Instruction, region: Region): boolean {
  return writes.some((place) => resolveRegion(place.region) === region) || (body?.some((inner) => writesTo(inner, region)) ?? false);
}

/**
 * Joins each large matrix that is packed for one product alone, outside of loops, with that product, which then packs a piece at a time. The `prologue` first instructions
 * stay as they are.
 */
export function packInProducts(instructions: readonly Instruction[], { leastElements }: PackingSettings, prologue: number): Instruction[] {
  const counts = countReads(instructions);
  const packOf = new Map<Instruction, Instruction>();
  instructions.forEach((pack, begin) => {
    const [source] = pack.reads;
    if (begin < prologue || pack.opcode !== 'pack' || source!.dimensions.length !== 2 || elementCount(source!.dimensions) < leastElements) return;
    const packed = resolveRegion(pack.writes[0]!.region);
    const end = instructions.findIndex(({ opcode, reads: [, right] }) => opcode === 'gemm' && resolveRegion(right!.region) === packed);
    if (end < begin || counts.get(packed) !== 1) return;
    const matrix = resolveRegion(source!.region);
    if (!instructions.slice(begin, end).some((instruction) => writesTo(instruction, matrix))) packOf.set(instructions[end]!, pack);
  });
  const joined = new Set(packOf.values());
  return instructions.filter((instruction) => !joined.has(instruction)).map((instruction) => {
    const [left, , ...rest] = instruction.reads;
    const pack = packOf.get(instruction);
    return pack ? { ...instruction, reads: [left!, pack.reads[0]!, ...rest] } : instruction;
  });
}
