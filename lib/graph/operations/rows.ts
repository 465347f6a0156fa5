import { BpttError } from '../../errors.ts';
import { formatValue, requireRank, requireShape, requireType, requireValue } from '../checks.ts';
import { apply, applyOne, defineOperation } from '../operation.ts';
import { allocate } from '../tensor.ts';
import type { Value } from '../value.ts';
import { maximum, multiply } from './arithmetic.ts';
import { gather, requireIndex } from './gather.ts';
import { zeros } from './leaves.ts';
import { cast, lessEqual } from './logic.ts';
import { expand } from './views.ts';

defineOperation({
  name: 'firstRows',
  infer([indices], attributes) {
    requireType('firstRows', 'indices', indices!, ['int32']);
    requireRank('firstRows', 'indices', indices!, 1);
    requireShape('firstRows', [attributes['rows'] as number]);
    return [{ shape: indices!.shape, type: 'int32' }, { shape: indices!.shape, type: 'int32' }];
  },
  reference(node, [indices]) {
    const owners = allocate(indices!.shape, 'int32');
    const places = allocate(indices!.shape, 'int32');
    const first = new Map<number, number>();
    indices!.data.forEach((index, row) => {
      requireIndex(node, index, row, node.attributes['rows'] as number);
      const place = first.get(index) ?? row;
      first.set(index, place);
      owners.data[row] = place === row ? index : -1;
      places.data[row] = place;
    });
    return [owners, places];
  },
});

/** Which rows are the first of their index: both int32 [R]. */
export interface FirstRows {
  /** The index where no row before has it, else −1. */
  readonly owners: Value;
  /** The first row of the same index. */
  readonly places: Value;
}

/**
 * Tells repeated indices apart: of int32 [R], each from 0 to rows − 1, [4, 0, 4] gives owners [4, 0, −1] and places [0, 1, 0].
 * `scatterAdd(places, updates, R)` then holds the sum of each index's updates in its first row and zeros in the others.
 * @throws ERR_BPTT_TYPE for indices that are not int32; at the run ERR_BPTT_VOCABULARY for an index outside of 0 … rows − 1.
 */
export function firstRows(indices: Value, rows: number): FirstRows {
  requireValue('firstRows', 'the indices', indices);
  const [owners, places] = apply('firstRows', [indices], { rows }) as [Value, Value];
  return { owners, places };
}

defineOperation({
  name: 'replaceRows',
  infer(inputs) {
    const [table, owners, replacements] = inputs as [Value, Value, Value];
    requireType('replaceRows', 'a table', table, ['float32']);
    requireType('replaceRows', 'owners', owners, ['int32']);
    requireType('replaceRows', 'rows', replacements, ['float32']);
    requireRank('replaceRows', 'a table', table, 2);
    requireRank('replaceRows', 'owners', owners, 1);
    requireRank('replaceRows', 'rows', replacements, 2);
    if (replacements.shape[0] !== owners.shape[0] || replacements.shape[1] !== table.shape[1]) {
      throw new BpttError('ERR_BPTT_SHAPE', `replaceRows: expected one row as wide as the table for each owner, received ${formatValue(table)}, ${formatValue(owners)} and ${formatValue(replacements)}`,
        { expected: [owners.shape[0], table.shape[1]], received: replacements.shape });
    }
    return [{ shape: table.shape, type: 'float32' }];
  },
  gradient(node, [upstream]) {
    if (!upstream) return [undefined, undefined, undefined];
    const [, owners, replacements] = node.inputs as [Value, Value, Value];
    const written = expand(cast(lessEqual(0, owners), 'float32'), [1]);
    return [
      applyOne('replaceRows', [upstream, owners, zeros(replacements.shape)]), undefined,
      multiply(gather(upstream, maximum(owners, 0)), written),
    ];
  },
  reference(node, [table, owners, replacements]) {
    const [rows, width] = table!.shape as [number, number];
    const result = allocate([rows, width], 'float32');
    result.data.set(table!.data);
    owners!.data.forEach((owner, row) => {
      if (owner === -1) return;
      const to = requireIndex(node, owner, row, rows) * width;
      for (let i = 0; i < width; i++) result.data[to + i] = replacements!.data[row * width + i]!;
    });
    return [result];
  },
});

/**
 * A table [V, D] with row owners[r] replaced by row r of `rows` [R, D], for int32 `owners` [R] as `firstRows` gives them: −1 replaces nothing, and no other owner may
 * be there twice.
 * @throws ERR_BPTT_SHAPE when the sizes do not fit; at the run ERR_BPTT_VOCABULARY for an owner outside of −1 … V − 1.
 */
export function replaceRows(table: Value, owners: Value, rows: Value): Value {
  requireValue('replaceRows', 'the table', table);
  requireValue('replaceRows', 'the owners', owners);
  requireValue('replaceRows', 'the rows', rows);
  return applyOne('replaceRows', [table, owners, rows]);
}
