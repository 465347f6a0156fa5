import type { Block } from './block.ts';
import { emitNode, requestParts } from './kernels.ts';
import { emitScan, planScan } from './scans.ts';
import type { ScanPlan } from './scans.ts';
import type { Unit } from './units.ts';

const plans = new WeakMap<Block, Map<Unit, ScanPlan>>();

function isScan(unit: Unit): boolean {
  return unit.kind === 'node' && unit.nodes[0]!.operation === 'scan';
}

/** From the last unit to the first: those that want their inputs in a certain place ask for it. The roots have been asked for already. */
export function requestAll(block: Block): void {
  const ofBlock = new Map<Unit, ScanPlan>();
  plans.set(block, ofBlock);
  for (const unit of [...block.units].reverse()) {
    if (isScan(unit)) ofBlock.set(unit, planScan(block, unit));
    else if (block.options.optimize) requestParts(block, unit);
  }
}

/** Writes the instructions of a block's units in order. */
export function emitUnits(block: Block): void {
  for (const unit of block.units) {
    const plan = plans.get(block)?.get(unit);
    if (block.adopted.has(unit)) continue;
    if (plan) emitScan(block, unit, plan);
    else if (unit.kind === 'map') block.emitMapUnit(unit);
    else emitNode(block, unit);
  }
}
