import { BpttError, describe } from '../../errors.ts';
import { formatValue, requireRank, requireShape, requireType, requireValue } from '../checks.ts';
import { applyOne, defineOperation } from '../operation.ts';
import { allocate } from '../tensor.ts';
import { elementCount, type Node, type Value } from '../value.ts';
import { reshape } from './views.ts';

/** @throws ERR_BPTT_VOCABULARY when an index is not among 0 … rows − 1. */
export function requireIndex(node: Node, index: number, row: number, rows: number): number {
  if (index >= 0 && index < rows) return index;
  const place = node.scope ? ` in "${node.scope}"` : '';
  throw new BpttError('ERR_BPTT_VOCABULARY', `${node.operation}${place}: expected indices from 0 to ${rows - 1}, received ${index} at place ${row}`,
    { expected: [0, rows - 1], received: index });
}

defineOperation({
  name: 'gather',
  infer(inputs) {
    const [table, indices] = inputs as [Value, Value];
    requireType('gather', 'a table', table, ['float32']);
    requireType('gather', 'indices', indices, ['int32']);
    requireRank('gather', 'a table', table, 2);
    requireRank('gather', 'indices', indices, 1);
    return [{ shape: [indices.shape[0]!, table.shape[1]!], type: 'float32' }];
  },
  gradient(node, [upstream]) {
    const [table, indices] = node.inputs as [Value, Value];
    return [upstream && scatterAdd(indices, upstream, table.shape[0]!), undefined];
  },
  reference(node, [table, indices]) {
    const [rows, width] = table!.shape as [number, number];
    const result = allocate(node.outputs[0]!.shape, 'float32');
    indices!.data.forEach((index, row) => {
      const from = requireIndex(node, index, row, rows) * width;
      for (let i = 0; i < width; i++) result.data[row * width + i] = table!.data[from + i]!;
    });
    return [result];
  },
});

/**
 * Rows of a table: table [V, ...rest] and int32 indices [...] → [..., ...rest]. Its gradient touches only the rows that were read.
 * @throws ERR_BPTT_TYPE when the indices are not int32; at the run ERR_BPTT_VOCABULARY for an index outside of 0 … V − 1.
 */
export function gather(table: Value, indices: Value): Value {
  requireValue('gather', 'the table', table);
  requireValue('gather', 'the indices', indices);
  const [rows, ...rest] = table.shape;
  if (rows === undefined) throw new BpttError('ERR_BPTT_SHAPE', `gather: expected a table of rank 1 or more, received ${formatValue(table)}`, { expected: '[V, …]', received: table.shape });
  const result = applyOne('gather', [reshape(table, [rows, elementCount(rest)]), reshape(indices, [-1])]);
  return reshape(result, [...indices.shape, ...rest]);
}

defineOperation({
  name: 'scatterAdd',
  infer(inputs, attributes) {
    const [indices, updates] = inputs as [Value, Value];
    const rows = attributes['rows'] as number;
    requireType('scatterAdd', 'indices', indices, ['int32']);
    requireType('scatterAdd', 'updates', updates, ['float32']);
    requireRank('scatterAdd', 'indices', indices, 1);
    requireRank('scatterAdd', 'updates', updates, 2);
    if (updates.shape[0] !== indices.shape[0]) {
      throw new BpttError('ERR_BPTT_SHAPE', `scatterAdd: expected one row of updates for each index, received ${formatValue(indices)} and ${formatValue(updates)}`,
        { expected: indices.shape[0], received: updates.shape[0] });
    }
    requireShape('scatterAdd', [rows]);
    return [{ shape: [rows, updates.shape[1]!], type: 'float32' }];
  },
  gradient: (node, [upstream]) => [undefined, upstream && gather(upstream, node.inputs[0]!)],
  reference(node, [indices, updates]) {
    const [rows, width] = node.outputs[0]!.shape as [number, number];
    const result = allocate([rows, width], 'float32');
    indices!.data.forEach((index, row) => {
      const to = requireIndex(node, index, row, rows) * width;
      for (let i = 0; i < width; i++) result.data[to + i]! += updates!.data[row * width + i]!;
    });
    return [result];
  },
});

/**
 * Zeros [rows, D] with each row of `updates` [R, D] added at its index of int32 `indices` [R].
 * @throws ERR_BPTT_SHAPE when the counts of rows differ; at the run ERR_BPTT_VOCABULARY for an index outside of 0 … rows − 1.
 */
export function scatterAdd(indices: Value, updates: Value, rows: number): Value {
  requireValue('scatterAdd', 'the indices', indices);
  requireValue('scatterAdd', 'the updates', updates);
  return applyOne('scatterAdd', [indices, updates], { rows });
}

defineOperation({
  name: 'oneHot',
  infer([indices], attributes) {
    requireType('oneHot', 'indices', indices!, ['int32']);
    requireRank('oneHot', 'indices', indices!, 1);
    const depth = attributes['depth'] as number;
    if (!Number.isSafeInteger(depth) || depth < 1) {
      throw new BpttError('ERR_BPTT_RANGE', `oneHot: expected a depth of at least 1, received ${describe(depth)}`, { expected: 'at least 1', received: depth });
    }
    return [{ shape: [indices!.shape[0]!, depth], type: 'float32' }];
  },
  reference(node, [indices]) {
    const [rows, depth] = node.outputs[0]!.shape as [number, number];
    const result = allocate([rows, depth], 'float32');
    indices!.data.forEach((index, row) => { result.data[row * depth + requireIndex(node, index, row, depth)] = 1; });
    return [result];
  },
});

/** 1 at each index, 0 elsewhere: int32 [...] → float32 [..., depth]. At the run ERR_BPTT_VOCABULARY for an index outside of 0 … depth − 1. */
export function oneHot(indices: Value, depth: number): Value {
  requireValue('oneHot', 'the indices', indices);
  return reshape(applyOne('oneHot', [reshape(indices, [-1])], { depth }), [...indices.shape, depth]);
}
