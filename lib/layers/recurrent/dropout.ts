import { requireBoolean } from '../../checks.ts';
import type { Cell } from '../../cells/index.ts';
import { BpttError, checkOptions } from '../../errors.ts';
import { requireRate } from '../dropout.ts';

/** Rates of dropout by place, each from 0 up to but not including 1; all of them 0 unless they say otherwise. They act while training only, zoneout apart. */
export interface RecurrentDropout {
  /** On what enters the first layer. */
  readonly input?: number | undefined;
  /** On what leaves the last layer. */
  readonly output?: number | undefined;
  /** On what one stacked layer hands to the next; default as output. */
  readonly between?: number | undefined;
  /** On what enters the recurrent products; the states themselves are never touched. With `variational`, the recurrent dropout of Gal and Ghahramani. */
  readonly recurrent?: number | undefined;
  /** On what a step would add to the cell: S. Semeniuta, A. Severyn and E. Barth, "Recurrent dropout without memory loss", arXiv:1603.05118 (2016). */
  readonly candidate?: number | undefined;
  /**
   * On the recurrent weights, one mask for all rows and steps of a run: the weight-drop of S. Merity, N. Keskar and R. Socher, "Regularizing and optimizing
   * LSTM language models", arXiv:1708.02182 (2017).
   */
  readonly recurrentWeight?: number | undefined;
  /**
   * How likely a unit of a state keeps its value at a step, by state ({ h: 0.05, c: 0.5 }) or one number for all: D. Krueger et al., "Zoneout: regularizing RNNs by
   * randomly preserving hidden activations", arXiv:1606.01305 (2016). Units are drawn anew at each step; outside of training the state is the mean of both
   * outcomes, so that it is no dropout that inference leaves alone.
   */
  readonly zoneout?: number | Readonly<Record<string, number>> | undefined;
  /**
   * One mask for all steps of a row (Y. Gal and Z. Ghahramani, arXiv:1512.05287) instead of a fresh one at each step, of input, output, between, recurrent and
   * candidate, one of which must be above 0; inside of an attention or of scheduled sampling too. Default false.
   */
  readonly variational?: boolean | undefined;
}

/** Rates checked and complete. */
export interface DropoutSettings {
  readonly input: number;
  readonly output: number;
  readonly between: number;
  readonly recurrent: number;
  readonly candidate: number;
  readonly recurrentWeight: number;
  /** By state; those left out are never kept. */
  readonly zoneout: Readonly<Record<string, number>>;
  readonly variational: boolean;
}

function readZoneout(owner: string, cell: Cell, given: NonNullable<RecurrentDropout['zoneout']>): DropoutSettings['zoneout'] {
  const states = Object.keys(cell.state);
  const place = `${owner}: dropout.zoneout`;
  if (typeof given === 'number') {
    const rate = requireRate(owner, 'dropout.zoneout', given);
    return Object.fromEntries(states.map((state) => [state, rate]));
  }
  checkOptions(place, given, states);
  for (const [state, rate] of Object.entries(given)) requireRate(owner, `dropout.zoneout.${state}`, rate);
  return given;
}

/** @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE naming the layer and the option. */
export function readDropout(owner: string, cell: Cell, given: number | RecurrentDropout): DropoutSettings {
  const none = { candidate: 0, recurrentWeight: 0, recurrent: 0, zoneout: {}, variational: false };
  if (typeof given === 'number') {
    const rate = requireRate(owner, 'dropout', given);
    return { ...none, input: rate, output: rate, between: rate };
  }
  checkOptions(`${owner}: dropout`, given, ['input', 'output', 'between', 'recurrent', 'candidate', 'recurrentWeight', 'zoneout', 'variational']);
  const { input = 0, output = 0, between = output, recurrent = 0, candidate = 0, recurrentWeight = 0, zoneout = 0, variational = false } = given;
  for (const [name, rate] of Object.entries({ input, output, between, recurrent, candidate, recurrentWeight })) requireRate(owner, `dropout.${name}`, rate);
  requireBoolean(owner, 'dropout.variational', variational);
  if (variational && [input, output, between, recurrent, candidate].every((rate) => rate === 0)) {
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: dropout.variational says how the masks of input, output, between, recurrent and candidate are drawn, and none of these rates is above 0;`
      + ' give one of them, or leave variational out', { received: given });
  }
  return { input, output, between, recurrent, candidate, recurrentWeight, zoneout: readZoneout(owner, cell, zoneout), variational };
}
