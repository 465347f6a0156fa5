import { BpttError, checkOptions, describe, nearest } from '../errors.ts';
import { adam, adamw, nadam } from './adaptive.ts';
import type { Optimizer } from './optimizer.ts';
import { adadelta, adagrad, rmsprop, sgd } from './plain.ts';

const factories: Readonly<Record<string, (options: never) => Optimizer>> = { sgd, rmsprop, adagrad, adadelta, adam, adamw, nadam };

/** Makes an optimizer again from { kind, options }. @throws ERR_BPTT_FORMAT for an unknown kind. */
export function optimizerFromDescription(description: { readonly kind: string; readonly options?: Readonly<Record<string, unknown>> | undefined }): Optimizer {
  checkOptions('optimizer description', description, ['kind', 'options']);
  const { kind, options = {} } = description;
  if (typeof kind === 'string' && Object.hasOwn(factories, kind)) return factories[kind]!(options as never);
  const hint = typeof kind === 'string' ? nearest(kind, Object.keys(factories)) : undefined;
  throw new BpttError('ERR_BPTT_FORMAT', `unknown optimizer ${describe(kind)}${hint ? `; did you mean "${hint}"?` : ''} (optimizers: ${Object.keys(factories).join(', ')})`,
    { expected: Object.keys(factories), received: kind });
}
