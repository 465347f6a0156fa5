import { transpose, zeros, type Value } from '../../graph/index.ts';
import { BpttError } from '../../errors.ts';
import { sequenceInput } from '../define.ts';
import type { Layer, LayerTraits, Scope, Signal } from '../layer.ts';
import { forwardScope } from '../lookAhead.ts';
import { boundaryStep, zeroPadding } from '../masking.ts';
import { asLayer, type LayerDescription } from '../registry.ts';
import { findStates, loopLayers, ofSingleStep, singleStep, type Step, type SteppedState } from '../stepping.ts';
import { readMemory, type Memory } from './memory.ts';

/** A layer that an attention can go around. @throws ERR_BPTT_TYPE, ERR_BPTT_OPTION for one that reads more than one input. */
export function readAttending(owner: string, given: Layer | LayerDescription): Layer {
  const layer = asLayer(`${owner}: layer`, given);
  if ((layer.furtherInputs ?? 0) === 0) return layer;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected a layer that reads one input, received ${layer.kind}; put it around the attention instead`, { received: layer.kind });
}

/** What an attention says of itself. */
export const attentionTraits: LayerTraits = { recurrence: true, furtherInputs: 1 };

/** One step of a layer with attention. */
export interface AttendingStep extends Step {
  /** This step's input, [N, C]. */
  readonly x: Value;
  /** The layer's output for an input of this step, [N, H]. */
  readonly run: (input: Value) => Value;
}

interface Around {
  readonly label: string;
  readonly scope: Scope;
  readonly layer: Layer;
  readonly inputs: readonly Signal[];
}

export interface Attending extends Around {
  /** Features that come to each step's input before the layer reads it. */
  readonly fed: (memory: Memory) => number;
  /** Makes what does not change from step to step, then gives the function of a step. */
  readonly prepare: (around: { readonly memory: Memory; readonly states: readonly SteppedState[]; readonly outputSize: number }) => {
    readonly states?: readonly SteppedState[];
    readonly step: (step: AttendingStep) => { readonly output: Value; readonly alignment: Value };
  };
}

interface Measured {
  readonly states: readonly SteppedState[];
  readonly outputSize: number;
  /** Whether the layer gives what it ended with. */
  readonly last: boolean;
}

/** Builds the layer once for nothing: for its states and what it gives. */
function measure(scope: Scope, layer: Layer, label: string, input: Value): Measured {
  let result: Signal | undefined;
  const states = findStates(scope, (inner) => { result = layer.build(inner, singleStep(input)); });
  const { value, time } = result!;
  if (value.type === 'float32' && value.shape.length === (time ? 3 : 2)) return { states, outputSize: value.shape.at(-1)!, last: !time };
  throw noFeatures(label, value);
}

function noFeatures(label: string, { type, shape }: Value): BpttError {
  return new BpttError('ERR_BPTT_SHAPE', `${label}: expected a layer that gives features at each step, received ${type} of shape [${shape.join(', ')}]`, { received: shape });
}

/** The sequence that a layer runs over, and the one it looks at. */
function readInputs(scope: Scope, label: string, inputs: readonly Signal[]): { readonly signal: Signal; readonly memory: Memory } {
  const [input, looked, ...rest] = inputs;
  if (rest.length > 0) throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected two inputs, the sequence it runs over and the one it looks at, received ${inputs.length}`, { expected: 2, received: inputs.length });
  return { signal: sequenceInput(label, input ? [input] : []), memory: readMemory(scope, label, looked) };
}

function withAlignment(scope: Scope, result: Signal, alignment: Signal): Signal {
  if (alignment.time) scope.observe?.('alignment', alignment);
  return { ...result, named: { alignment } };
}

/** Runs a layer over its input, step by step with a look at the memory: [N, S, C] and [N, T, M] → [N, S, …], with the shares as the named output "alignment", [N, S, T]. */
export function attend({ label, scope, layer, inputs, fed, prepare }: Attending): Signal {
  const { signal, memory } = readInputs(scope, label, inputs);
  const [, rows, features] = signal.value.shape as [number, number, number];
  const { states, outputSize, last } = measure(scope, layer, label, zeros([rows, features + fed(memory)]));
  const { states: own = [], step } = prepare({ memory, states, outputSize });
  const { output, alignment } = loopLayers({
    scope, lengths: signal.lengths, sequences: { x: signal.value }, states: [...states, ...own],
    step: (inside) => {
      const run = (value: Value): Value => ofSingleStep(layer.build(inside.scope, singleStep(value)));
      return { outputs: { ...step({ ...inside, x: inside.parts['x']!, run }) } };
    },
  }) as { output: Value; alignment: Value };
  const result = zeroPadding({ value: output, time: true, lengths: signal.lengths });
  return withAlignment(scope, last ? { value: boundaryStep(result), time: false } : result, { value: alignment, time: true, lengths: signal.lengths });
}

/** From what a layer gives, [N, H] or [N, S, H], to the output and the shares. */
export type Look = (output: Value) => { readonly output: Value; readonly alignment: Value };

/** Runs a layer over its input as always, then looks at the memory for all of its steps at once; shapes as of `attend`. */
export function attendAfter({ label, scope, layer, inputs, prepare }: Around & { readonly prepare: (memory: Memory, outputSize: number) => Look }): Signal {
  const { signal, memory } = readInputs(scope, label, inputs);
  const { value, time } = layer.build(forwardScope(scope, [signal.value]), signal);
  if (value.type !== 'float32' || value.shape.length !== (time ? 3 : 2)) throw noFeatures(label, value);
  const { output, alignment } = prepare(memory, value.shape.at(-1)!)(time ? transpose(value, [1, 0, 2]) : value);
  const signalOf = (result: Value): Signal => zeroPadding({ value: time ? transpose(result, [1, 0, 2]) : result, time, ...(time ? { lengths: signal.lengths } : {}) });
  return withAlignment(scope, signalOf(output), signalOf(alignment));
}
