import { BpttError } from '../errors.ts';
import type { Variable } from '../graph/index.ts';
import type { RunArray, VariableStore } from '../runtime/runtime.ts';
import { findNonFinite } from './diagnosis.ts';
import type { NonFinite } from './diagnosis.ts';
import type { StepGraph } from './stepProgram.ts';

/** What a replay needs of a step. */
export type ReplayedStep = Pick<StepGraph, 'forwardLoss' | 'loss' | 'norm'>;

interface StepMemory {
  readonly inputs: Readonly<Record<string, RunArray>>;
  readonly stores: readonly VariableStore[];
}

interface Outcome {
  /** Which update it would have been, counted from 1. */
  readonly update: number;
  readonly loss: number;
  readonly gradientNorm: number;
  /** Step of the sequence that the replayed part begins with. Default 0. */
  readonly firstStep?: number;
}

function describeCause(found: NonFinite | null): string {
  if (!found) return 'replayed in float64 every number is finite, so a float32 went past its range (3.4e38)';
  if (found.variable !== null) return `"${found.variable}" held ${found.value} before the step`;
  const where = found.layer === '' ? 'in the loss' : `in layer "${found.layer}"`;
  return `first ${where}: operation "${found.operation}"${found.time === null ? '' : ` at time step ${found.time}`} gave ${found.value}`;
}

/**
 * Replays a step that was not applied and says where its numbers stopped being finite. Nothing has been written since, so the replay sees what the step saw.
 */
export async function nonFiniteError(step: ReplayedStep, { inputs, stores }: StepMemory, { update, loss, gradientNorm, firstStep = 0 }: Outcome): Promise<BpttError> {
  const variables = new Map<Variable, ArrayLike<number>>(stores.flatMap((store) => store.variables.map((owner) => [owner, store.view(owner)] as const)));
  const replayed = await findNonFinite(step.forwardLoss, [step.loss, step.norm], { inputs, variables });
  const found = replayed && { ...replayed, time: replayed.time === null ? null : replayed.time + firstStep };
  const what = Number.isFinite(loss) ? `the gradients' norm is ${gradientNorm}` : `the loss is ${loss}`;
  const received = { update, loss, gradientNorm, layer: found?.layer ?? null, operation: found?.operation ?? null, time: found?.time ?? null };
  return new BpttError('ERR_BPTT_NON_FINITE',
    `update ${update}: ${what}; ${describeCause(found)}. The update was not made. Lower the learning rate, clip gradients (clip: { globalNorm: 5 }), or look at this batch's data`,
    { expected: 'finite loss and gradients', received });
}
