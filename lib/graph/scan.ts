import { BpttError, checkOptions, describe, formatShape, nearest } from '../errors.ts';
import { formatValue, requireType, requireValue, shapeError } from './checks.ts';
import { apply } from './operation.ts';
import { argument, fillOf, iota, zeros } from './operations/leaves.ts';
import { less, select } from './operations/logic.ts';
import type { ScanAttributes } from './operations/scan.ts';
import { reshape } from './operations/views.ts';
import { createSubstitution, dependentNodes, topologicalOrder } from './traverse.ts';
import { sameShape, type Node, type Shape, type Value, type Variable } from './value.ts';

type Named<Names extends string> = Readonly<Record<Names, Value>>;

export interface ScanOptions<Carried extends string, Scanned extends string, Collected extends string> {
  /** What the first step gets as its carried values. */
  readonly initial: Named<Carried>;
  /** Sequences [T, …]: each step gets its part […]. */
  readonly inputs?: Named<Scanned> | undefined;
  /** T; needed when there are no inputs. */
  readonly length?: number | undefined;
  /** Visit the steps from T − 1 down to 0. Outputs stay in the order of time. Default false. */
  readonly reverse?: boolean | undefined;
  /** Valid steps of each row, int32 [N]. Beyond them a row's carried values stay as they are and its outputs are 0. */
  readonly lengths?: Value | undefined;
  /** One step: gets the carried values, this step's parts of the inputs and the time index `step` (int32 []), by name. */
  readonly step: (values: Named<Carried | Scanned | 'step'>) => { readonly next: Named<Carried>; readonly outputs?: Named<Collected> };
}

export interface ScanResult<Carried extends string, Collected extends string> {
  /** The carried values after the last step. */
  readonly final: Named<Carried>;
  /** What each step gave as outputs, stacked: [T, …]. */
  readonly outputs: Named<Collected>;
}

/** A scan that is not yet closed: `next` and `collected` may use any value; those that need no argument become captured inputs. */
export interface OpenScan {
  readonly carried: readonly { readonly name: string; readonly argument: Value; readonly initial: Value; readonly next: Value }[];
  readonly scanned: readonly { readonly argument: Value; readonly sequence: Value }[];
  readonly collected: readonly { readonly name: string; readonly value: Value }[];
  readonly length: number;
  readonly reverse: boolean;
}

function nameOf(value: Value, index: number): string {
  const { name, variable } = value.node.attributes as { name?: string; variable?: Variable };
  return variable?.name ?? name ?? `captured_${index}`;
}

/** What the body needs from outside of the loop, in the order of its making. Constants of one number stay in the body. */
function findCaptured(roots: readonly Value[], order: readonly Node[], inside: ReadonlySet<Node>): Value[] {
  const captured = new Set<Value>();
  const need = (value: Value): void => {
    if (!inside.has(value.node) && fillOf(value) === undefined) captured.add(value);
  };
  for (const node of order) if (inside.has(node)) node.inputs.forEach(need);
  roots.forEach(need);
  return [...captured].sort((a, b) => a.id - b.id);
}

/** Makes the node: finds what is captured, leaves what needs no argument outside, drops sequences that no step reads. Outputs: finals, then stacks. */
export function closeScan(open: OpenScan, scope?: string): readonly Value[] {
  const roots = [...open.carried.map(({ next }) => next), ...open.collected.map(({ value }) => value)];
  const order = topologicalOrder(roots);
  const inside = dependentNodes(order, new Set([...open.carried, ...open.scanned].map((entry) => entry.argument)));
  const captured = findCaptured(roots, order, inside);
  const parameters = captured.map((value, i) => argument(nameOf(value, i), value.shape, value.type));
  const closed = roots.map(createSubstitution(new Map(captured.map((value, i) => [value, parameters[i]!]))));
  const scanned = open.scanned.filter((entry) => inside.has(entry.argument.node));
  const attributes: ScanAttributes = {
    body: {
      carried: open.carried.map((entry) => entry.argument),
      scanned: scanned.map((entry) => entry.argument),
      captured: parameters,
      next: closed.slice(0, open.carried.length),
      collected: closed.slice(open.carried.length),
    },
    length: open.length,
    reverse: open.reverse,
    carriedNames: open.carried.map(({ name }) => name),
    collectedNames: open.collected.map(({ name }) => name),
  };
  return apply('scan', [...open.carried.map(({ initial }) => initial), ...scanned.map(({ sequence }) => sequence), ...captured], { ...attributes }, scope);
}

