import { BpttError, checkOptions } from '../../errors.ts';
import { formatValue, requireType, requireValue } from '../checks.ts';
import { applyOne, defineOperation, type Tensor } from '../operation.ts';
import { allocate } from '../tensor.ts';
import { elementCount, sameShape, type Value } from '../value.ts';
import { reshape } from './views.ts';

export interface MatmulOptions {
  /** Use the left operand with its last two axes exchanged. Default false. */
  readonly transposeA?: boolean;
  /** Use the right operand with its last two axes exchanged. Default false. */
  readonly transposeB?: boolean;
}

type Flags = Required<MatmulOptions>;

defineOperation({
  name: 'matmul',
  infer(inputs, attributes) {
    const [a, b] = inputs as [Value, Value];
    const { transposeA, transposeB } = attributes as unknown as Flags;
    requireType('matmul', 'a left operand', a, ['float32']);
    requireType('matmul', 'a right operand', b, ['float32']);
    const rank = a.shape.length;
    const [rows, depth] = transposeA ? [a.shape[rank - 1], a.shape[rank - 2]] : [a.shape[rank - 2], a.shape[rank - 1]];
    const [depthOfB, columns] = transposeB ? [b.shape[rank - 1], b.shape[rank - 2]] : [b.shape[rank - 2], b.shape[rank - 1]];
    if (rank < 2 || b.shape.length !== rank || depth !== depthOfB || !sameShape(a.shape.slice(0, -2), b.shape.slice(0, -2))) {
      const left = transposeA ? '[…, K, M]' : '[…, M, K]';
      const right = transposeB ? '[…, C, K]' : '[…, K, C]';
      throw new BpttError('ERR_BPTT_SHAPE', `matmul: expected ${left} times ${right} with equal leading sizes, received ${formatValue(a)} and ${formatValue(b)}`,
        { expected: [left, right], received: [a.shape, b.shape] });
    }
    return [{ shape: [...a.shape.slice(0, -2), rows!, columns!], type: 'float32' }];
  },
  gradient(node, [upstream]) {
    if (!upstream) return [undefined, undefined];
    const [a, b] = node.inputs as [Value, Value];
    const { transposeA, transposeB } = node.attributes as unknown as Flags;
    return [
      transposeA ? matmul(b, upstream, { transposeA: transposeB, transposeB: true }) : matmul(upstream, b, { transposeB: !transposeB }),
      transposeB ? matmul(upstream, a, { transposeA: true, transposeB: transposeA }) : matmul(a, upstream, { transposeA: !transposeA }),
    ];
  },
  reference(node, inputs) {
    const [a, b] = inputs as [Tensor, Tensor];
    const { transposeA, transposeB } = node.attributes as unknown as Flags;
    const result = allocate(node.outputs[0]!.shape, 'float32');
    const [rows, columns] = result.shape.slice(-2) as [number, number];
    const depth = a.shape[a.shape.length - (transposeA ? 2 : 1)]!;
    const batch = elementCount(result.shape.slice(0, -2));
    for (let i = 0; i < batch; i++) {
      product(a.data as Float64Array, i * rows * depth, transposeA, b.data as Float64Array, i * depth * columns, transposeB,
        result.data as Float64Array, i * rows * columns, rows, depth, columns);
    }
    return [result];
  },
});

function product(
  a: Float64Array, fromA: number, transposeA: boolean, b: Float64Array, fromB: number, transposeB: boolean,
  c: Float64Array, fromC: number, rows: number, depth: number, columns: number,
): void {
  const [rowStep, depthStep] = transposeA ? [1, rows] : [depth, 1];
  for (let row = 0; row < rows; row++) {
    const rowOfA = fromA + row * rowStep;
    const rowOfC = fromC + row * columns;
    if (transposeB) {
      for (let column = 0; column < columns; column++) {
        const rowOfB = fromB + column * depth;
        let total = 0;
        for (let k = 0; k < depth; k++) total += a[rowOfA + k * depthStep]! * b[rowOfB + k]!;
        c[rowOfC + column] = total;
      }
    } else {
      for (let k = 0; k < depth; k++) {
        const factor = a[rowOfA + k * depthStep]!;
        const rowOfB = fromB + k * columns;
        for (let column = 0; column < columns; column++) c[rowOfC + column]! += factor * b[rowOfB + column]!;
      }
    }
  }
}

/**
 * Matrix product a [..., M, K] · b [..., K, C] → [..., M, C] with equal leading sizes. When b is one matrix and a has more axes, all leading
 * axes of a are its rows.
 * @throws ERR_BPTT_SHAPE when the sizes do not meet, ERR_BPTT_TYPE when either is not float32.
 */
export function matmul(a: Value, b: Value, options: MatmulOptions = {}): Value {
  checkOptions('matmul', options, ['transposeA', 'transposeB']);
  requireValue('matmul', 'the left operand', a);
  requireValue('matmul', 'the right operand', b);
  const flags: Flags = { transposeA: options.transposeA ?? false, transposeB: options.transposeB ?? false };
  if (b.shape.length !== 2 || a.shape.length <= 2 || flags.transposeA) return applyOne('matmul', [a, b], { ...flags });
  const rows = reshape(a, [-1, a.shape[a.shape.length - 1]!]);
  const result = applyOne('matmul', [rows, b], { ...flags });
  return reshape(result, [...a.shape.slice(0, -1), result.shape[1]!]);
}
