import { apply, rebuild } from '../../graph/index.ts';
import type { Attributes, Node, Value } from '../../graph/index.ts';
import { scanParts } from '../walk.ts';
import { foldConstants, simplificationOf } from './rules.ts';
import type { Maker } from './rules.ts';

/** Lists longer than this are told apart by identity instead of by content. */
const longestKey = 64;

let nextIdentity = 1;
const identities = new WeakMap<object, number>();

function identityOf(object: object): number {
  let identity = identities.get(object);
  if (identity === undefined) {
    identity = nextIdentity++;
    identities.set(object, identity);
  }
  return identity;
}

function keyOfAttribute(value: unknown): string {
  if (ArrayBuffer.isView(value)) {
    const list = value as Float64Array | Int32Array;
    return list.length > longestKey ? `#${identityOf(list)}` : Array.from(list, (number) => (Object.is(number, -0) ? '-0' : String(number))).join();
  }
  if (Array.isArray(value)) return value.every((item) => typeof item === 'number') ? value.join() : JSON.stringify(value);
  return typeof value === 'object' && value !== null ? `#${identityOf(value)}` : String(value);
}

function keyOf(operation: string, inputs: readonly Value[], attributes: Attributes): string {
  let key = operation;
  for (const value of inputs) key += ` ${value.id}`;
  for (const name in attributes) key += ` ${name}=${keyOfAttribute(attributes[name])}`;
  return key;
}

/** Makes nodes in simplest form and each only once. */
class Simplifier implements Maker {
  readonly final: boolean;
  private readonly known = new Map<string, readonly Value[]>();

  constructor(final: boolean) {
    this.final = final;
  }

  make(operation: string, inputs: readonly Value[], attributes: Attributes, scope: string): Value {
    return this.makeAll(operation, inputs, attributes, scope)[0]!;
  }

  makeAll(operation: string, inputs: readonly Value[], attributes: Attributes, scope: string, existing?: Node): readonly Value[] {
    const key = keyOf(operation, inputs, attributes);
    const known = this.known.get(key);
    if (known) return known;
    const simpler = simplificationOf({ operation, inputs, attributes, scope }, this);
    const outputs = simpler ? [simpler] : existing?.outputs ?? apply(operation, inputs, attributes, scope);
    const folded = simpler ? undefined : foldConstants(outputs[0]!.node);
    const result = folded ? [folded] : outputs;
    this.known.set(key, result);
    return result;
  }

  values(roots: readonly Value[]): Value[] {
    return rebuild(roots, (node, inputs) => {
      const same = inputs.every((value, i) => value === node.inputs[i]);
      if (node.operation === 'argument') return node.outputs;
      if (node.operation === 'scan') return this.scan(node, inputs);
      return this.makeAll(node.operation, inputs, node.attributes, node.scope, same ? node : undefined);
    });
  }

  private scan(node: Node, inputs: readonly Value[]): readonly Value[] {
    const { body } = scanParts(node);
    const roots = [...body.next, ...body.collected];
    const simplified = new Simplifier(this.final).values(roots);
    if (simplified.every((value, i) => value === roots[i]) && inputs.every((value, i) => value === node.inputs[i])) return node.outputs;
    const changed = { ...body, next: simplified.slice(0, body.next.length), collected: simplified.slice(body.next.length) };
    return apply('scan', inputs, { ...node.attributes, body: changed }, node.scope);
  }
}

/**
 * The same values by fewer and simpler nodes, in the bodies of scans too: constants are folded, what is computed twice is computed once, views of views
 * become one view, pieces of one value laid side by side become the value. `final` also drops what matters only to a later gradient.
 */
export function simplify(values: readonly Value[], { final = true }: { readonly final?: boolean } = {}): Value[] {
  return new Simplifier(final).values(values);
}
