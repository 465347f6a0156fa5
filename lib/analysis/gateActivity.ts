import { checkOptions } from '../errors.ts';
import { requireNumber, wrongType } from '../checks.ts';
import type { Output } from '../data/tensor.ts';
import type { InputData } from '../model/door.ts';
import type { Model } from '../model/index.ts';
import { inspectGates } from './gates.ts';
import type { GateInspection, InspectGatesOptions } from './gates.ts';
import { requireModel } from './inside.ts';

export interface GateActivityOptions extends InspectGatesOptions {
  /** From where on a gate is open, and 1 − it is where it is closed; default 0.9. */
  readonly threshold?: number | undefined;
}

/** How one gate is used: shares of all valid steps and rows, each from 0 to 1. */
export interface GateUse {
  /** At or above the threshold. */
  readonly open: number;
  /** At or below 1 − threshold; of a gate from −1 to 1 at or below −threshold: saturated on the other side. */
  readonly closed: number;
  readonly mean: number;
  /** open and closed by unit, [H] each. */
  readonly openByUnit: Float64Array;
  readonly closedByUnit: Float64Array;
  /** Whether its values go below 0, as those of tanh do. */
  readonly signed: boolean;
}

export interface GateActivity {
  readonly kind: 'gateActivity';
  readonly layer: string;
  readonly threshold: number;
  readonly gates: Readonly<Record<string, GateUse>>;
}

function useOf(gate: Output, threshold: number): GateUse {
  const [rows, steps, units] = gate.shape as [number, number, number];
  const signed = gate.data.some((value) => value < 0);
  const low = signed ? -threshold : 1 - threshold;
  const [open, closed] = [new Float64Array(units), new Float64Array(units)];
  let [count, total] = [0, 0];
  for (let row = 0; row < rows; row++) {
    const valid = gate.lengths?.[row] ?? steps;
    count += valid;
    for (let i = row * steps * units; i < (row * steps + valid) * units; i++) {
      const value = gate.data[i]!;
      total += value;
      if (value >= threshold) open[i % units]! += 1;
      if (value <= low) closed[i % units]! += 1;
    }
  }
  const [openByUnit, closedByUnit] = [open.map((seen) => seen / count), closed.map((seen) => seen / count)];
  const average = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / units;
  return { open: average(openByUnit), closed: average(closedByUnit), mean: total / (count * units), openByUnit, closedByUnit, signed };
}

/** How the gates of an inspection are used. @throws ERR_BPTT_RANGE unless the threshold lies between ½ and 1; ERR_BPTT_TYPE for what is no inspection. */
export function summarizeGates(inspection: GateInspection, threshold = 0.9): GateActivity {
  if (typeof inspection?.gates !== 'object') throw wrongType('summarizeGates', 'the first argument', 'what inspectGates() gives', inspection);
  const { layer, gates } = inspection;
  requireNumber('summarizeGates', 'threshold', threshold, 0.5, 1, true);
  return { kind: 'gateActivity', layer, threshold, gates: Object.fromEntries(Object.entries(gates).map(([name, gate]) => [name, useOf(gate, threshold)])) };
}

/**
 * How open and how saturated the gates of a recurrent layer are over data: the shares of A. Karpathy, J. Johnson and L. Fei-Fei, "Visualizing and
 * understanding recurrent networks", arXiv:1506.02078 (2015). A forget gate that is open at nearly every step is a unit that remembers.
 * @param data as for `predict`.
 * @throws (as a rejection) as `inspectGates`; ERR_BPTT_RANGE unless the threshold lies between ½ and 1.
 */
export async function gateActivity(model: Model, data: InputData, options: GateActivityOptions = {}): Promise<GateActivity> {
  checkOptions('gateActivity', options, ['layer', 'lengths', 'state', 'signal', 'threshold']);
  requireModel('gateActivity', model);
  const { threshold = 0.9, ...rest } = options;
  requireNumber('gateActivity', 'threshold', threshold, 0.5, 1, true);
  return summarizeGates(await inspectGates(model, data, rest), threshold);
}
