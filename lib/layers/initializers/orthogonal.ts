import { requireNumber } from '../../checks.ts';
import { checkOptions } from '../../errors.ts';
import type { Initializer } from '../layer.ts';
import { matrixSizes, normalNumbers } from './distributions.ts';
import { defineInitializer, registerInitializer } from './initializer.ts';

/** Reflections gathered into one product: wide enough to be bound by arithmetic, narrow enough for a panel of them to stay in cache. A multiple of 4. */
const blockSize = 32;
/** Columns worked on together. */
const panelWidth = 256;

const roundUp = (count: number): number => Math.ceil(count / 4) * 4;

/** Some rows of a row-major matrix, beginning at `offset`, `stride` apart. */
interface Rows {
  readonly data: Float64Array;
  readonly offset: number;
  readonly stride: number;
}

/**
 * Householder reflections as one I − V T Vᵀ (R. Schreiber and C. Van Loan, 1989). V: [rows rounded up to 4, blockSize], T: [blockSize, blockSize] upper
 * triangular; what lies beyond `rows` and `count` is zero.
 */
interface ReflectionBlock {
  readonly rows: number;
  readonly count: number;
  readonly v: Float64Array;
  readonly t: Float64Array;
}

/** Adds to four rows of `target` the products of sixteen coefficients with four rows of `source`, `width` columns wide: two rows of the target at a time. */
function addProduct(target: Rows, source: Rows, a: Float64Array, width: number): void {
  const t = target.data;
  const s = source.data;
  for (let row = 0; row < 4; row += 2) {
    const [a0, a1, a2, a3] = [a[4 * row]!, a[4 * row + 1]!, a[4 * row + 2]!, a[4 * row + 3]!];
    const [b0, b1, b2, b3] = [a[4 * row + 4]!, a[4 * row + 5]!, a[4 * row + 6]!, a[4 * row + 7]!];
    let upper = target.offset + row * target.stride;
    let lower = upper + target.stride;
    let s0 = source.offset;
    let s1 = s0 + source.stride;
    let s2 = s1 + source.stride;
    let s3 = s2 + source.stride;
    for (const end = upper + width; upper < end; upper++, lower++, s0++, s1++, s2++, s3++) {
      const x0 = s[s0]!;
      const x1 = s[s1]!;
      const x2 = s[s2]!;
      const x3 = s[s3]!;
      t[upper] = t[upper]! + a0 * x0 + a1 * x1 + a2 * x2 + a3 * x3;
      t[lower] = t[lower]! + b0 * x0 + b1 * x1 + b2 * x2 + b3 * x3;
    }
  }
}

/** Fills one column of V with the reflection that turns a random normal vector onto an axis. @returns the sign of its image on the axis */
function drawReflection({ rows, v, t }: ReflectionBlock, column: number, random: () => number): number {
  const vector = normalNumbers(rows - column, random);
  const norm = Math.sqrt(vector.reduce((total, element) => total + element * element, 0));
  const sign = vector[0]! < 0 ? -1 : 1;
  const head = vector[0]! + sign * norm;
  vector[0] = head;
  const overlap = new Float64Array(column);
  for (let i = 0; i < vector.length; i++) {
    const row = (column + i) * blockSize;
    const element = vector[i]! / head;
    v[row + column] = element;
    for (let j = 0; j < column; j++) overlap[j]! += v[row + j]! * element;
  }
  const scale = sign * head / norm;
  for (let i = 0; i < column; i++) {
    let total = 0;
    for (let j = i; j < column; j++) total += t[i * blockSize + j]! * overlap[j]!;
    t[i * blockSize + column] = -scale * total;
  }
  t[column * blockSize + column] = scale;
  return -sign;
}

function coefficients(at: (target: number, source: number) => number, a: Float64Array): Float64Array {
  for (let i = 0; i < 16; i++) a[i] = at(i >> 2, i & 3);
  return a;
}

/** Replaces columns `left` … `left + width` of the block's rows of C by (I − V T Vᵀ) times themselves. */
function reflectPanel(block: ReflectionBlock, c: Rows, width: number): void {
  const { v, t } = block;
  const rows = roundUp(block.rows);
  const a = new Float64Array(16);
  const projected = new Float64Array(blockSize * width);
  const turned = new Float64Array(blockSize * width);
  const rowsFrom = (data: Float64Array, row: number): Rows => ({ data, offset: row * width, stride: width });
  const cFrom = (row: number): Rows => ({ ...c, offset: c.offset + row * c.stride });
  for (let row = 0; row < rows; row += 4) {
    for (let p = 0; p < blockSize; p += 4) {
      addProduct(rowsFrom(projected, p), cFrom(row), coefficients((i, k) => v[(row + k) * blockSize + p + i]!, a), width);
    }
  }
  for (let i = 0; i < blockSize; i += 4) {
    for (let p = 0; p < blockSize; p += 4) {
      addProduct(rowsFrom(turned, i), rowsFrom(projected, p), coefficients((j, k) => -t[(i + j) * blockSize + p + k]!, a), width);
    }
  }
  for (let row = 0; row < rows; row += 4) {
    for (let p = 0; p < blockSize; p += 4) {
      addProduct(cFrom(row), rowsFrom(turned, p), coefficients((i, k) => v[(row + i) * blockSize + p + k]!, a), width);
    }
  }
}

/**
 * A random matrix [rows, columns], rows ≥ columns, whose columns are orthonormal, uniform among all such (G. W. Stewart, "The efficient generation of random
 * orthogonal matrices", 1980): the Q that a QR decomposition of normal numbers would give, without decomposing anything.
 */
export function orthonormalColumns(rows: number, columns: number, random: () => number): Float64Array {
  const q = new Float64Array(roundUp(rows) * columns);
  const blocks: ReflectionBlock[] = [];
  for (let first = 0; first < columns; first += blockSize) {
    const size = rows - first;
    const block = { rows: size, count: Math.min(blockSize, columns - first), v: new Float64Array(roundUp(size) * blockSize), t: new Float64Array(blockSize * blockSize) };
    for (let column = 0; column < block.count; column++) q[(first + column) * columns + first + column] = drawReflection(block, column, random);
    blocks.push(block);
  }
  for (let index = blocks.length - 1; index >= 0; index--) {
    const first = index * blockSize;
    for (let left = first; left < columns; left += panelWidth) {
      reflectPanel(blocks[index]!, { data: q, offset: first * columns + left, stride: columns }, Math.min(panelWidth, columns - left));
    }
  }
  return q.subarray(0, rows * columns);
}

function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(matrix.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) result[column * rows + row] = matrix[row * columns + column]!;
  }
  return result;
}

/**
 * `gain` times a random orthogonal matrix (A. Saxe, J. McClelland and S. Ganguli, arXiv:1312.6120, 2013); of a block that is not square the shorter side is
 * orthonormal. A recurrent weight is filled gate by gate, so that each gate's matrix is orthogonal itself.
 * @throws ERR_BPTT_SHAPE for a block that is no matrix.
 */
export function orthogonal(options: { readonly gain?: number } = {}): Initializer {
  checkOptions('orthogonal', options, ['gain']);
  const gain = requireNumber('orthogonal', 'gain', options.gain ?? 1, 0, Number.MAX_VALUE);
  return defineInitializer('orthogonal', options, ({ shape }, random) => {
    const [rows, columns] = matrixSizes('orthogonal', shape);
    const q = rows >= columns ? orthonormalColumns(rows, columns, random) : transposed(orthonormalColumns(columns, rows, random), columns, rows);
    return gain === 1 ? q : q.map((element) => gain * element);
  });
}

registerInitializer('orthogonal', orthogonal);
