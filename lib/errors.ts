/** What went wrong, for programs; the message says it for people. */
export type ErrorCode =
  | 'ERR_BPTT_SHAPE' | 'ERR_BPTT_TYPE' | 'ERR_BPTT_RANGE' | 'ERR_BPTT_OPTION' | 'ERR_BPTT_DATA' | 'ERR_BPTT_VOCABULARY'
  | 'ERR_BPTT_NON_FINITE' | 'ERR_BPTT_BUSY' | 'ERR_BPTT_DISPOSED' | 'ERR_BPTT_ABORTED' | 'ERR_BPTT_FORMAT' | 'ERR_BPTT_PROGRAM'
  | 'ERR_BPTT_RUNTIME' | 'ERR_BPTT_MEMORY' | 'ERR_BPTT_STATE' | 'ERR_BPTT_GRAPH';

/**
 * Every error that the package raises on purpose. `expected` and `received` carry what the message says in words, `cure` what to do about it.
 */
export class BpttError extends Error {
  readonly code: ErrorCode;
  readonly expected: unknown;
  readonly received: unknown;

  constructor(code: ErrorCode, message: string, details: { expected?: unknown; received?: unknown; cause?: unknown } = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = 'BpttError';
    this.code = code;
    this.expected = details.expected;
    this.received = details.received;
  }
}

/** "[50, 32, 128]": how every message prints a shape. */
export function formatShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(', ')}]`;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, previous[j]! + 1, current[j - 1]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}

/** The candidate nearest to `word`, or undefined when none is near enough to be a slip of the finger. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return ranked && ranked.distance <= Math.max(2, Math.floor(word.length / 3)) ? ranked.candidate : undefined;
}

/**
 * Rejects options that nobody would read.
 * @throws ERR_BPTT_TYPE when `options` is not an object; ERR_BPTT_OPTION for a key outside `allowed`, naming the nearest right one.
 */
export function checkOptions(owner: string, options: unknown, allowed: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected an options object, received ${describe(options)}`, { expected: 'object', received: options });
  }
  for (const key of Object.keys(options)) {
    if (allowed.includes(key)) continue;
    const hint = nearest(key, allowed);
    throw new BpttError('ERR_BPTT_OPTION',
      `${owner}: unknown option "${key}"${hint ? `; did you mean "${hint}"?` : ''} (options: ${allowed.join(', ')})`,
      { expected: allowed, received: key });
  }
}

/** A short, safe description of any value for a message. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${'length' in value ? String(value.length) : String(value.byteLength)}`;
  if (Array.isArray(value)) return `array of ${value.length}`;
  return typeof value === 'function' ? 'a function' : `an object of ${value.constructor?.name ?? 'no class'}`;
}

/** An ERR_BPTT_MEMORY for so many numbers, of so many bytes each. */
export function memoryError({ elements, bytes, purpose }: { readonly elements: number; readonly bytes: number; readonly purpose: string }, cause?: unknown): BpttError {
  const gigabytes = (elements * bytes) / 2 ** 30;
  return new BpttError('ERR_BPTT_MEMORY', `no memory for ${elements} numbers (${gigabytes.toPrecision(3)} GiB) of ${purpose}; choose fewer units, rows or steps`,
    { received: elements, ...(cause === undefined ? {} : { cause }) });
}
