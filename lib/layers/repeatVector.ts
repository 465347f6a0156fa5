import { requireChoice, requireInteger } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { broadcast, expand, pad } from '../graph/index.ts';
import { defineLayer, layerLabel, signalError, type LayerOptions } from './define.ts';
import type { Layer, Signal } from './layer.ts';
import { mostSteps } from './limits.ts';
import { zeroPadding } from './masking.ts';
import { registerLayer } from './registry.ts';

export interface RepeatVectorOptions extends LayerOptions {
  /** How many steps to give, up to 65,536. Left out where a second input says it: as many as that one has, row by row. */
  readonly steps?: number | undefined;
  /** The vector at every step (default), or at the first one with zeros after it. */
  readonly at?: 'all' | 'first' | undefined;
}

function checkInputs(label: string, steps: number | undefined, [signal, like, ...rest]: readonly Signal[]): Signal {
  if (!signal || rest.length > 0 || (like === undefined) === (steps === undefined)) {
    const received = `${[signal, like, ...rest].filter(Boolean).length} inputs and ${steps === undefined ? 'no steps' : `steps: ${steps}`}`;
    throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected one vector and the option steps, or the vector and a sequence whose steps it gets, received ${received}`, { received });
  }
  if (signal.time) throw signalError(label, ['N', 'features'], signal, 'take its last step before: lastStep(), or output: \'last\'');
  if (like && !like.time) throw signalError(label, ['N', 'T', 'features'], like, 'the second input says how many steps there are');
  return signal;
}

/**
 * A vector as a sequence: [N, C] → [N, steps, C], the same at every step or only at the first one. With a second input over time, [N, T, …], the vector is
 * repeated as often as that one has steps, each row to its own end.
 * @throws ERR_BPTT_RANGE for steps that are no whole number from 1 to 65,536; when built, ERR_BPTT_SHAPE for a vector that is a sequence and ERR_BPTT_GRAPH unless either
 * the option or a second input says how many steps there are.
 */
export function repeatVector(options: RepeatVectorOptions = {}): Layer {
  checkOptions('repeatVector', options, ['name', 'steps', 'at']);
  const steps = options.steps === undefined ? undefined : requireInteger('repeatVector', 'steps', options.steps, 1, mostSteps);
  const at = requireChoice('repeatVector', 'at', options.at ?? 'all', ['all', 'first'] as const);
  return defineLayer('repeatVector', options, (scope, ...inputs) => {
    const { value, tokens } = checkInputs(layerLabel('repeatVector', scope), steps, inputs);
    const [, like] = inputs;
    scope.readsAhead(value, 'whole');
    if (like && at === 'first') scope.readsAhead(like.value, 'whole');
    const count = steps ?? like!.value.shape[0]!;
    const single = expand(value, [0]);
    const rest = value.shape.map(() => 0);
    const sequence = at === 'all' ? broadcast(single, [count, ...value.shape]) : pad(single, [0, ...rest], [count - 1, ...rest]);
    return zeroPadding({ value: sequence, time: true, lengths: like?.lengths, tokens });
  });
}

registerLayer('repeatVector', repeatVector);
