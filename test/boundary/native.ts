import { loadNative, type NativeExecutable, type NativeModule, type NativeStorage } from '../../lib/runtime/native-module.ts';
import { Assembler, opcode } from '../support/assemble.ts';

/** The native module; throws when none loads. */
export function native(): NativeModule {
  const loaded = loadNative();
  if ('error' in loaded) throw loaded.error;
  return loaded.module;
}

/** Storage 0 holds 4 floats, storage 1 gets their doubles: the smallest program. */
export function doubling(access = 3): Int32Array {
  const assembler = new Assembler();
  const source = assembler.storage(4, 3); // may be written, but is not
  const target = assembler.storage(4, access);
  const entry = assembler.map(0, [], [[1, 64, 64, 64, 0]]);
  const operands = [assembler.operand({ space: source, dims: [4] }), assembler.operand({ space: target, dims: [4] })];
  return assembler.add(opcode.map, operands, [entry, 1]).words();
}

/** A program that takes `steps` steps of about a microsecond each. */
export function long(steps: number): Int32Array {
  const assembler = new Assembler();
  const target = assembler.storage(4096);
  const entry = assembler.map(0, [1], [[1, 64, 64, 128, 0]]);
  const place = assembler.operand({ space: target, dims: [4096] });
  return assembler.scan({ steps }, [Assembler.instruction(opcode.map, [place, place], [entry, 1])]).words();
}

/** `outputs[i] = row of a [5, 3] table`: fails for an index outside 0 … 4. */
export function gathering(): Int32Array {
  const assembler = new Assembler();
  const storage = assembler.storage(64);
  const table = assembler.operand({ space: storage, dims: [5, 3] });
  const indices = assembler.operand({ space: storage, offset: 20, type: 1, dims: [2] });
  const rows = assembler.operand({ space: storage, offset: 30, dims: [2, 3] });
  return assembler.add(opcode.gather, [table, indices, rows]).words();
}

/** `long(steps)` with a storage of its own. */
export function bindLong(module: NativeModule, steps: number): { executable: NativeExecutable; storage: NativeStorage } {
  const storage = new module.Storage(4096);
  return { executable: new module.Program(long(steps)).bind([storage]), storage };
}
