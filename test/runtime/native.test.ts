import assert from 'node:assert/strict';
import { cast, gather, input, less, scan, tanh, variable, withScope, zeros, add, matmul, reshape } from '../../lib/graph/index.ts';
import type { Graph, Variable } from '../../lib/graph/index.ts';
import type { Executable } from '../../lib/runtime/index.ts';
import { assertRejects, assertThrows } from '../support/errors.ts';
import { graphOf, nativeRuntime } from '../differential/support.ts';

const weight: Variable = { name: 'weight', shape: [2, 2], type: 'float32' };

function bind(graph: Graph, variables: readonly Variable[] = []): Executable {
  const runtime = nativeRuntime!;
  return runtime.compile(graph, { layouts: [variables] }).bind([runtime.store(variables)]);
}

describe('the native runtime', () => {
  before(function skipWithoutBuild() {
    if (!nativeRuntime) this.skip();
  });

  it('takes and gives bools as bytes', () => {
    const b = input('b', [3], 'bool');
    const executable = bind(graphOf({ same: b, number: cast(b, 'int32'), small: less(input('x', [2]), 0) }));
    const outputs = executable.run({ b: Uint8Array.of(1, 0, 1), x: Float32Array.of(-1, 1) });
    assert.deepEqual(outputs, { same: Uint8Array.of(1, 0, 1), number: Int32Array.of(1, 0, 1), small: Uint8Array.of(1, 0) });
  });

  it('runs directly on live views', () => {
    const { direct } = bind(graphOf({ y: tanh(input('x', [2])), flag: less(input('x', [2]), 0) }));
    direct.inputs['x']!.set([0, -1]);
    direct.run();
    assert.ok(Math.abs(direct.outputs['y']![1]! - Math.tanh(-1)) < 1e-6);
    assert.deepEqual(direct.outputs['flag'], Uint8Array.of(0, 1));
  });

  it('names what is wrong with inputs', () => {
    const executable = bind(graphOf({ y: tanh(input('x', [2])) }));
    assertThrows(() => executable.run({ x: Float32Array.of(1) }), 'ERR_BPTT_SHAPE', /input "x": expected 2 numbers/);
    assertThrows(() => executable.run({ x: Int32Array.of(1, 2) }), 'ERR_BPTT_TYPE', /Float32Array/);
    assertThrows(() => executable.run({ x: Float32Array.of(1, 2), z: Float32Array.of(1) }), 'ERR_BPTT_TYPE', /unknown input "z"/);
    assertThrows(() => executable.run({}), 'ERR_BPTT_TYPE', /input "x"/);
  });

  it('names layer, index and size of an index out of range', async () => {
    const tokens = input('tokens', [3], 'int32');
    const executable = bind(graphOf({ y: withScope('encoder/embedding', () => gather(input('table', [5, 2]), tokens)) }));
    const inputs = { tokens: Int32Array.of(1, 7, 0), table: new Float32Array(10) };
    assertThrows(() => executable.run(inputs), 'ERR_BPTT_VOCABULARY', /"encoder\/embedding": expected indices from 0 to 4, received 7 at place 1/);
    await assertRejects(() => executable.runAsync(inputs), 'ERR_BPTT_VOCABULARY', /received 7/);
  });

  it('gives the packed weights anew when a variable was touched', () => {
    const runtime = nativeRuntime!;
    const store = runtime.store([weight]);
    const executable = runtime.compile(graphOf({ y: matmul(input('x', [1, 2]), variable(weight)) }), { layouts: [[weight]] }).bind([store]);
    const run = (): number[] => [...executable.run({ x: Float32Array.of(1, 1) })['y']!];
    store.view(weight).set([1, 2, 3, 4]);
    store.touch();
    assert.deepEqual(run(), [4, 6]);
    store.view(weight).set([0, 1, 0, 1]);
    store.touch();
    assert.deepEqual(run(), [0, 2]);
  });

  it('runs off the event loop, one run at a time, and stops when it is told to', async () => {
    const { final } = scan({ initial: { h: zeros([64, 64]) }, length: 20000, step: ({ h }) => ({ next: { h: tanh(matmul(add(h, 0.1), reshape(input('w', [64, 64]), [64, 64]))) } }) });
    const executable = bind(graphOf({ h: final.h }));
    const inputs = { w: new Float32Array(64 * 64).fill(0.01) };
    const controller = new AbortController();
    const run = executable.runAsync(inputs, { signal: controller.signal });
    assertThrows(() => executable.run(inputs), 'ERR_BPTT_BUSY');
    controller.abort(new Error('enough'));
    await assertRejects(() => run, 'ERR_BPTT_ABORTED');
    await assertRejects(() => executable.runAsync(inputs, { signal: controller.signal }), 'ERR_BPTT_ABORTED');
  });

  it('gives results of any size that are the caller\'s own', async () => {
    const x = input('x', [3, 20_000]);
    const executable = bind(graphOf({ large: add(x, 1), whole: cast(x, 'int32'), flags: less(x, 3), small: tanh(input('y', [2])) }));
    const inputs = { x: Float32Array.from({ length: 60_000 }, (_, i) => i % 7), y: Float32Array.of(0, 1) };
    const expected = executable.run(inputs);
    const first = await executable.runAsync(inputs);
    assert.deepEqual(first, expected);
    const second = await executable.runAsync({ ...inputs, x: new Float32Array(60_000) });
    assert.deepEqual(first, expected);
    assert.ok((second['large'] as Float32Array).every((number) => number === 1));
    for (const name of ['large', 'whole']) {
      const array = first[name] as Float32Array;
      assert.equal(array.buffer.byteLength, array.byteLength);
      const moved = structuredClone(array, { transfer: [array.buffer as ArrayBuffer] });
      assert.deepEqual([moved, array.length], [expected[name], 0]);
    }
  });

  it('copies no input that already lies where it is read', async () => {
    const executable = bind(graphOf({ y: add(input('x', [3]), 1) }));
    const x = executable.direct.inputs['x'] as Float32Array;
    x.set([1, 2, 3]);
    assert.deepEqual((await executable.runAsync({ x }))['y'], Float32Array.of(2, 3, 4));
    assert.deepEqual((await executable.runAsync({ x: Float32Array.of(4, 5, 6) }))['y'], Float32Array.of(5, 6, 7));
    assert.deepEqual([...x], [4, 5, 6]);
  });

  it('gives timers their turns between runs that end as fast as they are asked for', async () => {
    const executable = bind(graphOf({ y: add(input('x', [3]), 1) }));
    const chain = 40;
    let answered = 0;
    const answeredAtTurns: number[] = [];
    const timer = setInterval(() => answeredAtTurns.push(answered), 0);
    while (answered < chain) {
      const run = executable.runAsync({ x: Float32Array.of(1, 2, 3) });
      const ended = performance.now() + 5; // the run ends meanwhile, and its answer waits when this turn looks for more to do
      while (performance.now() < ended);
      await run;
      answered++;
    }
    clearInterval(timer);
    const longest = Math.max(...[...answeredAtTurns, chain].map((count, i) => count - (answeredAtTurns[i - 1] ?? 0)));
    assert.ok(longest <= 2, `${longest} runs without a turn; turns after ${answeredAtTurns.join(', ') || 'none'}`);
  });

  it('wants the stores that were announced', () => {
    const runtime = nativeRuntime!;
    const compiled = runtime.compile(graphOf({ y: tanh(variable(weight)) }), { layouts: [[weight]] });
    assertThrows(() => compiled.bind([]), 'ERR_BPTT_GRAPH', /expected 1 stores/);
    assertThrows(() => compiled.bind([runtime.store([])]), 'ERR_BPTT_GRAPH', /store 0/);
    assertThrows(() => runtime.store([]).view(weight), 'ERR_BPTT_GRAPH', /"weight" is not of this store/);
    assert.ok(compiled.arenaBytes >= 0);
  });
});
