import { BpttError, formatShape } from '../../errors.ts';
import { formatValue } from '../checks.ts';
import { defineOperation, type Tensor, type ValueType } from '../operation.ts';
import { allocate } from '../tensor.ts';
import { elementCount, sameShape, type Attributes, type Node, type Shape, type Value } from '../value.ts';

/** One step of a scan as a closed graph: `next` and `collected` need nothing but the arguments and constants of one number. */
export interface ScanBody {
  /** Arguments: what the last step gave. */
  readonly carried: readonly Value[];
  /** Arguments: this step's part of each sequence. */
  readonly scanned: readonly Value[];
  /** Arguments: what is the same in all steps. */
  readonly captured: readonly Value[];
  /** What the next step gets, one for each carried argument. */
  readonly next: readonly Value[];
  /** What is stacked over the steps. */
  readonly collected: readonly Value[];
}

/**
 * The attributes of a "scan" node. Its inputs are initial carried values, sequences [length, …], captured values; its outputs are final carried values,
 * then the stacks [length, …] of the collected ones. A reverse scan visits the steps from the last to the first; stacks stay in the order of time.
 */
export interface ScanAttributes {
  readonly body: ScanBody;
  readonly length: number;
  readonly reverse: boolean;
  readonly carriedNames: readonly string[];
  readonly collectedNames: readonly string[];
}

/** The attributes of a node of operation "scan". */
export function scanAttributes(node: Node): ScanAttributes {
  return node.attributes as unknown as ScanAttributes;
}

/** The inputs of a node of operation "scan", by their use. */
export function scanInputs(node: Node): { readonly initial: readonly Value[]; readonly sequences: readonly Value[]; readonly captured: readonly Value[] } {
  const { body } = scanAttributes(node);
  const sequencesEnd = body.carried.length + body.scanned.length;
  return { initial: node.inputs.slice(0, body.carried.length), sequences: node.inputs.slice(body.carried.length, sequencesEnd), captured: node.inputs.slice(sequencesEnd) };
}

function requireMatch(what: string, value: Value, shape: Shape, like: Value): void {
  if (value.type === like.type && sameShape(value.shape, shape)) return;
  const code = value.type === like.type ? 'ERR_BPTT_SHAPE' : 'ERR_BPTT_TYPE';
  throw new BpttError(code, `scan: expected ${what} to be ${like.type} ${formatShape(shape)}, received ${formatValue(value)}`, { expected: shape, received: value.shape });
}

function inferScan(inputs: readonly Value[], attributes: Attributes): ValueType[] {
  const { body, length, carriedNames, collectedNames } = attributes as unknown as ScanAttributes;
  const { carried, scanned, captured, next, collected } = body;
  if (inputs.length !== carried.length + scanned.length + captured.length || next.length !== carried.length || collectedNames.length !== collected.length) {
    throw new BpttError('ERR_BPTT_GRAPH', `scan: expected ${carried.length + scanned.length + captured.length} inputs and ${carried.length} next values, received ${inputs.length} and ${next.length}`,
      { expected: carried.length + scanned.length + captured.length, received: inputs.length });
  }
  carried.forEach((argument, i) => {
    const name = carriedNames[i] ?? String(i);
    requireMatch(`the initial value of "${name}"`, inputs[i]!, argument.shape, argument);
    requireMatch(`the next value of "${name}"`, next[i]!, argument.shape, argument);
  });
  scanned.forEach((argument, i) => {
    requireMatch(`sequence ${i + 1}`, inputs[carried.length + i]!, [length, ...argument.shape], argument);
  });
  captured.forEach((argument, i) => {
    requireMatch(`captured value ${i + 1}`, inputs[carried.length + scanned.length + i]!, argument.shape, argument);
  });
  return [
    ...carried.map(({ shape, type }) => ({ shape, type })),
    ...collected.map(({ shape, type }) => ({ shape: [length, ...shape], type })),
  ];
}

/** One list for each body, so that an interpreter can keep what it has worked out for it. */
const rootsOfBodies = new WeakMap<ScanBody, readonly Value[]>();

function rootsOf(body: ScanBody): readonly Value[] {
  let roots = rootsOfBodies.get(body);
  if (!roots) {
    roots = [...body.next, ...body.collected];
    rootsOfBodies.set(body, roots);
  }
  return roots;
}

function partAt(sequence: Tensor, shape: Shape, step: number): Tensor {
  const count = elementCount(shape);
  return { shape, type: sequence.type, data: sequence.data.subarray(step * count, (step + 1) * count) };
}

defineOperation({
  name: 'scan',
  infer: inferScan,
  reference(node, inputs, context) {
    const { body, length, reverse } = scanAttributes(node);
    const { carried, scanned, captured, collected } = body;
    const bindings = new Map<Value, Tensor>();
    captured.forEach((argument, i) => bindings.set(argument, inputs[carried.length + scanned.length + i]!));
    let state = inputs.slice(0, carried.length);
    const stacks = collected.map(({ shape, type }) => allocate([length, ...shape], type));
    for (let visit = 0; visit < length; visit++) {
      const step = reverse ? length - 1 - visit : visit;
      carried.forEach((argument, i) => bindings.set(argument, state[i]!));
      scanned.forEach((argument, i) => bindings.set(argument, partAt(inputs[carried.length + i]!, argument.shape, step)));
      const results = context.evaluate(rootsOf(body), bindings);
      state = results.slice(0, carried.length);
      stacks.forEach((stack, i) => {
        const part = results[carried.length + i]!;
        stack.data.set(part.data, step * part.data.length);
      });
    }
    return [...state, ...stacks];
  },
});
