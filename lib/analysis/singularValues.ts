import { requireInteger, wrongType } from '../checks.ts';
import { BpttError } from '../errors.ts';

/** The part of the columns p and q of a matrix (kept column by column) that is turned away: one rotation of Jacobi. @returns whether anything was to be done */
function rotate(columns: readonly Float64Array[], p: number, q: number): boolean {
  const [a, b] = [columns[p]!, columns[q]!];
  let [alpha, beta, gamma] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    alpha += a[i]! * a[i]!;
    beta += b[i]! * b[i]!;
    gamma += a[i]! * b[i]!;
  }
  if (Math.abs(gamma) <= 1e-15 * Math.sqrt(alpha * beta) || gamma === 0) return false;
  const zeta = (beta - alpha) / (2 * gamma);
  const t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
  const c = 1 / Math.hypot(1, t);
  const s = c * t;
  for (let i = 0; i < a.length; i++) {
    const x = a[i]!;
    a[i] = c * x - s * b[i]!;
    b[i] = s * x + c * b[i]!;
  }
  return true;
}

const mostSweeps = 60;

/**
 * The singular values of a row-major matrix, the largest first: one-sided Jacobi rotations (M. Hestenes, 1958), exact to rounding.
 * @returns as many as the shorter side has; NaN where the matrix holds what is not finite.
 * @throws ERR_BPTT_TYPE or ERR_BPTT_RANGE for what is no matrix, ERR_BPTT_SHAPE unless it has rows × columns numbers.
 */
export function singularValues(matrix: ArrayLike<number>, rows: number, columns: number): Float64Array {
  requireInteger('singularValues', 'rows', rows, 1);
  requireInteger('singularValues', 'columns', columns, 1);
  if (typeof matrix?.length !== 'number') throw wrongType('singularValues', 'the matrix', 'a list of numbers', matrix);
  if (matrix.length !== rows * columns) {
    throw new BpttError('ERR_BPTT_SHAPE', `singularValues: expected ${rows * columns} numbers for a matrix [${rows}, ${columns}], received ${matrix.length}`, { expected: rows * columns, received: matrix.length });
  }
  const tall = rows >= columns;
  const [length, count] = tall ? [rows, columns] : [columns, rows];
  let largest = 0;
  for (let i = 0; i < rows * columns; i++) largest = Math.max(largest, Math.abs(matrix[i]!));
  if (largest === 0 || !Number.isFinite(largest)) return new Float64Array(count).fill(largest === 0 ? 0 : NaN);
  const vectors = Array.from({ length: count }, (_, j) => Float64Array.from({ length }, (__, i) => matrix[tall ? i * columns + j : j * columns + i]! / largest));
  for (let sweep = 0; sweep < mostSweeps; sweep++) {
    let turned = false;
    for (let p = 0; p < count - 1; p++) for (let q = p + 1; q < count; q++) if (rotate(vectors, p, q)) turned = true;
    if (!turned) break;
  }
  return Float64Array.from(vectors, (vector) => largest * Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0))).sort().reverse();
}

/** Row-major product of two square matrices of one size. */
export function product(a: Float64Array, b: Float64Array, size: number): Float64Array {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const factor = a[i * size + k]!;
      if (factor === 0) continue;
      for (let j = 0; j < size; j++) result[i * size + j]! += factor * b[k * size + j]!;
    }
  }
  return result;
}
