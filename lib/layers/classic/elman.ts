import { elmanCell } from '../../cells/index.ts';
import { BpttError } from '../../errors.ts';
import type { Layer } from '../layer.ts';
import { recurrent, type RecurrentOptionsOf } from '../recurrent/recurrent.ts';

/** Options of `elman`: those of every recurrent layer and `activation`. */
export type ElmanOptions = RecurrentOptionsOf<typeof elmanCell.options>;

/**
 * A layer of `elmanCell`: `rnn` whose training goes one step back only, [N, T, C] → [N, T, units], or [N, units] with `output: 'last'`. Its gradient is not the derivative
 * of its loss, so that a check by differences, such as `gradientCheck`, reports that it fails. Errors as of `recurrent`, and
 * @throws ERR_BPTT_OPTION for `initialState: 'learned'`, for no gradient reaches a state.
 */
export function elman(options: ElmanOptions): Layer {
  const layer = recurrent(elmanCell, options);
  if (options.initialState !== 'learned') return layer;
  throw new BpttError('ERR_BPTT_OPTION', "elman: no gradient goes back to a state, so that initialState: 'learned' would stay zero; leave it out, or choose rnn()", { received: options.initialState });
}
