import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { NativeExecutable, NativeModule, NativeRunError, NativeStorage } from '../../lib/runtime/native-module.ts';
import { Assembler, opcode } from '../support/assemble.ts';
import { lastLine, runChild } from '../support/child.ts';
import { describeGrowth, givingBack } from '../support/growth.ts';
import type { Growth } from '../support/growth.ts';
import { startWorker } from '../support/worker.ts';
import { bindLong, doubling, gathering, native } from './native.ts';

const child = (name: string): string => fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url));
const withCode = (code: string, message?: RegExp) => (error: unknown): boolean => {
  assert.ok(error instanceof Error);
  assert.equal((error as NativeRunError).code, code, error.message);
  if (message) assert.match(error.message, message);
  return true;
};

describe('the native module', () => {
  let module: NativeModule;
  before(() => { module = native(); });

  describe('what it says of itself', () => {
    it('names the instruction set, the cores and the threads', () => {
      const info = module.info();
      assert.equal(info.format, 2);
      assert.match(info.version, /^\d+\.\d+\.\d+/);
      assert.ok(info.isas.includes(info.isa));
      assert.equal(info.isas.at(-1), 'scalar');
      assert.ok(info.cores >= 1 && info.threads >= 1);
    });

    it('takes any number of threads from 1 to 256 and no other', () => {
      const { threads } = module.info();
      for (const count of [1, 2, 256]) {
        module.setThreads(count);
        assert.equal(module.info().threads, count);
      }
      module.setThreads(threads);
      for (const wrong of [0, -1, 257, 1e6, 1.5, NaN, Infinity, '2', null, undefined, {}, Symbol('2')]) {
        assert.throws(() => module.setThreads(wrong as number), /setThreads|Symbol/);
      }
      assert.equal(module.info().threads, threads);
    });
  });

  describe('copying numbers', () => {
    const wrongNumbers = [NaN, Infinity, -Infinity];

    it('copies every bit and says that all are finite', () => {
      const edges = [0, -0, 1, -1, 3.4028234663852886e38, -3.4028234663852886e38, 1.401298464324817e-45, 1.1754943508222875e-38];
      for (const count of [0, 1, 7, 8, 9, 2047, 2048, 2049, 5000]) {
        const from = Float32Array.from({ length: count }, (_, i) => edges[i % edges.length]!);
        const to = new Float32Array(count + 2).fill(7);
        assert.equal(module.copyFinite(from, to.subarray(1, count + 1)), true);
        assert.deepEqual(to, Float32Array.from([7, ...from, 7]));
      }
    });

    it('finds one number that is not finite, wherever it is', () => {
      for (const count of [1, 5, 16, 37, 2048, 2049, 4100]) {
        const from = new Float32Array(count).fill(-2);
        const to = new Float32Array(count);
        const places = count < 50 ? [...from.keys()] : [0, 1, 2046, 2047, count - 2, count - 1];
        for (const place of places) {
          for (const wrong of wrongNumbers) {
            from[place] = wrong;
            assert.equal(module.copyFinite(from, to), false, `${wrong} at ${place} of ${count}`);
          }
          from[place] = -2;
        }
        assert.equal(module.copyFinite(from, to), true);
      }
    });

    it('takes two Float32Arrays of one length and nothing else', () => {
      const numbers = new Float32Array(4);
      for (const wrong of [undefined, null, 4, 'text', {}, [1, 2, 3, 4], new Float64Array(4), new Int32Array(4), new DataView(numbers.buffer), numbers.buffer, new Proxy(numbers, {})]) {
        assert.throws(() => module.copyFinite(wrong as Float32Array, numbers), withCode('ERR_BPTT_TYPE', /two Float32Arrays/));
        assert.throws(() => module.copyFinite(numbers, wrong as Float32Array), withCode('ERR_BPTT_TYPE', /two Float32Arrays/));
      }
      assert.throws(() => module.copyFinite(numbers, new Float32Array(3)), withCode('ERR_BPTT_SHAPE', /same length/));
      const gone = new Float32Array(4);
      structuredClone(gone.buffer, { transfer: [gone.buffer] });
      assert.throws(() => module.copyFinite(numbers, gone), withCode('ERR_BPTT_SHAPE'));
    });
  });

  describe('a storage', () => {
    it('begins as zeros that two views share', () => {
      const storage = new module.Storage(3);
      assert.deepEqual([...storage.floats], [0, 0, 0]);
      storage.floats[1] = 1;
      assert.equal(storage.ints[1], 0x3f800000);
      assert.equal(storage.elements, 3);
      assert.equal(storage.floats.buffer, storage.ints.buffer);
    });

    it('may be empty', () => {
      assert.equal(new module.Storage(0).floats.length, 0);
    });

    it('counts its versions', () => {
      const storage = new module.Storage(1);
      const { version } = storage;
      storage.touch();
      assert.equal(storage.version, version + 1);
    });

    it('refuses sizes that are none', () => {
      for (const wrong of [-1, 0.5, NaN, 2 ** 50, '4', undefined, null, {}]) {
        assert.throws(() => new module.Storage(wrong as number), withCode('ERR_BPTT_RANGE'));
      }
      assert.throws(() => new module.Storage(2 ** 39), Error);
    });

    it('keeps its memory alive through its views', async () => {
      const floats = (() => new module.Storage(1000).floats.fill(7))();
      for (let round = 0; round < 20; round++) new module.Storage(100_000);
      await new Promise((resolve) => { setImmediate(resolve); });
      assert.ok(floats.every((value) => value === 7));
    });
  });

  describe('a program', () => {
    it('is read from a buffer or from the part of one that a view shows', () => {
      const words = doubling();
      const framed = new Uint8Array(words.byteLength + 24);
      framed.set(new Uint8Array(words.buffer), 8);
      const views = [words, words.buffer, new Uint8Array(words.buffer), new DataView(framed.buffer, 8, words.byteLength), framed.subarray(8, 8 + words.byteLength),
        Buffer.from(framed.buffer, 8, words.byteLength)];
      for (const view of views) {
        const source = new module.Storage(4);
        const target = new module.Storage(4);
        source.floats.set([1, 2, 3, 4]);
        new module.Program(view as ArrayBuffer).bind([source, target]).run();
        assert.deepEqual([...target.floats], [2, 4, 6, 8]);
      }
    });

    it('is not affected by what happens to the bytes afterwards', () => {
      const words = doubling();
      const program = new module.Program(words);
      words.fill(0);
      program.bind([new module.Storage(4), new module.Storage(4)]).run();
    });

    it('says which word or instruction is wrong', () => {
      const assembler = new Assembler();
      const place = assembler.storage(4);
      const out = assembler.operand({ space: place, offset: 1, dims: [4] });
      const entry = assembler.map(0, [1], [[0, 64, 128, 0, 0]]);
      assembler.add(opcode.map, [out], [entry, 0]);
      assert.throws(() => new module.Program(assembler.words()), withCode('ERR_BPTT_PROGRAM', /instruction 0: map: operand 0 touches elements 1 to 4 of space 2 with 4/));
      assert.throws(() => new module.Program(new ArrayBuffer(0)), withCode('ERR_BPTT_PROGRAM', /header/));
      assert.throws(() => new module.Program(new Uint8Array(7)), withCode('ERR_BPTT_PROGRAM', /7 bytes/));
    });

    it('survives every changed word', () => {
      const original = doubling();
      for (let word = 0; word < original.length; word++) {
        for (const value of [0, 1, 2, 255, 0x7fffffff, -1, -2147483648]) {
          const words = original.slice();
          words[word] = value;
          try {
            new module.Program(words).bind([new module.Storage(4), new module.Storage(4)]).run();
          } catch (error) {
            assert.ok(['ERR_BPTT_PROGRAM', 'ERR_BPTT_TYPE', 'ERR_BPTT_RANGE', 'ERR_BPTT_MEMORY'].includes((error as NativeRunError).code), String(error));
          }
        }
      }
    });

    it('refuses anything but bytes', () => {
      for (const wrong of [undefined, null, 1, 'x', {}, [], () => undefined, new module.Storage(4)]) {
        assert.throws(() => new module.Program(wrong as ArrayBuffer), withCode('ERR_BPTT_TYPE'));
      }
    });

    it('refuses storages that are wrong in number, kind or size', () => {
      const program = new module.Program(doubling());
      const storage = new module.Storage(4);
      for (const wrong of [undefined, {}, [], [storage], [storage, storage, storage], [storage, {}], [storage, null], [storage, new Proxy(storage, {})],
        [storage, Object.create(storage) as unknown], [storage, new module.Program(doubling())]]) {
        assert.throws(() => program.bind(wrong as never), withCode('ERR_BPTT_TYPE'));
      }
      assert.throws(() => program.bind([storage, new module.Storage(3)]), withCode('ERR_BPTT_RANGE', /storage 1 holds 3 elements, the program takes 4/));
    });

    it('survives a list whose elements throw when read', () => {
      const program = new module.Program(doubling());
      for (const thrown of [null, undefined, 1, new Error('mine')]) {
        const list = [new module.Storage(4), new module.Storage(4)];
        Object.defineProperty(list, 1, { get() { throw thrown as Error; } });
        assert.throws(() => program.bind(list));
      }
    });

    it('is not fooled by a forged this', () => {
      const program = new module.Program(doubling());
      const storage = new module.Storage(4);
      const executable = program.bind([storage, new module.Storage(4)]);
      const forged = [{}, null, undefined, 1, storage, program, executable, Object.create(program) as unknown];
      for (const self of forged) {
        if (self !== program) assert.throws(() => program.bind.call(self as never, [storage, storage]), TypeError);
        if (self !== storage) assert.throws(() => storage.touch.call(self as never), TypeError);
        if (self !== executable) assert.throws(() => executable.run.call(self as never), TypeError);
        if (self !== executable) assert.throws(() => executable.runAsync.call(self as never), TypeError);
      }
      const Executable = executable.constructor as new () => unknown;
      assert.throws(() => new Executable(), withCode('ERR_BPTT_TYPE', /Program.bind/));
      assert.throws(() => (module.Storage as unknown as () => void)(), TypeError);
      const mixed = Reflect.construct(module.Program, [doubling()], module.Storage) as unknown as typeof storage;  // a program that looks like a storage
      assert.throws(() => mixed.touch(), TypeError);
      assert.throws(() => program.bind([storage, mixed]), withCode('ERR_BPTT_TYPE'));
    });
  });
});

