import { gruCell, lstmCell, rnnCell } from '../../cells/index.ts';
import type { Layer } from '../layer.ts';
import { recurrent, type RecurrentOptionsOf } from './recurrent.ts';

/** Options of `rnn`: the common ones and `activation`. */
export type RnnOptions = RecurrentOptionsOf<typeof rnnCell.options>;
/** Options of `lstm`: the common ones, `forgetBias` (1) and `projection` (0: none). */
export type LstmOptions = RecurrentOptionsOf<typeof lstmCell.options>;
/** Options of `gru`: the common ones, `reset` and `update`. */
export type GruOptions = RecurrentOptionsOf<typeof gruCell.options>;

/** A layer of the simple recurrence `rnnCell`: [N, T, C] → [N, T, units], or [N, units] with `output: 'last'`. Errors as of `recurrent`. */
export function rnn(options: RnnOptions): Layer {
  return recurrent(rnnCell, options);
}

/**
 * A layer of the long short-term memory `lstmCell`: [N, T, C] → [N, T, units], or [N, units] with `output: 'last'`; with a projection its size stands in the place of units.
 * Errors as of `recurrent`.
 */
export function lstm(options: LstmOptions): Layer {
  return recurrent(lstmCell, options);
}

/** A layer of the gated recurrent unit `gruCell`: [N, T, C] → [N, T, units], or [N, units] with `output: 'last'`. Errors as of `recurrent`. */
export function gru(options: GruOptions): Layer {
  return recurrent(gruCell, options);
}
