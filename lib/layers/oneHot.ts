import { requireInteger } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import { oneHot as oneHotVectors } from '../graph/index.ts';
import { defineLayer, layerLabel, tokenInput, type LayerOptions } from './define.ts';
import { tokenCount } from './embedding.ts';
import type { Layer } from './layer.ts';
import { zeroPadding } from './masking.ts';
import { registerLayer } from './registry.ts';

export interface OneHotOptions extends LayerOptions {
  /** Features of each vector; default the number of tokens that the input declares. */
  readonly depth?: number | undefined;
}

/**
 * A vector per token with 1 at the token's place and 0 elsewhere: int32 [N, T] → [N, T, depth] or int32 [N] → [N, depth].
 * @throws ERR_BPTT_RANGE for the depth; when built, ERR_BPTT_TYPE for features and ERR_BPTT_OPTION when the number of tokens is not known.
 */
export function oneHot(options: OneHotOptions = {}): Layer {
  checkOptions('oneHot', options, ['name', 'depth']);
  if (options.depth !== undefined) requireInteger('oneHot', 'depth', options.depth, 1);
  return defineLayer('oneHot', options, (scope, ...inputs) => {
    const label = layerLabel('oneHot', scope);
    const signal = tokenInput(label, inputs);
    return zeroPadding({ value: oneHotVectors(signal.value, tokenCount(label, 'depth', options.depth, signal)), time: signal.time, lengths: signal.lengths });
  }, { rowwise: true, readsTokens: true });
}

registerLayer('oneHot', oneHot);
