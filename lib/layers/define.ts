import { requireBoolean, requireChoice, requireInteger, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe, formatShape } from '../errors.ts';
import type { Shape } from '../graph/index.ts';
import type { Layer, LayerTraits, Scope, Signal } from './layer.ts';
import { zeroPadding } from './masking.ts';

/** What every layer accepts. */
export interface LayerOptions {
  /** How summaries, errors and saved weights call the layer; default its kind, numbered. */
  readonly name?: string | undefined;
}

const layerName = /^[^\s/.][^/.]*$/;

/** JSON values by copy, frozen all the way down; undefined entries are left out and functions (of initializers) dropped. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return Object.freeze(value.map(plain));
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, entry]) => entry !== undefined && typeof entry !== 'function');
  return Object.freeze(Object.fromEntries(kept.map(([key, entry]) => [key, plain(entry)])));
}

const flags = ['stepwise', 'rowwise', 'recurrence', 'readsTokens'] as const satisfies readonly (keyof LayerTraits)[];

function checkTraits(kind: string, traits: LayerTraits): void {
  const owner = `${kind}: what it says of itself`;
  checkOptions(owner, traits, [...flags, 'furtherInputs', 'direction'] satisfies (keyof LayerTraits)[]);
  for (const flag of flags) if (traits[flag] !== undefined) requireBoolean(owner, flag, traits[flag]);
  if (traits.furtherInputs !== undefined) requireInteger(owner, 'furtherInputs', traits.furtherInputs, 0);
  if (traits.direction !== undefined) requireChoice(owner, 'direction', traits.direction, ['forward', 'backward', 'bidirectional'] as const);
}

/**
 * Makes a layer of its checked options, and of what it says of itself: a frozen value whose options are plain JSON.
 * @throws ERR_BPTT_OPTION for a kind or a name with a slash or a dot, and for traits that nobody would read; ERR_BPTT_TYPE or ERR_BPTT_RANGE for arguments of other kinds.
 */
export function defineLayer(kind: string, options: object, build: Layer['build'], traits: LayerTraits = {}): Layer {
  if (typeof kind !== 'string' || !layerName.test(kind)) throw new BpttError('ERR_BPTT_OPTION', `defineLayer: expected kind to be a text without "/" and ".", received ${describe(kind)}`, { received: kind });
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw wrongType(kind, 'the options', 'an object', options);
  if (typeof build !== 'function') throw wrongType(kind, 'build', 'a function of a scope and signals', build);
  checkTraits(kind, traits);
  const { name, ...rest } = options as LayerOptions;
  if (name !== undefined && (typeof name !== 'string' || !layerName.test(name))) {
    throw new BpttError('ERR_BPTT_OPTION', `${kind}: expected name to be a text without "/" and ".", received ${describe(name)}`, { received: name });
  }
  return Object.freeze({ ...traits, kind, name, options: plain(rest) as Layer['options'], build });
}

/** How messages call a layer: `lstm "encoder"`. */
export function layerLabel(kind: string, scope: Scope): string {
  return scope.path === '' || scope.path === kind ? kind : `${kind} "${scope.path}"`;
}

/** The shape as the caller of the model knows it: batch first. */
export function outerShape(signal: Signal): Shape {
  const [first, second, ...rest] = signal.value.shape;
  return signal.time ? [second!, first!, ...rest] : signal.value.shape;
}

/** An ERR_BPTT_SHAPE in the one wording; sizes are batch first. */
export function signalError(label: string, expected: readonly (string | number)[], signal: Signal, cure = ''): BpttError {
  const received = outerShape(signal);
  const kind = signal.value.type === 'float32' ? '' : `${signal.value.type} `;
  return new BpttError('ERR_BPTT_SHAPE', `${label}: expected input of shape ${formatShape(expected)}, received ${kind}${formatShape(received)}${cure && `; ${cure}`}`,
    { expected, received });
}

/** @throws ERR_BPTT_GRAPH unless the layer was given exactly one signal. */
export function onlyInput(label: string, inputs: readonly Signal[]): Signal {
  if (inputs.length === 1) return inputs[0]!;
  throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected one input, received ${inputs.length}; join several with concatenate(), add(), multiply() or average()`,
    { expected: 1, received: inputs.length });
}

/** One signal of features: float32 [T, N, C] or [N, C], zeros beyond each row's length. @throws ERR_BPTT_TYPE for tokens, ERR_BPTT_SHAPE for other ranks. */
export function featureInput(label: string, inputs: readonly Signal[]): Signal {
  const signal = onlyInput(label, inputs);
  requireFeatures(label, signal);
  if (signal.value.shape.length === (signal.time ? 3 : 2)) return zeroPadding(signal);
  const image = signal.value.shape.length > (signal.time ? 3 : 2);
  throw signalError(label, signal.time ? ['N', 'T', 'features'] : ['N', 'features'], signal, image ? 'put flatten() or globalAveragePooling() before it' : '');
}

/** One signal of features of any rank, images too: float32 [T, N, …] or [N, …], zeros beyond each row's length. @throws ERR_BPTT_TYPE for tokens. */
export function anyFeatures(label: string, inputs: readonly Signal[]): Signal {
  const signal = onlyInput(label, inputs);
  requireFeatures(label, signal);
  return zeroPadding(signal);
}

/** @throws ERR_BPTT_TYPE for tokens. */
export function requireFeatures(label: string, signal: Signal): void {
  if (signal.value.type === 'float32') return;
  throw new BpttError('ERR_BPTT_TYPE', `${label}: expected float32 features, received ${signal.value.type} ${formatShape(outerShape(signal))}; put embedding() or oneHot() before it`,
    { expected: 'float32', received: signal.value.type });
}

/** One signal of features over time, [T, N, C]. @throws ERR_BPTT_SHAPE for a signal without time, naming the usual cause. */
export function sequenceInput(label: string, inputs: readonly Signal[]): Signal {
  const signal = onlyInput(label, inputs);
  if (!signal.time) {
    throw signalError(label, ['N', 'T', 'features'], signal, `a layer before it gives its last step only (output: 'last'); let it give the sequence`);
  }
  return featureInput(label, [signal]);
}

/** One signal of tokens, int32 [T, N] or [N], token 0 beyond each row's length. @throws ERR_BPTT_TYPE for features, ERR_BPTT_SHAPE for other ranks. */
export function tokenInput(label: string, inputs: readonly Signal[]): Signal {
  const signal = onlyInput(label, inputs);
  if (signal.value.type !== 'int32') {
    throw new BpttError('ERR_BPTT_TYPE', `${label}: expected int32 tokens, received ${signal.value.type} ${formatShape(outerShape(signal))}; declare the input by { tokens } or a vocabulary`,
      { expected: 'int32', received: signal.value.type });
  }
  if (signal.value.shape.length === (signal.time ? 2 : 1)) return zeroPadding(signal);
  throw signalError(label, signal.time ? ['N', 'T'] : ['N'], signal);
}

/** The number of features: the last size. */
export function featureCount(signal: Signal): number {
  return signal.value.shape.at(-1)!;
}
