import { requireInteger } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { gather } from '../graph/index.ts';
import { defineLayer, layerLabel, tokenInput, type LayerOptions } from './define.ts';
import { asInitializer, uniform, type InitializerLike } from './initializers/index.ts';
import type { Layer, Signal } from './layer.ts';
import { zeroPadding } from './masking.ts';
import { registerLayer } from './registry.ts';

export interface EmbeddingOptions extends LayerOptions {
  /** Features of each token's vector. */
  readonly size: number;
  /** How many different tokens there are; needed only when the model's input does not say. */
  readonly tokens?: number | undefined;
  /** Default uniform within ±0.05. */
  readonly initializer?: InitializerLike | undefined;
}

/** The number of different tokens: the option, else what the input declares. @throws ERR_BPTT_OPTION when neither says or the input has more. */
export function tokenCount(label: string, optionName: string, given: number | undefined, signal: Signal): number {
  if (given === undefined && signal.tokens === undefined) {
    throw new BpttError('ERR_BPTT_OPTION', `${label}: expected to know how many tokens there are; declare the input with { tokens } or a vocabulary, or give the option ${optionName}`,
      { expected: optionName });
  }
  if (given !== undefined && signal.tokens !== undefined && signal.tokens > given) {
    throw new BpttError('ERR_BPTT_OPTION', `${label}: expected ${optionName} of at least ${signal.tokens}, which the input declares, received ${given}; leave the option out`,
      { expected: signal.tokens, received: given });
  }
  return given ?? signal.tokens!;
}

/**
 * A learned vector per token: the row of a table [tokens, size], the same as a one-hot vector times that table. Its gradient reaches only the rows used, and plain
 * `sgd` updates no others.
 *
 * int32 [N, T] → [N, T, size] or int32 [N] → [N, size].
 * @throws ERR_BPTT_RANGE for sizes; when built, ERR_BPTT_TYPE for features and ERR_BPTT_OPTION when the number of tokens is not known.
 */
export function embedding(options: EmbeddingOptions): Layer {
  checkOptions('embedding', options, ['name', 'size', 'tokens', 'initializer']);
  const size = requireInteger('embedding', 'size', options.size, 1);
  if (options.tokens !== undefined) requireInteger('embedding', 'tokens', options.tokens, 1);
  const initializer = asInitializer('embedding: initializer', options.initializer ?? uniform());
  return defineLayer('embedding', options, (scope, ...inputs) => {
    const label = layerLabel('embedding', scope);
    const signal = tokenInput(label, inputs);
    const table = scope.parameter('weight', [tokenCount(label, 'tokens', options.tokens, signal), size], { group: 'embedding', initializer });
    return zeroPadding({ value: gather(table, signal.value), time: signal.time, lengths: signal.lengths });
  }, { rowwise: true, readsTokens: true });
}

registerLayer('embedding', embedding);
