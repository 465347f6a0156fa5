import { constants } from 'node:buffer';
import { BpttError, memoryError } from '../errors.ts';
import type { NativeModule, NativeStorage } from './native-module.ts';

/** Numbers of 4 bytes that one block holds at most: what this Node can show as one ArrayBuffer. */
const mostNumbers = Math.floor(constants.MAX_LENGTH / Float32Array.BYTES_PER_ELEMENT);

/** "4.00024 GiB" for so many numbers of 4 bytes. */
function sizeOf(elements: number): string {
  return `${Number(((elements * Float32Array.BYTES_PER_ELEMENT) / 2 ** 30).toPrecision(6))} GiB`;
}

/**
 * Native memory, zeroed.
 * @throws ERR_BPTT_MEMORY when there is none of that size, and before any is taken when it is more than `mostNumbers`.
 */
export function allocateStorage(module: NativeModule, elements: number, purpose: string): NativeStorage {
  if (elements > mostNumbers) {
    throw new BpttError('ERR_BPTT_MEMORY', `expected at most ${mostNumbers} numbers (${sizeOf(mostNumbers)}) of ${purpose} in one block, which is what this Node can show, `
      + `received ${elements} (${sizeOf(elements)}); choose fewer units, rows or steps`, { expected: mostNumbers, received: elements });
  }
  try {
    return new module.Storage(Math.max(1, elements));
  } catch (cause) {
    throw memoryError({ elements, bytes: 4, purpose }, cause);
  }
}
