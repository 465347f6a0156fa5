import { checkOptions } from '../errors.ts';
import { defineLayer, layerLabel, sequenceInput, type LayerOptions } from './define.ts';
import type { Layer } from './layer.ts';
import { boundaryStep } from './masking.ts';
import { registerLayer } from './registry.ts';

/** The last valid step of every row: [N, T, C] → [N, C]. @throws, when built, ERR_BPTT_SHAPE for a signal without time. */
export function lastStep(options: LayerOptions = {}): Layer {
  checkOptions('lastStep', options, ['name']);
  return defineLayer('lastStep', options, (scope, ...inputs) => ({ value: boundaryStep(sequenceInput(layerLabel('lastStep', scope), inputs)), time: false }));
}

registerLayer('lastStep', lastStep);
