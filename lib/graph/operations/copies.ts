import { BpttError, describe, formatShape } from '../../errors.ts';
import { formatValue, requireType, requireValue, resolveAxis, shapeError } from '../checks.ts';
import { applyOne, defineOperation } from '../operation.ts';
import { allocate, rowMajorStrides, stridedWrite } from '../tensor.ts';
import type { Value } from '../value.ts';
import { expand, slice, sliceAxis } from './views.ts';

defineOperation({
  name: 'concat',
  infer(inputs, attributes) {
    const axis = attributes['axis'] as number;
    const first = inputs[0]!;
    let size = 0;
    for (const [i, value] of inputs.entries()) {
      requireType('concat', `value ${i + 1}`, value, [first.type]);
      if (value.shape.length !== first.shape.length || !value.shape.every((own, k) => k === axis || own === first.shape[k])) {
        throw shapeError('concat', `value ${i + 1} to equal ${formatShape(first.shape)} except along axis ${axis}`, value.shape);
      }
      size += value.shape[axis]!;
    }
    return [{ shape: first.shape.map((own, k) => (k === axis ? size : own)), type: first.type }];
  },
  gradient(node, [upstream]) {
    const axis = node.attributes['axis'] as number;
    let begin = 0;
    return node.inputs.map((value) => {
      const size = value.shape[axis]!;
      begin += size;
      return upstream && sliceAxis(upstream, axis, begin - size, size);
    });
  },
  reference(node, inputs) {
    const axis = node.attributes['axis'] as number;
    const result = allocate(node.outputs[0]!.shape, node.outputs[0]!.type);
    const strides = rowMajorStrides(result.shape);
    let offset = 0;
    for (const part of inputs) {
      stridedWrite(part, result, strides, offset);
      offset += part.shape[axis]! * strides[axis]!;
    }
    return [result];
  },
});

function requireList(owner: string, values: readonly Value[]): void {
  if (!Array.isArray(values) || values.length === 0) {
    throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected a list of at least one value, received ${describe(values)}`, { expected: 'Value[]', received: values });
  }
  values.forEach((value, i) => requireValue(owner, `value ${i + 1}`, value));
}

/** The values one after another along `axis` (default the last); their other sizes and types are equal. @throws ERR_BPTT_SHAPE when they are not. */
export function concat(values: readonly Value[], axis = -1): Value {
  requireList('concat', values);
  const resolved = resolveAxis('concat', axis, values[0]!.shape.length);
  return values.length === 1 ? values[0]! : applyOne('concat', values, { axis: resolved });
}

/** The values, all of one shape, along a new axis. @throws ERR_BPTT_SHAPE when their shapes differ. */
export function stack(values: readonly Value[], axis = 0): Value {
  requireList('stack', values);
  const resolved = resolveAxis('stack', axis, values[0]!.shape.length + 1);
  return concat(values.map((value) => expand(value, [resolved])), resolved);
}

/** x in `parts` equal parts along `axis`. @throws ERR_BPTT_SHAPE when the axis does not divide. */
export function split(x: Value, parts: number, axis = -1): Value[] {
  requireValue('split', 'the input', x);
  const resolved = resolveAxis('split', axis, x.shape.length);
  const size = x.shape[resolved]! / parts;
  if (!Number.isInteger(size) || !(parts >= 1)) throw shapeError('split', `axis ${resolved} to divide into ${describe(parts)} equal parts`, x.shape);
  return Array.from({ length: parts }, (_, i) => sliceAxis(x, resolved, i * size, size));
}

interface PadAttributes {
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;
}

defineOperation({
  name: 'pad',
  infer([x], attributes) {
    const { before, after } = attributes as unknown as PadAttributes;
    const fits = [before, after].every((counts) => counts.length === x!.shape.length && counts.every((count) => Number.isInteger(count) && count >= 0));
    if (!fits) {
      throw new BpttError('ERR_BPTT_RANGE', `pad: expected counts of at least 0 for each axis of ${formatValue(x!)}, received before ${formatShape(before)} and after ${formatShape(after)}`,
        { expected: x!.shape.length, received: { before, after } });
    }
    return [{ shape: x!.shape.map((size, i) => before[i]! + size + after[i]!), type: x!.type }];
  },
  gradient(node, [upstream]) {
    const { before } = node.attributes as unknown as PadAttributes;
    return [upstream && slice(upstream, before, node.inputs[0]!.shape)];
  },
  reference(node, [x]) {
    const { before, value } = node.attributes as unknown as PadAttributes;
    const result = allocate(node.outputs[0]!.shape, x!.type);
    if (value !== 0) result.data.fill(value);
    const strides = rowMajorStrides(result.shape);
    stridedWrite(x!, result, strides, before.reduce((place, count, i) => place + count * strides[i]!, 0));
    return [result];
  },
});

/** x with `before[i]` and `after[i]` more elements of `value` at the ends of axis i. @throws ERR_BPTT_RANGE for negative counts. */
export function pad(x: Value, before: readonly number[], after: readonly number[], value = 0): Value {
  requireValue('pad', 'the input', x);
  if (before.length === x.shape.length && after.length === x.shape.length && [...before, ...after].every((count) => count === 0)) return x;
  return applyOne('pad', [x], { before: [...before], after: [...after], value });
}
