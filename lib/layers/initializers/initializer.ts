import { wrongType } from '../../checks.ts';
import { BpttError, checkOptions, describe, nearest } from '../../errors.ts';
import type { Initializer } from '../layer.ts';

/** An initializer as options and model.json hold it. */
export interface InitializerDescription {
  readonly kind: string;
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** What layers accept: an initializer, its description, or the name of one that needs no options. */
export type InitializerLike = Initializer | InitializerDescription | string;

const factories = new Map<string, (options: never) => Initializer>();

/** Makes an initializer loadable by its kind. @throws ERR_BPTT_OPTION when the kind is taken, ERR_BPTT_TYPE for arguments of other kinds. */
export function registerInitializer(kind: string, factory: (options: never) => Initializer): void {
  if (typeof kind !== 'string' || kind === '') throw wrongType('registerInitializer', 'kind', 'a text', kind);
  if (typeof factory !== 'function') throw wrongType(`registerInitializer "${kind}"`, 'the factory', 'a function of options', factory);
  if (factories.has(kind)) throw new BpttError('ERR_BPTT_OPTION', `initializer "${kind}" is registered already; choose another name`, { received: kind });
  factories.set(kind, factory);
}

export function defineInitializer(kind: string, options: object, fill: Initializer['fill']): Initializer {
  return Object.freeze({ kind, options: Object.freeze({ ...options }) as Initializer['options'], fill });
}

/** Arrays have a method "fill" too, and are none. */
function isInitializer(candidate: InitializerLike): candidate is Initializer {
  return typeof candidate === 'object' && candidate !== null && 'fill' in candidate && typeof candidate.fill === 'function' && typeof candidate.kind === 'string';
}

/** @throws ERR_BPTT_OPTION for an unknown kind, ERR_BPTT_TYPE for something that is no initializer. */
export function asInitializer(owner: string, candidate: InitializerLike): Initializer {
  if (isInitializer(candidate)) return candidate;
  const kind = typeof candidate === 'string' ? candidate : (candidate as InitializerDescription | null)?.kind;
  if (typeof kind !== 'string') {
    throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected an initializer such as glorotUniform(), received ${describe(candidate)}`, { expected: 'initializer', received: candidate });
  }
  if (typeof candidate === 'object') checkOptions(`${owner}: initializer description`, candidate, ['kind', 'options']);
  const factory = factories.get(kind);
  if (factory) return factory(((candidate as InitializerDescription).options ?? {}) as never);
  const hint = nearest(kind, [...factories.keys()]);
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: unknown initializer "${kind}"${hint ? `; did you mean "${hint}"?` : ''} (initializers: ${[...factories.keys()].join(', ')})`,
    { expected: [...factories.keys()], received: kind });
}
