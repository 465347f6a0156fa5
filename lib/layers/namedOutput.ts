import { BpttError, checkOptions, describe, nearest } from '../errors.ts';
import { defineLayer, layerLabel, onlyInput, type LayerOptions } from './define.ts';
import type { Layer } from './layer.ts';
import { registerLayer } from './registry.ts';

export interface NamedOutputOptions extends LayerOptions {
  /** Its name: a state ("h", "c", "layer_0/h"), a direction ("forward", "backward"), or what else the layer's page lists. */
  readonly output: string;
}

/**
 * Something that a layer of a model gives beside its output: connected to that layer, it passes on the result of this name. Recurrent layers give every state after
 * each row's last step, [N, H], under its path below the layer; two directions give each its own output, "forward" and "backward".
 *
 * ```ts
 * const encoded = connect(lstm({ units: 64 }), source);
 * const memory = connect(namedOutput({ output: 'c' }), encoded);   // [N, 64]
 * ```
 * @throws ERR_BPTT_OPTION for a name that is no text; when built, ERR_BPTT_STATE when the layer gives nothing of this name.
 */
export function namedOutput(options: NamedOutputOptions): Layer {
  checkOptions('namedOutput', options, ['name', 'output']);
  const { output } = options;
  if (typeof output !== 'string' || output === '') throw new BpttError('ERR_BPTT_OPTION', `namedOutput: expected output to be a name, received ${describe(output)}`, { received: output });
  return defineLayer('namedOutput', options, (scope, ...inputs) => {
    const label = layerLabel('namedOutput', scope);
    const { named = {} } = onlyInput(label, inputs);
    if (Object.hasOwn(named, output)) return named[output]!;
    const known = Object.keys(named);
    const hint = nearest(output, known);
    throw new BpttError('ERR_BPTT_STATE', `${label}: the layer before it gives nothing called "${output}"${hint ? `; did you mean "${hint}"?` : ''} (it gives: ${known.join(', ') || 'its output only'})`,
      { expected: known, received: output });
  });
}

registerLayer('namedOutput', namedOutput);
