import { requireChoice } from '../checks.ts';
import { BpttError, checkOptions, formatShape } from '../errors.ts';
import { add, argMax, at, cast, expand, greater, less, log, negate, or, random, reshape, select, zeros, type Value } from '../graph/index.ts';
import { buildChain, traitsOf, readChain, type Chain } from './chain.ts';
import { defineLayer, layerLabel, signalError } from './define.ts';
import { firstSteps } from './firstSteps.ts';
import type { Layer, Scope, Signal } from './layer.ts';
import { zeroPadding } from './masking.ts';
import { describeLayer, registerLayer } from './registry.ts';
import type { StackOptions } from './stack.ts';
import { findStates, loopLayers, ofSingleStep, singleStep, type SteppedState } from './stepping.ts';
import { readTruthShare, type TruthShare } from './truthShare.ts';

export interface ScheduledSamplingOptions extends StackOptions {
  /** How often, while training, a step reads the target's token: a number from 0 (never: the decoder runs free) to 1 (always: teacher forcing), or a schedule. */
  readonly truthShare: TruthShare;
  /** How the decoder's own token is taken of its output: drawn from the softmax (default) or the likeliest one. Refused where the input holds features: the own output is then read as it is. */
  readonly own?: 'draw' | 'likeliest' | undefined;
}

/** States that there are only while training: what a row gave last, a token as a number, and whether it has had a step. */
const [ownState, begunState] = ['ownInput', 'begun'];

interface Sampled {
  readonly label: string;
  readonly chain: Chain;
  readonly own: 'draw' | 'likeliest';
  readonly share: (updates: Value) => Value;
}

/** A token by the softmax of logits [N, V]: the largest of logits with Gumbel noise, from uniform numbers of the same shape. */
function drawn(logits: Value, uniform: Value): Value {
  const inside = add(uniform, 2 ** -25);
  return argMax(add(logits, negate(log(negate(log(inside))))));
}

/** What a step gives as the input of the next one. */
function ownInput({ own }: Sampled, output: Value, input: Value, uniform: Value | undefined): Value {
  if (input.type !== 'int32') return output;
  return uniform && own === 'draw' ? drawn(output, uniform) : argMax(output);
}

