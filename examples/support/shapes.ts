import type { Random } from './random.ts';

export const kinds = ['square', 'circle', 'cross', 'triangle'] as const;
export type Kind = (typeof kinds)[number];

/** Whether a point, seen from the middle, lies on a shape of this radius. */
function covers(kind: Kind, radius: number, x: number, y: number): boolean {
  const [across, down] = [Math.abs(x), Math.abs(y)];
  if (kind === 'square') return Math.max(across, down) <= radius;
  if (kind === 'circle') return Math.hypot(x, y) <= radius + 0.3 && Math.hypot(x, y) >= radius - 1.2;
  if (kind === 'cross') return Math.min(across, down) < 0.6 && Math.max(across, down) <= radius;
  return down <= radius && across <= (y + radius) / 2;
}

/** Draws a shape onto an image [size, size], row by row, where it fits. */
export function drawShape(image: Float32Array, size: number, { kind, radius, x, y, ink = 1 }: { kind: Kind; radius: number; x: number; y: number; ink?: number }): void {
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) if (covers(kind, radius, column - x, row - y)) image[row * size + column] = ink;
  }
}

/** Adds normal noise of this deviation to an image. */
export function addNoise(image: Float32Array, deviation: number, random: Random): void {
  for (let i = 0; i < image.length; i++) image[i]! += deviation * random.normal();
}
