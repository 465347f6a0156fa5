import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BpttError, describe } from '../../lib/errors.ts';

/** Values that no option means: of every type, and numbers at every edge. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, true, false, '', ' ', 'lstm', 'forward', 'sum', 'tanh', '__proto__', 'constructor'),
  fc.constantFrom<unknown>(NaN, Infinity, -Infinity, -0, 0, 0.5, -1, 1, 2, 3, 1e-320, 1e9, 2 ** 31, 2 ** 32, 2 ** 53, 1e308),
  fc.constantFrom<unknown>(10n, Symbol('option'), () => 1, new Date(0), new Map(), /x/, [], {}, [NaN], [1, 2], [[1], [2, 3]], { a: 1 }),
  fc.constantFrom<unknown>(new Float32Array(3), new Float64Array([NaN]), new Int32Array([1, -1]), new Uint8Array(0), new BigInt64Array(2), new DataView(new ArrayBuffer(8)), new ArrayBuffer(8)),
  fc.integer(), fc.double(), fc.string({ maxLength: 6 }),
);

/** An options object: some of the right names with wrong (or right) values, sometimes a name that nobody knows. */
export function hostileOptions(names: readonly string[]): fc.Arbitrary<Record<string, unknown>> {
  const known = fc.dictionary(fc.constantFrom(...names, ...names, 'unitz', 'toString'), hostileValue, { maxKeys: names.length });
  return known.map((entries) => ({ ...entries }));
}

/** What was tried, for the message of a failure. */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return describe(value);
  return `{ ${Object.entries(value).map(([name, each]) => `${name}: ${describe(each)}`).join(', ')} }`;
}

/**
 * Calls a function that must give a result or a typed error: never another error, and never without a message.
 * @returns whether it gave a result.
 */
export function answersOrRefuses(call: () => unknown, tried: unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (!(error instanceof BpttError)) assert.fail(`${shown(tried)}: expected a BpttError, received ${error instanceof Error ? error.stack : String(error)}`);
    assert.match(error.code, /^ERR_BPTT_[A-Z_]+$/);
    assert.ok(error.message.length > 10, `${shown(tried)}: a message that says little: ${error.message}`);
    return false;
  }
}

/** The same for promises. */
export async function answersOrRejects(call: () => Promise<unknown>, tried: unknown): Promise<boolean> {
  try {
    await call();
    return true;
  } catch (error) {
    return answersOrRefuses(() => { throw error; }, tried);
  }
}
