import { readData } from './data.ts';

/** Images one after the other, row by row, ink from 0 to 1. */
export interface Digits {
  readonly pixels: Float32Array;
  /** Int32, one for each image. */
  readonly labels: Int32Array;
  /** Edge of an image in pixels. */
  readonly size: number;
}

/** The first `count` of 10,000 images of MNIST (Y. LeCun et al., 1998), 28 × 28. */
export function readDigits(count: number): Digits {
  const pixels = readData('mnist10k/images-u8-28x28.bin.gz');
  const labels = readData('mnist10k/labels-u8.bin');
  return { pixels: Float32Array.from(pixels.subarray(0, count * 784), (ink) => ink / 255), labels: Int32Array.from(labels.subarray(0, count)), size: 28 };
}

/** Smaller images whose pixels are means of squares of pixels. `size` divides the images' edge. */
export function shrink({ pixels, labels, size: before }: Digits, size: number): Digits {
  const factor = before / size;
  if (!Number.isInteger(factor)) throw new Error(`expected a size that divides ${before}, received ${size}`);
  const small = new Float32Array(labels.length * size * size);
  for (let i = 0; i < pixels.length; i++) {
    const [image, row, column] = [Math.floor(i / before ** 2), Math.floor(i / before) % before, i % before];
    small[(image * size + Math.floor(row / factor)) * size + Math.floor(column / factor)]! += pixels[i]! / factor ** 2;
  }
  return { pixels: small, labels, size };
}