describe('a native run', () => {
  let module: NativeModule;
  before(() => { module = native(); });

  it('raises the versions of what it writes and of nothing else', async () => {
    const source = new module.Storage(4);
    const target = new module.Storage(4);
    const executable = new module.Program(doubling()).bind([source, target]);
    const versions = (): number[] => [source.version, target.version];
    const [before0, before1] = versions() as [number, number];
    executable.run();
    assert.deepEqual(versions(), [before0, before1 + 1]);
    await executable.runAsync();
    assert.deepEqual(versions(), [before0, before1 + 2]);
  });

  it('tells index, row and instruction when an index is out of range', async () => {
    const storage = new module.Storage(64);
    const executable = new module.Program(gathering()).bind([storage]);
    storage.ints[21] = 5;
    const expected = (error: unknown): boolean => {
      assert.deepEqual({ ...(error as NativeRunError) }, { code: 'ERR_BPTT_RANGE', status: 1, instruction: 0, details: [5, 1] });
      return true;
    };
    assert.throws(() => executable.run(), expected);
    await assert.rejects(executable.runAsync(), expected);
    storage.ints[21] = 4;
    executable.run();
  });

  it('leases its storages: readers together, a writer alone', async () => {
    const shared = new module.Storage(4096);
    const slow = new module.Program(copying()).bind([shared, new module.Storage(4096)]);
    const reader = new module.Program(doubling()).bind([shared, new module.Storage(4)]);
    const writer = new module.Program(doubling()).bind([new module.Storage(4), shared]);
    const running = slow.runAsync();
    assert.throws(() => slow.run(), withCode('ERR_BPTT_BUSY', /executable is running/));
    assert.throws(() => slow.runAsync(), withCode('ERR_BPTT_BUSY'));
    reader.run();
    assert.throws(() => writer.run(), withCode('ERR_BPTT_BUSY', /storage/));
    slow.cancel();
    await assert.rejects(running, withCode('ERR_BPTT_ABORTED'));
    writer.run();
    slow.runAsync().catch(() => undefined);
    slow.cancel();
  });

  it('may have one storage in two roles', () => {
    const storage = new module.Storage(4);
    storage.floats.fill(3);
    const executable = new module.Program(doubling()).bind([storage, storage]);
    executable.run();
    executable.run();
    assert.equal(storage.floats[0], 12);
  });

  describe('copies of what it has computed', () => {
    const collect = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

    /** Doubles the first four elements of a larger storage that is numbered throughout. */
    function numbered(count: number): { executable: NativeExecutable; target: NativeStorage } {
      const [source, target] = [new module.Storage(4), new module.Storage(count)];
      source.floats.set([1, 2, 3, 4]);
      target.floats.forEach((_, i) => { target.floats[i] = i; });
      return { executable: new module.Program(doubling()).bind([source, target]), target };
    }

    it('have the elements that were asked for, of any number', async () => {
      const { executable, target } = numbered(300_000);
      const ranges = [[0, 6], [1, 32_769], [5, 0], [299_999, 1], [7, 299_993], [0, 300_000], [300_000, 0]] as const;
      const copies = ranges.map(([offset, count]) => ({ offset, target: new ArrayBuffer(4 * count) }));
      await executable.runAsync(copies);
      const expected = Float32Array.from(target.floats);
      assert.deepEqual([...expected.subarray(0, 6)], [2, 4, 6, 8, 4, 5]);
      target.floats.fill(-1);
      for (let round = 0; round < 5; round++) await collect();
      ranges.forEach(([offset, count], i) => assert.deepEqual(new Float32Array(copies[i]!.target), expected.subarray(offset, offset + count)));
    });

    it('are not made of a run that failed or was cancelled', async () => {
      const storage = new module.Storage(64);
      storage.ints[21] = 5;
      const failed = { offset: 0, target: new ArrayBuffer(256) };
      await assert.rejects(new module.Program(gathering()).bind([storage]).runAsync([failed]), withCode('ERR_BPTT_RANGE'));
      const long = bindLong(module, 2_000_000_000);
      const cancelled = { offset: 0, target: new ArrayBuffer(4 * 4096) };
      const running = long.executable.runAsync([cancelled]);
      long.executable.cancel();
      await assert.rejects(running, withCode('ERR_BPTT_ABORTED'));
      for (const { target } of [failed, cancelled]) assert.ok(new Int32Array(target).every((bits) => bits === 0));
    });

    it('are refused where they are none or reach too far, and nothing runs', async () => {
      const { executable, target } = numbered(100);
      const good = { offset: 0, target: new ArrayBuffer(8) };
      for (const wrong of [null, 1, 'x', {}, [null], [1], [{}], [{ offset: 0 }], [{ offset: '0', target: good.target }], [{ offset: 0, target: new Float32Array(2) }],
        [good, { offset: 0, target: new SharedArrayBuffer(8) }]]) {
        assert.throws(() => executable.runAsync(wrong as never), withCode('ERR_BPTT_TYPE', /runAsync/));
      }
      for (const offset of [-1, 0.5, NaN, Infinity, 99, 100, 2 ** 53]) {
        assert.throws(() => executable.runAsync([good, { offset, target: good.target }]), withCode('ERR_BPTT_RANGE', /copy 1/));
      }
      assert.throws(() => executable.runAsync([{ offset: 0, target: new ArrayBuffer(7) }]), withCode('ERR_BPTT_RANGE', /copy 0/));
      const thrown = Object.defineProperty([good], 0, { get() { throw new Error('mine'); } });
      assert.throws(() => executable.runAsync(thrown), /mine/);
      assert.equal(target.floats[3], 3);
      await executable.runAsync([{ offset: 98, target: good.target }]);
      assert.deepEqual([...new Float32Array(good.target)], [98, 99]);
    });
  });

  it('lets the event loop go on', async () => {
    const { executable } = bindLong(module, 2_000_000_000);
    const running = executable.runAsync();
    for (let tick = 0; tick < 20; tick++) await new Promise((resolve) => { setImmediate(resolve); });
    executable.cancel();
    await assert.rejects(running, withCode('ERR_BPTT_ABORTED'));
  });

  it('is cancelled within a step, before it begins or after its end', async () => {
    const { executable, storage } = bindLong(module, 2_000_000_000);
    const running = executable.runAsync();
    setTimeout(() => executable.cancel(), 20);
    const begun = performance.now();
    await assert.rejects(running, withCode('ERR_BPTT_ABORTED', /cancelled/));
    assert.ok(performance.now() - begun < 5000);
    assert.ok(storage.floats[0]! >= 0);
    const early = executable.runAsync();
    executable.cancel();
    await assert.rejects(early, withCode('ERR_BPTT_ABORTED'));
    const short = bindLong(module, 1).executable;
    short.cancel();
    await short.runAsync();
    short.cancel();
    short.cancel();
    await short.runAsync();
  });

  it('keeps the order of the queue', async () => {
    const order: number[] = [];
    const runs = [3000, 1, 500].map((steps, index) => bindLong(module, steps).executable.runAsync().then(() => order.push(index)));
    await Promise.all(runs);
    assert.deepEqual(order, [0, 1, 2]);
  });

  it('gives the same bits beside another run and alone', async () => {
    const long = bindLong(module, 2_000_000_000).executable;
    const busy = long.runAsync();
    const source = new module.Storage(4);
    source.floats.set([1, 2, 3, 4]);
    const target = new module.Storage(4);
    const executable = new module.Program(doubling()).bind([source, target]);
    for (let round = 0; round < 100; round++) executable.run();
    assert.deepEqual([...target.floats], [2, 4, 6, 8]);
    long.cancel();
    await assert.rejects(busy);
  });

  it('works in several worker threads at once', async () => {
    const workers = [0, 1, 2].map(() => startWorker(new URL('./children/ended.ts', import.meta.url), { workerData: ['finished', 'return'] }));
    const codes = await Promise.all(workers.map((worker) => new Promise<number>((resolve, reject) => {
      worker.once('exit', resolve).once('error', reject);
    })));
    assert.deepEqual(codes, [0, 0, 0]);
  });
});

