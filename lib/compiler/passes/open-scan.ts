import { closeScan, substitute } from '../../graph/index.ts';
import type { Node, OpenScan, Value } from '../../graph/index.ts';
import { scanParts } from '../walk.ts';

/** A scan's body with outer values in the place of captured arguments, ready to be changed and closed again. */
export function openScan(node: Node, inputs: readonly Value[] = node.inputs): OpenScan {
  const { body, length, reverse, carriedNames, collectedNames } = scanParts(node);
  const sequences = inputs.slice(body.carried.length, body.carried.length + body.scanned.length);
  const captured = inputs.slice(body.carried.length + body.scanned.length);
  const mapping = new Map(body.captured.map((argument, i) => [argument, captured[i]!]));
  const values = substitute([...body.next, ...body.collected], mapping);
  return {
    carried: body.carried.map((argument, k) => ({ name: carriedNames[k]!, argument, initial: inputs[k]!, next: values[k]! })),
    scanned: body.scanned.map((argument, i) => ({ argument, sequence: sequences[i]! })),
    collected: collectedNames.map((name, j) => ({ name, value: values[body.carried.length + j]! })),
    length, reverse,
  };
}

/** The same with every value of the body replaced as `mapping` says. */
export function replaceInBody(open: OpenScan, mapping: ReadonlyMap<Value, Value>): OpenScan {
  if (mapping.size === 0) return open;
  const values = substitute([...open.carried.map(({ next }) => next), ...open.collected.map(({ value }) => value)], mapping);
  return {
    ...open,
    carried: open.carried.map((entry, k) => ({ ...entry, next: values[k]! })),
    collected: open.collected.map((entry, j) => ({ ...entry, value: values[open.carried.length + j]! })),
  };
}

/** Closes a scan some of whose outputs are known otherwise: `outputs` gives for each output of the old scan what takes its place. */
export function closeWith(
  open: OpenScan, scope: string,
  outputs: (results: { readonly finals: ReadonlyMap<Value, Value>; readonly stacks: readonly Value[] }) => readonly Value[],
): readonly Value[] {
  const results = open.carried.length + open.collected.length > 0 ? closeScan(open, scope) : [];
  const finals = new Map(open.carried.map(({ argument }, k) => [argument, results[k]!]));
  return outputs({ finals, stacks: results.slice(open.carried.length) });
}
