import type { CellSpecification } from '../../cells/index.ts';
import { BpttError } from '../../errors.ts';
import { add, cast, less, multiply, random, subtract, type Shape, type Value } from '../../graph/index.ts';
import { layerLabel } from '../define.ts';
import { dropoutMask } from '../dropout.ts';
import type { Scope } from '../layer.ts';
import type { DropoutSettings } from './dropout.ts';

/** What a recurrence is multiplied or mixed with. All of it is drawn before the loop. */
export interface Masks {
  /** [T, N, size], a part for each step. */
  readonly scanned: Readonly<Record<string, Value>>;
  /** [N, size], the same at each step; or a number that a state is mixed by. */
  readonly constant: Readonly<Record<string, Value | number>>;
}

export const recurrentMask = 'recurrentMask';
export const candidateMask = 'candidateMask';
export const zoneoutMask = (state: string): string => `${state}_zoneout`;

/** @throws ERR_BPTT_OPTION for a rate whose place the cell does not have. */
function checkPlaces(scope: Scope, { cell, recurrentSize, candidate }: CellSpecification, dropout: DropoutSettings): void {
  const label = layerLabel(cell.name, scope);
  const name = dropout.recurrent > 0 ? 'recurrent' : 'recurrentWeight';
  if (recurrentSize === undefined && dropout[name] > 0) {
    throw new BpttError('ERR_BPTT_OPTION', `${label}: dropout.${name} acts where a state is multiplied with recurrent weights, and the cell has none; leave it out`, { received: name });
  }
  if (candidate || dropout.candidate === 0) return;
  throw new BpttError('ERR_BPTT_OPTION', `${label}: dropout.candidate acts on what the equations mark by candidate(…), and those of the cell "${cell.name}" mark nothing; use recurrent or zoneout`,
    { received: 'candidate' });
}

/** Draws the masks of one recurrence over T steps of N rows. */
export function drawMasks(scope: Scope, specification: CellSpecification, dropout: DropoutSettings, [steps, rows]: readonly number[]): Masks {
  checkPlaces(scope, specification, dropout);
  const scanned: Record<string, Value> = {};
  const constant: Record<string, Value | number> = {};
  const drop = (name: string, rate: number, size: number): void => {
    if (!scope.training || rate === 0) return;
    if (dropout.variational) constant[name] = dropoutMask(scope, rate, [rows!, size], 'run');
    else scanned[name] = dropoutMask(scope, rate, [steps!, rows!, size], 'step');
  };
  drop(recurrentMask, dropout.recurrent, specification.recurrentSize ?? 0);
  drop(candidateMask, dropout.candidate, specification.units);
  for (const [state, rate] of Object.entries(dropout.zoneout)) {
    if (rate === 0) continue;
    if (scope.training) scanned[zoneoutMask(state)] = keptMask(scope, rate, [steps!, rows!, specification.state[state]!]);
    else constant[zoneoutMask(state)] = rate;
  }
  return { scanned, constant };
}

/** 1 for a share of `rate`, else 0. */
function keptMask(scope: Scope, rate: number, shape: Shape): Value {
  return cast(less(random(scope.randomKey(), shape, { distribution: 'uniform', stream: 0 }), rate), 'float32');
}

/** Zoneout of one state: its old value where `kept` is 1, its new one where that is 0, between them what lies between. */
export function zoneout(kept: Value | number, before: Value, after: Value): Value {
  return add(multiply(kept, before), multiply(subtract(1, kept), after));
}

/** The weights of a recurrence while training: those of the recurrent products with a share of their elements dropped, the same ones at every step. */
export function dropWeights(scope: Scope, { recurrentWeight }: DropoutSettings, weights: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  const weight = weights['weight_hh'];
  if (!scope.training || recurrentWeight === 0 || !weight) return weights;
  return { ...weights, weight_hh: multiply(weight, dropoutMask(scope, recurrentWeight, weight.shape, 'run')) };
}