/** A long run that reads storage 0 and writes storage 1. */
function copying(): Int32Array {
  const assembler = new Assembler();
  const source = assembler.storage(4096, 1);
  const target = assembler.storage(4096);
  const entry = assembler.map(0, [], [[0, 64, 64, 0, 0]]);
  const operands = [assembler.operand({ space: source, dims: [4096] }), assembler.operand({ space: target, dims: [4096] })];
  return assembler.scan({ steps: 2_000_000_000 }, [Assembler.instruction(opcode.map, operands, [entry, 1])]).words();
}

describe('the end of a process with native work', function () {
  this.timeout(60_000);
  const stages = ['loaded', 'bound', 'queued', 'running', 'finished'];

  for (const stage of stages) {
    it(`comes at once by process.exit(), a throw or worker.terminate() when it is ${stage}`, async () => {
      const [exit, thrown, terminated] = await Promise.all(['exit', 'throw', 'terminate'].map((way) => runChild(child('ended'), { arguments: [stage, way], timeout: 30_000 })));
      assert.deepEqual([exit!.code, exit!.signal], [7, null], exit!.stderr);
      assert.deepEqual([thrown!.code, thrown!.signal], [1, null]);
      assert.match(thrown!.stderr, /on purpose/);
      assert.deepEqual([terminated!.code, terminated!.signal], [0, null], terminated!.stderr);
      assert.ok(Number(/terminated in ([\d.]+)/.exec(terminated!.stdout)?.[1]) < 5000, terminated!.stdout);
    });
  }

  it('is not held up by an idle queue', async () => {
    const result = await runChild(child('ended'), { arguments: ['finished', 'return'], timeout: 30_000 });
    assert.deepEqual([result.code, result.signal], [0, null], result.stderr);
  });
});

describe('native memory', function () {
  this.timeout(60_000);

  it('is freed by the collector, and 100,000 runs take none', async function () {
    if (process.env['LD_PRELOAD']?.includes('san.so')) this.skip(); // a sanitizer keeps freed memory back on purpose
    const { dropped, runs } = lastLine<{ dropped: Growth; runs: Growth }>(await runChild(child('collected'), { environment: givingBack }));
    assert.ok(dropped.megabytes < 10, `grew by ${describeGrowth(dropped)} while a gigabyte was dropped`);
    assert.ok(runs.megabytes < 5, `grew by ${describeGrowth(runs)} in 100,000 runs`);
  });
});