/** Sequences that are known to be 0 beyond the given lengths. */
const zeroBeyond = new WeakMap<Value, Value>();

/** What masking a sequence gave before, so that both directions over it share the work. */
const maskedBefore = new WeakMap<Value, WeakMap<Value, Value>>();

/** bool: which rows still run at the given steps. `step` int32 […] and `lengths` int32 [N] are shaped to broadcast. */
function activeRows(step: Value, lengths: Value, leading: Shape, shape: Shape): Value {
  const active = less(step, reshape(lengths, leading));
  return reshape(active, [...active.shape, ...new Array<number>(Math.max(0, shape.length - active.shape.length)).fill(1)]);
}

/**
 * A sequence [T, N, …] with 0 beyond each row's length (int32 [N]), so that what lies there, be it NaN, reaches neither results nor gradients.
 * @throws ERR_BPTT_SHAPE when the second size is not the number of lengths.
 */
export function maskSteps(sequence: Value, lengths: Value): Value {
  requireValue('maskSteps', 'the sequence', sequence);
  requireLengths('maskSteps', lengths);
  if (zeroBeyond.get(sequence) === lengths) return sequence;
  const known = maskedBefore.get(sequence)?.get(lengths);
  if (known) return known;
  const [steps, rows] = sequence.shape;
  if (steps === undefined || rows === undefined || rows !== lengths.shape[0]) {
    throw shapeError('maskSteps', `a sequence [T, ${lengths.shape[0]!}, …] to go with lengths ${formatShape(lengths.shape)}`, sequence.shape);
  }
  const masked = select(activeRows(reshape(iota(steps), [steps, 1]), lengths, [1, rows], sequence.shape), sequence, 0);
  zeroBeyond.set(masked, lengths);
  const byLengths = maskedBefore.get(sequence) ?? new WeakMap<Value, Value>();
  maskedBefore.set(sequence, byLengths.set(lengths, masked));
  return masked;
}

function requireLengths(owner: string, lengths: Value): void {
  requireValue(owner, 'lengths', lengths);
  requireType(owner, 'lengths', lengths, ['int32']);
  if (lengths.shape.length !== 1) throw shapeError(owner, 'lengths of shape [N]', lengths.shape);
}

function requireNames(what: string, received: unknown, expected: readonly string[]): void {
  if (typeof received !== 'object' || received === null) {
    throw new BpttError('ERR_BPTT_TYPE', `scan: expected the step to give ${what} by name, received ${describe(received)}`, { expected, received });
  }
  const names = Object.keys(received);
  for (const name of names) {
    if (expected.includes(name)) continue;
    const hint = nearest(name, expected);
    throw new BpttError('ERR_BPTT_GRAPH', `scan: the step gave ${what} "${name}", which is not carried${hint ? `; did you mean "${hint}"?` : ''} (carried: ${expected.join(', ')})`,
      { expected, received: name });
  }
  const missing = expected.find((name) => !names.includes(name));
  if (missing === undefined) return;
  throw new BpttError('ERR_BPTT_GRAPH', `scan: the step gave no ${what} "${missing}"; every carried value needs one`, { expected, received: names });
}

function scanLength(inputs: readonly (readonly [string, Value])[], length: number | undefined): number {
  if (length !== undefined && (!Number.isSafeInteger(length) || length < 1)) {
    throw new BpttError('ERR_BPTT_RANGE', `scan: expected a length of at least 1, received ${describe(length)}`, { expected: 'at least 1', received: length });
  }
  let found = length;
  for (const [name, value] of inputs) {
    requireValue('scan', `input "${name}"`, value);
    if (value.shape.length === 0) throw shapeError('scan', `input "${name}" of shape [T, …]`, value.shape);
    const steps = value.shape[0]!;
    found ??= steps;
    if (steps !== found) throw shapeError('scan', `input "${name}" of ${found} steps`, value.shape, 'all inputs and the length agree on T');
  }
  if (found !== undefined) return found;
  throw new BpttError('ERR_BPTT_OPTION', 'scan: expected a length, as there are no inputs to take it from', { expected: 'length', received: undefined });
}

function requireRows(name: string, value: Value, rows: number): void {
  if (value.shape[0] === rows) return;
  throw shapeError('scan', `"${name}" of shape [${rows}, …], one row for each of the lengths`, value.shape);
}

