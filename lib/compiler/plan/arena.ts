import { resolveRegion } from '../program.ts';
import type { Instruction, Region } from '../program.ts';
import { findLifetimes } from './liveness.ts';
import { alignUp } from './memory.ts';

interface Placed {
  readonly offset: number;
  readonly size: number;
  readonly begin: number;
  readonly end: number;
}

/** The smallest gap that holds `size` elements among those in use at the same time. */
function bestFit(size: number, neighbours: readonly Placed[]): number {
  let best: number | undefined;
  let bestSize = Infinity;
  let free = 0;
  for (const { offset, size: taken } of neighbours) {
    const gap = offset - free;
    if (gap >= size && gap < bestSize) {
      best = free;
      bestSize = gap;
    }
    free = Math.max(free, offset + taken);
  }
  return best ?? free;
}

/**
 * Gives every arena region an offset: regions that are never in use at the same time may lie at the same place. With `reuse` false each has its own.
 * @returns the size of the arena in elements.
 */
export function layOutArena(instructions: readonly Instruction[], reuse: boolean): number {
  const placed: Placed[] = [];
  let total = 0;
  const regions = [...findLifetimes(instructions)].map(([region, { begin, end }]) => (
    reuse && !region.exclusive ? { region, begin, end } : { region, begin: 0, end: Infinity }
  ));
  regions.sort((a, b) => b.region.size - a.region.size || a.begin - b.begin);
  for (const { region, begin, end } of regions) {
    const size = alignUp(region.size);
    const neighbours = placed.filter((other) => other.begin <= end && begin <= other.end);
    region.offset = bestFit(size, neighbours);
    const entry = { offset: region.offset, size, begin, end };
    const index = placed.findIndex((other) => other.offset > entry.offset);
    placed.splice(index < 0 ? placed.length : index, 0, entry);
    total = Math.max(total, region.offset + size);
  }
  return total;
}

/** How many instructions write to each region, those in the bodies of scans too. */
function countWriters(instructions: readonly Instruction[], writers = new Map<Region, number>()): ReadonlyMap<Region, number> {
  for (const instruction of instructions) {
    for (const place of instruction.writes) {
      const region = resolveRegion(place.region);
      writers.set(region, (writers.get(region) ?? 0) + 1);
    }
    if (instruction.body) countWriters(instruction.body, writers);
  }
  return writers;
}

/** What the prologue writes: packed parameters and what they are packed from. Moves those instructions to the front. */
export function splitPrologue(instructions: readonly Instruction[]): { readonly instructions: Instruction[]; readonly prologue: number } {
  const writers = countWriters(instructions);
  const ready = new Map<Region, Instruction>();
  const isReady = (region: Region): boolean => region.space === 'constants' || (region.space === 'storage' && region.storage === 0) || ready.has(region);
  for (const instruction of instructions) {
    const reads = instruction.reads.map((place) => resolveRegion(place.region));
    const writes = instruction.writes.map((place) => resolveRegion(place.region));
    const alone = writes.every((region) => region.space === 'arena' && writers.get(region) === 1);
    if (!instruction.body && reads.length > 0 && alone && reads.every(isReady)) for (const region of writes) ready.set(region, instruction);
  }
  const chosen = new Set<Instruction>();
  const choose = (instruction: Instruction): void => {
    if (chosen.has(instruction)) return;
    chosen.add(instruction);
    for (const place of instruction.reads) {
      const maker = ready.get(resolveRegion(place.region));
      if (maker) choose(maker);
    }
  };
  for (const instruction of new Set(ready.values())) if (instruction.opcode === 'pack') choose(instruction);
  for (const instruction of chosen) for (const place of instruction.writes) resolveRegion(place.region).exclusive = true;
  const first = instructions.filter((instruction) => chosen.has(instruction));
  return { instructions: [...first, ...instructions.filter((instruction) => !chosen.has(instruction))], prologue: first.length };
}
