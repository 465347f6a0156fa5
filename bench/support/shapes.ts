import type { LayerSize } from './layerWork.ts';

/** The six shapes at which recurrent layers are measured, from small to large. */
export const layerSizes: readonly LayerSize[] = [[24, 32, 32, 64], [50, 50, 128, 128], [50, 32, 256, 256], [25, 16, 512, 512], [25, 64, 512, 512], [25, 64, 1024, 1024]]
  .map(([steps, rows, features, units]) => ({ steps: steps!, rows: rows!, features: features!, units: units! }));

export const middleSize: LayerSize = layerSizes[1]!;
