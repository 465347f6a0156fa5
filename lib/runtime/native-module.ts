/** The only file that loads the .node. What it exports is described here once, for everything above. */
import { createRequire } from 'node:module';
import { BpttError } from '../errors.ts';
import { packageRoot } from '../packageRoot.ts';

/** What the binary and the machine are. */
export interface NativeInfo {
  /** The package version that the binary was built from. */
  readonly version: string;
  /** The program format that it decodes. */
  readonly format: number;
  /** The instruction set in use. */
  readonly isa: string;
  /** Those that this machine can run, the fastest first. */
  readonly isas: readonly string[];
  /** The text of BPTT_ISA, or null. */
  readonly isaRequested: string | null;
  /** False when that text names no instruction set that any build knows; the fastest is then in use. */
  readonly isaRecognised: boolean;
  /** Processors that this process may run on. */
  readonly cores: number;
  /** Threads that a run uses at most, the calling one included. */
  readonly threads: number;
}

/** Zeroed native memory. Freed by the garbage collector when nothing refers to it, its views or an executable bound to it. */
export interface NativeStorage {
  readonly elements: number;
  /** The memory itself as float32, and … */
  readonly floats: Float32Array;
  /** … the same memory as int32. */
  readonly ints: Int32Array;
  /** Grows whenever the content may have changed: by a run that writes it, even a failed one, and by `touch()`. */
  readonly version: number;
  /** To be called after writing through the views. */
  touch(): void;
}

/** A checked program. */
export interface NativeProgram {
  /**
   * Allocates an arena and binds the storages, in the program's order.
   * @throws ERR_BPTT_TYPE for a wrong number of storages or something else among them, ERR_BPTT_RANGE for one that is too small, ERR_BPTT_MEMORY.
   */
  bind(storages: readonly NativeStorage[]): NativeExecutable;
}

/** Why a run failed, on the error that it throws or rejects with. */
export interface NativeRunError extends Error {
  /** ERR_BPTT_RANGE for an index out of range, ERR_BPTT_ABORTED after cancel(), ERR_BPTT_MEMORY. */
  readonly code: 'ERR_BPTT_RANGE' | 'ERR_BPTT_ABORTED' | 'ERR_BPTT_MEMORY';
  /** 1 index out of range, 2 cancelled, 3 out of memory. */
  readonly status: number;
  /** Number of the top-level instruction. */
  readonly instruction: number;
  /** The index found and the row it was found in. */
  readonly details: readonly [index: number, row: number];
}

/** Part of an executable's last storage, to be copied out of it. */
export interface NativeCopy {
  /** The first element. */
  readonly offset: number;
  /** Is filled: as many elements as it has room for. Must not be transferred away before the run has ended. */
  readonly target: ArrayBuffer;
}

/** A program bound to its storages. One run at a time, and no run while another one uses a storage that either of them writes. */
export interface NativeExecutable {
  /** Runs on the calling thread with the help of the pool. @throws NativeRunError, or ERR_BPTT_BUSY. */
  run(): void;
  /**
   * Runs off the event loop, after the runs that were queued before. Storages must not be written until it has ended.
   * @returns a promise that resolves when the run has ended well, else rejects with a NativeRunError.
   * @param copies made by the run's threads after a run that ended well, before the promise resolves. Default none.
   * @throws ERR_BPTT_BUSY; ERR_BPTT_TYPE for copies that are none, ERR_BPTT_RANGE for one that reaches beyond the storage.
   */
  runAsync(copies?: readonly NativeCopy[]): Promise<void>;
  /**
   * Stops what `runAsync` began last between two instructions or two steps. Storages but the last one are then unchanged: once the program has begun to
   * write any of them, it is finished and the promise resolves. May be called at any time and more than once.
   */
  cancel(): void;
}

export interface NativeModule {
  info(): NativeInfo;
  /** How many threads runs may use from now on. @throws ERR_BPTT_RANGE outside 1 … 256. */
  setThreads(count: number): void;
  /**
   * Copies numbers between arrays of the same length, which lie apart. @returns whether every number is finite
   * @throws ERR_BPTT_TYPE for anything but two Float32Arrays, ERR_BPTT_SHAPE for different lengths.
   */
  copyFinite(from: Float32Array, to: Float32Array): boolean;
  readonly Storage: new (elements: number) => NativeStorage;
  /**
   * Decodes a program: docs/program-format.md. The bytes are copied.
   * @throws ERR_BPTT_PROGRAM naming the word or instruction that is wrong, ERR_BPTT_TYPE for anything but bytes.
   */
  readonly Program: new (bytes: ArrayBuffer | ArrayBufferView) => NativeProgram;
}

function load(): { module: NativeModule } | { error: BpttError } {
  try {
    const require = createRequire(import.meta.url);
    const nodeGypBuild = require('node-gyp-build') as (root: string) => NativeModule;
    return { module: nodeGypBuild(packageRoot) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    return {
      error: new BpttError('ERR_BPTT_RUNTIME',
        `no native build of bptt loads on ${process.platform}-${process.arch} (${reason}); \`npx bptt build\` compiles one on the spot`, { cause }),
    };
  }
}

let loaded: { module: NativeModule } | { error: BpttError } | undefined;

/** The native module, or why there is none. Looked for once; never throws. */
export function loadNative(): { module: NativeModule } | { error: BpttError } {
  loaded ??= load();
  return loaded;
}
