import assert from 'node:assert/strict';
import { BpttError } from '../../lib/errors.ts';
import type { ErrorCode } from '../../lib/errors.ts';

/** Asserts that `run` throws a BpttError of this code whose message matches. */
export function assertThrows(run: () => unknown, code: ErrorCode, message?: RegExp): void {
  assert.throws(run, (error: unknown) => matches(error, code, message));
}

/** Asserts that `run` rejects with a BpttError of this code whose message matches. */
export async function assertRejects(run: () => Promise<unknown>, code: ErrorCode, message?: RegExp): Promise<void> {
  await assert.rejects(run, (error: unknown) => matches(error, code, message));
}

function matches(error: unknown, code: ErrorCode, message: RegExp | undefined): true {
  assert.ok(error instanceof BpttError, `expected a BpttError, received ${String(error)}`);
  assert.equal(error.code, code, error.message);
  if (message) assert.match(error.message, message);
  return true;
}
