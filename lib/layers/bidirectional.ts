import { requireChoice } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { traitsOf } from './chain.ts';
import { defineLayer, layerLabel, onlyInput, type LayerOptions } from './define.ts';
import type { Layer, Signal } from './layer.ts';
import { mergeNames, merges, type MergeName } from './merging.ts';
import { asLayer, describeLayer, layerFromDescription, registerLayer, type LayerDescription } from './registry.ts';
import { commonEnd } from './shortcut.ts';

export interface BidirectionalOptions extends LayerOptions {
  /** A layer whose recurrences run forward: a recurrent layer of this direction, or one around such layers. */
  readonly forward: Layer | LayerDescription;
  /** What runs from each row's end to its beginning: a recurrent layer of direction "backward", or one around such layers; default, where `forward` is made of one cell, a twin of it with weights of its own. */
  readonly backward?: Layer | LayerDescription | undefined;
  /** Default "concat". */
  readonly merge?: MergeName | undefined;
}

/** @throws ERR_BPTT_OPTION unless every recurrence of the layer runs in this direction. */
function requireDirection(name: 'forward' | 'backward', { kind, direction = 'forward' }: Layer): void {
  if (direction === name) return;
  throw new BpttError('ERR_BPTT_OPTION', `bidirectional: expected ${name} to be a layer of direction "${name}", received ${kind} of direction "${direction}"; `
    + 'choose the direction of that layer, and of every layer inside of it', { expected: name, received: direction });
}

function backwardTwin(forward: Layer): Layer {
  try {
    return layerFromDescription({ kind: forward.kind, options: { ...forward.options, direction: 'backward' } });
  } catch (cause) {
    if (!(cause instanceof BpttError) || cause.received !== 'direction') throw cause;
    throw new BpttError('ERR_BPTT_OPTION', `bidirectional: expected backward to be given, for ${forward.kind} has no option that turns it round; make a layer of its own of layers of direction "backward"`,
      { expected: 'backward', received: forward.kind, cause });
  }
}

/**
 * Two recurrences side by side, one from each end (M. Schuster and K. Paliwal, "Bidirectional recurrent neural networks", 1997), which may differ in
 * everything but their outputs' shape. For twins of one stacked layer `direction: 'bidirectional'` of the recurrent layer says the same in less.
 *
 * [N, T, C] → [N, T, H₁ + H₂] ("concat") or [N, T, H]; [N, …] when both give their last output. Each direction's own output is there as the named output "forward" or
 * "backward", whatever the merge.
 * @throws ERR_BPTT_OPTION unless the layers run forward and backward, with whatever they hold; when built, ERR_BPTT_SHAPE when their outputs cannot be merged.
 */
export function bidirectional(options: BidirectionalOptions): Layer {
  checkOptions('bidirectional', options, ['name', 'forward', 'backward', 'merge']);
  const merge = requireChoice('bidirectional', 'merge', options.merge ?? 'concat', mergeNames);
  const forward = asLayer('bidirectional: forward', options.forward);
  requireDirection('forward', forward);
  const backward = options.backward === undefined ? backwardTwin(forward) : asLayer('bidirectional: backward', options.backward);
  requireDirection('backward', backward);
  const described = { ...options, forward: describeLayer(forward), backward: describeLayer(backward) };
  return defineLayer('bidirectional', described, (scope, ...inputs) => {
    const label = layerLabel('bidirectional', scope);
    const signal = onlyInput(label, inputs);
    const first = forward.build(scope.child('forward'), signal);
    const second = backward.build(scope.child('backward'), signal);
    checkHalves(label, merge, first, second);
    return { ...first, end: commonEnd([first, second]), value: merges[merge]([first.value, second.value]), named: { forward: first, backward: second } };
  }, traitsOf([forward, backward]));
}

function checkHalves(label: string, merge: MergeName, first: Signal, second: Signal): void {
  const free = merge === 'concat' ? -1 : undefined;
  const [a, b] = [first.value.shape.slice(0, free), second.value.shape.slice(0, free)];
  if (first.time === second.time && a.length === b.length && a.every((size, i) => size === b[i])) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${label}: expected both directions to give outputs that "${merge}" can join, received sizes ${first.value.shape.at(-1)!} and ${second.value.shape.at(-1)!}`
    + `${first.time === second.time ? '' : ', one of them its last step only'}; give both layers the same units and output`, { expected: first.value.shape, received: second.value.shape });
}

registerLayer('bidirectional', bidirectional);
