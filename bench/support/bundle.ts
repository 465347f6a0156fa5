/**
 * Numbers as both sides of a comparison read them: lines of "name size size …", a line "end", then every tensor's float32, row-major, in the order of the
 * lines.
 */
import { readFileSync, writeFileSync } from 'node:fs';

export interface BundleTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export type Bundle = Readonly<Record<string, BundleTensor>>;

const ending = 'end\n';

export function writeBundle(file: string, bundle: Bundle): void {
  const lines = Object.entries(bundle).map(([name, { shape }]) => `${[name, ...shape].join(' ')}\n`);
  const blocks = Object.values(bundle).map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  writeFileSync(file, Buffer.concat([Buffer.from(lines.join('') + ending), ...blocks]));
}

export function readBundle(file: string): Bundle {
  const bytes = readFileSync(file);
  const head = bytes.subarray(0, bytes.indexOf(`\n${ending}`) + 1).toString();
  let offset = head.length + ending.length;
  return Object.fromEntries(head.trimEnd().split('\n').map((line) => {
    const [name, ...sizes] = line.split(' ');
    const shape = sizes.map(Number);
    const count = shape.reduce((product, size) => product * size, 1);
    const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset + offset, bytes.byteOffset + offset + 4 * count));
    offset += 4 * count;
    return [name!, { shape, data }];
  }));
}

/** [R, C] → [C, R] */
export function transposed({ shape, data }: BundleTensor): BundleTensor {
  const [rows, columns] = shape as [number, number];
  const result = new Float32Array(data.length);
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) result[column * rows + row] = data[row * columns + column]!;
  return { shape: [columns, rows], data: result };
}

/** Reproducible numbers between −scale and scale. */
export function someFloats(count: number, seed: number, scale = 1): Float32Array {
  let state = (seed * 2654435761) >>> 0 || 1;
  return Float32Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) / 2 ** 31 - 1) * scale;
  });
}