/** Freezes what has ended: rows beyond their lengths keep their carried values and give 0. */
function freezeEnded(open: OpenScan, step: Value, lengths: Value): OpenScan {
  const rows = lengths.shape[0]!;
  const byRank = new Map<number, Value>();
  const active = ({ shape }: Value): Value => {
    const known = byRank.get(shape.length) ?? activeRows(step, lengths, [rows], shape);
    byRank.set(shape.length, known);
    return known;
  };
  return {
    ...open,
    carried: open.carried.map((entry) => {
      requireRows(entry.name, entry.argument, rows);
      return { ...entry, next: select(active(entry.next), entry.next, entry.argument) };
    }),
    collected: open.collected.map((entry) => {
      requireRows(entry.name, entry.value, rows);
      return { ...entry, value: select(active(entry.value), entry.value, 0) };
    }),
  };
}

function maskedSequence(sequence: Value, lengths: Value | undefined): Value {
  const fits = lengths && sequence.type === 'float32' && sequence.shape[1] === lengths.shape[0];
  return fits ? maskSteps(sequence, lengths) : sequence;
}

function requireNext(name: string, initial: Value, next: unknown): Value {
  requireValue('scan', `the next "${name}"`, next);
  if (next.type === initial.type && sameShape(next.shape, initial.shape)) return next;
  throw new BpttError('ERR_BPTT_SHAPE', `scan: expected the next "${name}" to be ${formatValue(initial)} as its initial value, received ${formatValue(next)}`,
    { expected: initial.shape, received: next.shape });
}

/**
 * The loop over time: T steps, each of which makes the next carried values from the last ones. Values from outside may be used freely in `step`; what
 * does not change from step to step is computed once, outside of the loop.
 *
 * With `lengths`, every carried and collected value has N as its first size, rows end each at its own length, and sequences of float32 [T, N, …] are
 * masked first. A reverse scan then begins at each row's true end.
 * @throws ERR_BPTT_SHAPE when shapes change from step to step or do not fit, ERR_BPTT_GRAPH for names that are missing, unknown or used twice,
 * ERR_BPTT_OPTION for an unknown option or when there is nothing to take T from.
 */
export function scan<Carried extends string = never, Scanned extends string = never, Collected extends string = never>(
  options: ScanOptions<Carried, Scanned, Collected>,
): ScanResult<Carried, Collected> {
  checkOptions('scan', options, ['initial', 'inputs', 'length', 'reverse', 'lengths', 'step']);
  const initial = Object.entries<Value>(options.initial);
  const inputs = Object.entries<Value>(options.inputs ?? {});
  const length = scanLength(inputs, options.length);
  const { lengths } = options;
  if (lengths) requireLengths('scan', lengths);
  const names = [...initial.map(([name]) => name), ...inputs.map(([name]) => name), 'step'];
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new BpttError('ERR_BPTT_GRAPH', `scan: expected each name once, received "${twice}" twice ("step" is the time index)`, { expected: 'distinct names', received: twice });

  initial.forEach(([name, value]) => requireValue('scan', `the initial "${name}"`, value));
  const carried = initial.map(([name, value]) => ({ name, initial: value, argument: argument(name, value.shape, value.type) }));
  const scanned = inputs.map(([name, value]) => ({ name, sequence: maskedSequence(value, lengths), argument: argument(name, value.shape.slice(1), value.type) }));
  const step = argument('step', [], 'int32');
  const given = Object.fromEntries([...carried, ...scanned].map((entry) => [entry.name, entry.argument]));
  const result = options.step({ ...given, step } as Named<Carried | Scanned | 'step'>);
  requireNames('next value', result.next, carried.map(({ name }) => name));
  const collected = Object.entries<Value>(result.outputs ?? {}).map(([name, value]) => {
    requireValue('scan', `the output "${name}"`, value);
    return { name, value };
  });

  const nextValues = result.next as Readonly<Record<string, Value>>;
  const open: OpenScan = {
    carried: carried.map((entry) => ({ ...entry, next: requireNext(entry.name, entry.initial, nextValues[entry.name]) })),
    scanned: [...scanned, { argument: step, sequence: iota(length) }],
    collected, length, reverse: options.reverse ?? false,
  };
  const values = closeScan(lengths ? freezeEnded(open, step, lengths) : open);
  const outputs = collected.map(({ name }, i) => [name, values[carried.length + i]!] as const);
  if (lengths) outputs.forEach(([, value]) => zeroBeyond.set(value, lengths));
  return {
    final: Object.fromEntries(carried.map(({ name }, i) => [name, values[i]!])) as Named<Carried>,
    outputs: Object.fromEntries(outputs) as Named<Collected>,
  };
}

/** Zeros like `value`. */
export function zerosLike(value: Value): Value {
  return zeros(value.shape, value.type);
}
