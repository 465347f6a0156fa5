import { scanModes } from '../format.ts';
import { resolveRegion } from '../program.ts';
import type { Instruction, Place, Region } from '../program.ts';

/** When a region is in use, in instructions counted through the bodies of scans. */
export interface Lifetime {
  /** First and last use, as if every scan ran once. */
  first: number;
  last: number;
  /** The same widened to whole scans where the region outlives a step. */
  begin: number;
  end: number;
  /** The scan in whose body all of its uses are, at an address that does not move: it holds something within one step only. */
  within: ScanSpan | undefined;
}

interface Use {
  readonly position: number;
  /** The scan around it, if any. */
  readonly scan: ScanSpan | undefined;
  readonly moves: boolean;
}

/** The instructions of a scan: its own and those of its body. */
export interface ScanSpan {
  readonly begin: number;
  end: number;
  readonly rows: boolean;
}

class Walk {
  readonly uses = new Map<Region, Use[]>();
  private position = 0;

  list(instructions: readonly Instruction[], scan: ScanSpan | undefined): void {
    for (const instruction of instructions) {
      const { position } = this;
      this.position++;
      for (const place of [...instruction.reads, ...instruction.writes]) this.use(place, position, scan);
      if (!instruction.body) continue;
      const span: ScanSpan = { begin: position, end: position, rows: instruction.attributes[2] === scanModes.rows };
      this.list(instruction.body, span);
      span.end = this.position - 1;
    }
  }

  private use(place: Place, position: number, scan: ScanSpan | undefined): void {
    const region = resolveRegion(place.region);
    if (region.space !== 'arena') return;
    const list = this.uses.get(region);
    const use = { position, scan, moves: place.stepStride !== 0 };
    if (list) list.push(use);
    else this.uses.set(region, [use]);
  }
}

/**
 * When each arena region holds something. A region that is used in a scan and also elsewhere, or whose address moves with the step, is in use during
 * the whole scan; so is every region of a scan whose rows are split, where threads are at different steps.
 */
export function findLifetimes(instructions: readonly Instruction[]): Map<Region, Lifetime> {
  const walk = new Walk();
  walk.list(instructions, undefined);
  const lifetimes = new Map<Region, Lifetime>();
  for (const [region, uses] of walk.uses) {
    const first = uses[0]!.position;
    const last = uses[uses.length - 1]!.position;
    const { scan } = uses[0]!;
    const within = scan !== undefined && uses.every((use) => use.scan === scan && !use.moves) ? scan : undefined;
    const local = within !== undefined && !within.rows;
    const begin = local ? first : Math.min(...uses.map((use) => use.scan?.begin ?? use.position));
    const end = local ? last : Math.max(...uses.map((use) => use.scan?.end ?? use.position));
    lifetimes.set(region, { first, last, begin, end, within });
  }
  return lifetimes;
}
