import assert from 'node:assert/strict';
import { fromDisk, toDisk, type DiskParameter } from '../../lib/formats/diskLayout.ts';
import type { StoredTensor } from '../../lib/formats/safetensors.ts';

const gates = (names: string): { name: string; size: number }[] => [...names].map((name) => ({ name, size: 1 }));

function parameter(diskName: string, shape: number[], view: number[], names?: string): DiskParameter {
  return { diskName, diskTransposed: shape.length === 2, shape, view: Float32Array.from(view), gates: names ? gates(names) : undefined };
}

/** A GRU of one unit over two features with one bias per gate: only n has a recurrent bias of its own. */
const gru = [
  parameter('gru.weight_ih_l0', [2, 3], [1, 2, 3, 4, 5, 6], 'rzn'),
  parameter('gru.weight_hh_l0', [1, 3], [7, 8, 9], 'rzn'),
  parameter('gru.bias_ih_l0', [3], [10, 11, 12], 'rzn'),
  parameter('gru.bias_hh_l0', [1], [13], 'n'),
];

const load = (tensors: Map<string, StoredTensor>): number[][] => [...fromDisk({ tensors, metadata: {} }, gru, 'w').values()].map((numbers) => [...numbers]);
const changed = (change: (tensors: Map<string, StoredTensor>) => void): Map<string, StoredTensor> => {
  const tensors = toDisk(gru);
  change(tensors);
  return tensors;
};

describe('layout on disk', () => {
  it("writes PyTorch's shapes: gates by rows, and bias_hh for every gate", () => {
    const tensors = toDisk(gru);
    assert.deepEqual(tensors.get('gru.weight_ih_l0'), { shape: [3, 2], data: Float32Array.of(1, 4, 2, 5, 3, 6) });
    assert.deepEqual(tensors.get('gru.bias_hh_l0'), { shape: [3], data: Float32Array.of(0, 0, 13) });
  });

  it("writes filters of convolutions in PyTorch's order, [filters, channels, kernel…]", () => {
    const [line, picture] = [parameter('a', [2, 3, 2], Array.from({ length: 12 }, (_, i) => i)), parameter('b', [2, 2, 1, 3], Array.from({ length: 12 }, (_, i) => i))];
    const filters = [line, picture].map((one) => ({ ...one, diskTransposed: true }));
    const tensors = toDisk(filters);
    assert.deepEqual(tensors.get('a'), { shape: [2, 3, 2], data: Float32Array.of(0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11) });
    assert.deepEqual(tensors.get('b'), { shape: [3, 1, 2, 2], data: Float32Array.of(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11) });
    assert.deepEqual([...fromDisk({ tensors, metadata: {} }, filters, 'w').values()].map((numbers) => [...numbers]), filters.map(({ view }) => [...view]));
  });

  it('gives back what it wrote', () => {
    assert.deepEqual(load(toDisk(gru)), gru.map(({ view }) => [...view]));
  });

  it('adds the second bias of other libraries to the one it keeps', () => {
    const tensors = changed((all) => all.set('gru.bias_hh_l0', { shape: [3], data: Float32Array.of(0.5, 0.25, 20) }));
    assert.deepEqual(load(tensors).slice(2), [[10.5, 11.25, 12], [20]]);
  });

  it('leaves recurrences with both biases, or none, as they are', () => {
    const double = [...gru.slice(0, 3), parameter('gru.bias_hh_l0', [3], [1, 2, 3], 'rzn')];
    assert.deepEqual([...toDisk(double).get('gru.bias_hh_l0')!.data], [1, 2, 3]);
    assert.deepEqual([...toDisk(gru.slice(0, 2)).keys()], ['gru.weight_ih_l0', 'gru.weight_hh_l0']);
  });

  it('names what is missing, left over, of another type or shape', () => {
    const rejects = (tensors: Map<string, StoredTensor>, message: RegExp): void => assert.throws(() => load(tensors), { code: 'ERR_BPTT_FORMAT', message });
    rejects(changed((all) => all.delete('gru.bias_ih_l0')), /expected a tensor "gru\.bias_ih_l0", found none/);
    rejects(changed((all) => all.set('gru.bias_ih_l1', { shape: [3], data: new Float32Array(3) })), /holds "gru\.bias_ih_l1", which the model does not have \(near: "gru\.bias_ih_l0"\)/);
    rejects(changed((all) => all.set('gru.bias_ih_l0', { shape: [3], data: new Int32Array(3) })), /expected float32, received Int32Array/);
    rejects(changed((all) => all.set('gru.weight_ih_l0', { shape: [2, 3], data: new Float32Array(6) })), /expected shape \[3, 2\], received \[2, 3\]/);
  });
});
