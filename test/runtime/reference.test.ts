import assert from 'node:assert/strict';
import * as graph from '../../lib/graph/index.ts';
import type { Graph, Variable } from '../../lib/graph/index.ts';
import { referenceRuntime } from '../../lib/runtime/reference/runtime.ts';

const weight: Variable = { name: 'weight', shape: [2], type: 'float32' };
const counter: Variable = { name: 'counter', shape: [], type: 'int32' };

function counting(): Graph {
  const x = graph.input('x', [2]);
  const flags = graph.input('flags', [2], 'bool');
  const w = graph.variable(weight);
  return {
    inputs: [x, flags],
    outputs: { y: graph.select(flags, graph.multiply(x, w), x), before: w, positive: graph.less(0, x), count: graph.variable(counter) },
    assignments: [{ variable: weight, value: graph.add(w, x) }, { variable: counter, value: graph.add(graph.variable(counter), 1) }],
  };
}

function bound() {
  const stores = [referenceRuntime.store([weight]), referenceRuntime.store([counter])] as const;
  stores[0].view(weight).set([10, 20]);
  const executable = referenceRuntime.compile(counting(), { layouts: [[weight], [counter]] }).bind(stores);
  return { stores, executable };
}

const inputs = { x: Float32Array.of(1, -2), flags: Uint8Array.of(1, 0) };

describe('the reference runtime', () => {
  it('gives outputs from the old variables, then writes the new ones', () => {
    const { stores, executable } = bound();
    const result = executable.run(inputs);
    assert.deepEqual(result, { y: Float64Array.of(10, -2), before: Float64Array.of(10, 20), positive: Uint8Array.of(1, 0), count: Int32Array.of(0) });
    assert.deepEqual([...stores[0].view(weight)], [11, 18]);
    assert.deepEqual([...executable.run(inputs)['count']!], [1]);
    assert.deepEqual([...result['before']], [10, 20]);
  });

  it('two assignments read what was before both', () => {
    const other: Variable = { name: 'other', shape: [2], type: 'float32' };
    const store = referenceRuntime.store([weight, other]);
    store.view(weight).set([1, 2]);
    store.view(other).set([3, 4]);
    const swap: Graph = { inputs: [], outputs: {}, assignments: [{ variable: weight, value: graph.variable(other) }, { variable: other, value: graph.variable(weight) }] };
    referenceRuntime.compile(swap, { layouts: [[weight, other]] }).bind([store]).run({});
    assert.deepEqual([...store.view(weight), ...store.view(other)], [3, 4, 1, 2]);
  });

  it('runs in turn without blocking, from copies of its inputs', async () => {
    const { executable } = bound();
    const x = Float32Array.of(1, 2);
    const pending = executable.runAsync({ x, flags: inputs.flags });
    x.fill(100);
    assert.throws(() => executable.run(inputs), { code: 'ERR_BPTT_BUSY' });
    await assert.rejects(executable.runAsync(inputs), { code: 'ERR_BPTT_BUSY' });
    assert.deepEqual([...(await pending)['y']!], [10, 2]);
    executable.run(inputs);
  });

  it('an abort leaves the variables as they were', async () => {
    const { stores, executable } = bound();
    const reason = new Error('enough');
    await assert.rejects(executable.runAsync(inputs, { signal: AbortSignal.abort(reason) }), { code: 'ERR_BPTT_ABORTED', cause: reason });
    const controller = new AbortController();
    const pending = executable.runAsync(inputs, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(pending, { code: 'ERR_BPTT_ABORTED', cause: reason });
    assert.deepEqual([...stores[0].view(weight)], [10, 20]);
    executable.run(inputs);
  });

  it('direct runs read and write live views', () => {
    const { executable } = bound();
    const { direct } = executable;
    assert.equal(executable.direct, direct);
    direct.inputs['x']!.set([1, 1]);
    direct.inputs['flags']!.set([1, 1]);
    const y = direct.outputs['y']!;
    direct.run();
    assert.deepEqual([...y], [10, 20]);
    direct.run();
    assert.deepEqual([...y], [11, 21]);
  });

  it('names what does not fit', () => {
    const { stores, executable } = bound();
    assert.throws(() => executable.run({ ...inputs, x: Float32Array.of(1) }), { code: 'ERR_BPTT_SHAPE', message: /input "x": expected 2 numbers/ });
    assert.throws(() => executable.run({ ...inputs, x: Int32Array.of(1, 2) }), { code: 'ERR_BPTT_TYPE', message: /input "x": expected a Float32Array/ });
    assert.throws(() => executable.run({ x: inputs.x }), { code: 'ERR_BPTT_TYPE', message: /input "flags".*received undefined/ });
    assert.throws(() => executable.run({ ...inputs, z: inputs.x }), { code: 'ERR_BPTT_TYPE', message: /unknown input "z"/ });
    assert.throws(() => stores[0].view(counter), { code: 'ERR_BPTT_GRAPH', message: /"counter" is not of this store/ });
    assert.throws(() => referenceRuntime.compile(counting(), { layouts: [[weight]] }), { code: 'ERR_BPTT_GRAPH', message: /"counter" is in none of the layouts/ });
    assert.throws(() => referenceRuntime.compile({ ...counting(), inputs: [] }, { layouts: [[weight], [counter]] }), { code: 'ERR_BPTT_GRAPH', message: /input "(x|flags)" is used/ });
    const wrong: Graph = { inputs: [], outputs: {}, assignments: [{ variable: weight, value: graph.zeros([3]) }] };
    assert.throws(() => referenceRuntime.compile(wrong, { layouts: [[weight]] }), { code: 'ERR_BPTT_SHAPE' });
    assert.throws(() => referenceRuntime.compile(counting(), { layouts: [[weight], [counter]] }).bind([stores[0]]), { code: 'ERR_BPTT_GRAPH' });
  });
});