function checkOutput({ label }: Sampled, input: Signal, output: Value): void {
  const tokens = input.value.type === 'int32';
  const expected = tokens ? input.tokens : input.value.shape.at(-1);
  if (output.shape.length === 2 && output.type === 'float32' && (expected === undefined || (tokens ? output.shape[1]! <= expected : output.shape[1] === expected))) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${label}: expected its layers to give ${tokens ? `logits of at most ${expected!} tokens` : `${expected!} features`}, which it reads again, received ${formatShape(output.shape)}; `
    + 'end with dense({ units }) of that size', { expected, received: output.shape });
}

/** Without the axis of time the rows of a step stay apart for the engine. */
function enterStep(signal: Signal, { rowwise }: Layer): Signal {
  if (rowwise) return { value: ofSingleStep(signal), time: false, tokens: signal.tokens };
  return signal.time ? signal : singleStep(signal.value, signal.tokens);
}

/** Runs the layers step by step, each step reading either its target or what the last one gave. */
function runSampled(scope: Scope, sampled: Sampled, input: Signal, further: readonly Signal[]): Signal {
  const { label, chain } = sampled;
  const { value, lengths, tokens } = zeroPadding(input);
  const [steps, rows] = value.shape as [number, number];
  const run = (inner: Scope, now: Value): Value => ofSingleStep(buildChain(label, chain, inner, [singleStep(now, tokens), ...further], enterStep));
  let measured: Value | undefined;
  const states = findStates(scope, (inner) => { measured = run(inner, at(value, 0, 0)); });
  checkOutput(sampled, input, measured!);
  const coins = random(scope.randomKey(), [steps, rows], { distribution: 'uniform', stream: 0 });
  const first = greater(reshape(firstSteps(scope, begunState, { value, lengths, time: true }), [steps, rows]), 0);
  const truthful = or(less(coins, sampled.share(scope.updates ?? zeros([]))), first);
  const draws: Record<string, Value> = value.type === 'int32' && sampled.own === 'draw' ? { uniform: random(scope.randomKey(), [steps, ...measured!.shape], { distribution: 'uniform', stream: 0 }) } : {};
  const own: SteppedState = { path: ownState, shape: value.type === 'int32' ? [rows, 1] : value.shape.slice(1), initial: undefined };
  const { output } = loopLayers({
    scope, lengths, states: [...states, own],
    sequences: { truth: value, truthful, ...draws },
    step: ({ scope: inner, parts, states: found }) => {
      const truth = parts['truth']!;
      const chosen = select(reshape(parts['truthful']!, [rows, ...truth.shape.slice(1).map(() => 1)]), truth, reshape(cast(found[ownState]!, truth.type), truth.shape));
      const given = run(inner, chosen);
      const next = reshape(cast(ownInput(sampled, given, truth, parts['uniform']), 'float32'), own.shape);
      inner.carry(ownState, { final: next, sequence: expand(next, [0]) });
      return { outputs: { output: given } };
    },
  }) as { output: Value };
  return zeroPadding({ value: output, time: true, lengths });
}

/**
 * The layers of a decoder that reads its targets, one step late, as in teacher forcing, but while training now and then its own last output instead, so that it learns
 * to go on from its mistakes: S. Bengio, O. Vinyals, N. Jaitly and N. Shazeer, "Scheduled sampling for sequence prediction with recurrent neural networks",
 * arXiv:1506.03099 (2015). A coin decides for each row and step, inside of the loop over time; the first step of a row that begins anew always reads its target. Outside
 * of training the layers are run as `stack` would run them, over what they are given. While training there are two more states, "ownInput" [N, C] ([N, 1] of tokens) and "begun"
 * [N, 1], with which rows go on from one part of a sequence to the next (truncation, recomputation, carried states).
 *
 * Tokens [N, T] → logits [N, T, V]: the own token is drawn from the logits and no gradient passes through the choice. Features [N, T, C] → [N, T, C]: the own output is
 * read as it is, and gradients pass. Layers that read more than one input, such as an attention, take theirs from the inputs after the first one, in order. Masks of dropout in
 * the layers are drawn as they are without the loop: anew at each step, once for all steps of a row where they are `variational`.
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_OPTION for `own` beside features, ERR_BPTT_SHAPE for an input without time and for layers whose
 * output they could not read again, ERR_BPTT_GRAPH for a wrong number of inputs.
 */
export function scheduledSampling(options: ScheduledSamplingOptions): Layer {
  checkOptions('scheduledSampling', options, ['name', 'layers', 'truthShare', 'own']);
  const chain = readChain('scheduledSampling', options.layers);
  const own = requireChoice('scheduledSampling', 'own', options.own ?? 'draw', ['draw', 'likeliest'] as const);
  const share = readTruthShare('scheduledSampling', options.truthShare);
  return defineLayer('scheduledSampling', { ...options, layers: chain.layers.map(describeLayer) }, (scope, ...inputs) => {
    const label = layerLabel('scheduledSampling', scope);
    const [input, ...further] = inputs;
    if (input && !input.time) throw signalError(label, ['N', 'T', '…'], input);
    if (input && options.own !== undefined && input.value.type !== 'int32') {
      throw new BpttError('ERR_BPTT_OPTION', `${label}: own says how a token is taken of the output, and its input holds features, whose own output is read as it is; leave it out`, { received: options.own });
    }
    if (!scope.training || !input) return buildChain(label, chain, scope, inputs);
    return runSampled(scope, { label, chain, own, share }, input, further);
  }, { ...traitsOf(chain.layers), rowwise: false });
}

registerLayer('scheduledSampling', scheduledSampling);
