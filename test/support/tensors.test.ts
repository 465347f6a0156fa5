import assert from 'node:assert/strict';
import { assertClose, fromNested, joinLast, numbers, part, permute, relativeError, stackParts } from './tensors.ts';

describe('test support: tensors', () => {
  const counted = numbers([2, 3], [0, 1, 2, 3, 4, 5]);

  it('permutes axes', () => {
    assert.deepEqual([...permute(counted, [1, 0]).data], [0, 3, 1, 4, 2, 5]);
    const cube = numbers([2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual([...permute(cube, [1, 0, 2]).data], [0, 1, 4, 5, 2, 3, 6, 7]);
    assert.deepEqual([...permute(cube, [2, 0, 1]).data], [0, 2, 4, 6, 1, 3, 5, 7]);
  });

  it('takes parts, stacks them and joins them', () => {
    assert.deepEqual([...part(counted, 1).data], [3, 4, 5]);
    assert.deepEqual(stackParts([part(counted, 0), part(counted, 1)]), counted);
    assert.deepEqual([...joinLast([counted, fromNested([[9], [8]])]).data], [0, 1, 2, 9, 3, 4, 5, 8]);
  });

  it('tells near from far, and fails on NaN', () => {
    assert.equal(relativeError([1, 4], [1, 5]), 0.2);
    assert.throws(() => assertClose(numbers([1], [NaN]), numbers([1], [1]), 1, 'value'), /value: relative error NaN/);
    assert.throws(() => assertClose(numbers([2], [1, 2.1]), numbers([2], [1, 2]), 1e-3, 'value'), /element 1 is 2.1, expected 2/);
    assert.throws(() => assertClose(numbers([1, 1], [1]), numbers([1], [1]), 1, 'value'), /shape/);
  });
});
