import { BpttError, checkOptions, describe, nearest } from '../errors.ts';
import { crossEntropy } from './crossEntropy.ts';
import { absoluteError, binaryCrossEntropy, huber, squaredError } from './elementwise.ts';
import type { Loss } from './loss.ts';

const factories: Readonly<Record<string, (options: never) => Loss>> = { crossEntropy, binaryCrossEntropy, squaredError, absoluteError, huber };

/** Makes a loss again from { kind, options }. @throws ERR_BPTT_FORMAT for an unknown kind. */
export function lossFromDescription(description: { readonly kind: string; readonly options?: Readonly<Record<string, unknown>> | undefined }): Loss {
  checkOptions('loss description', description, ['kind', 'options']);
  const { kind, options = {} } = description;
  if (typeof kind === 'string' && Object.hasOwn(factories, kind)) return factories[kind]!(options as never);
  const hint = typeof kind === 'string' ? nearest(kind, Object.keys(factories)) : undefined;
  throw new BpttError('ERR_BPTT_FORMAT', `unknown loss ${describe(kind)}${hint ? `; did you mean "${hint}"?` : ''} (losses: ${Object.keys(factories).join(', ')})`,
    { expected: Object.keys(factories), received: kind });
}
