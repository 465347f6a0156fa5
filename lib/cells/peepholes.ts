import { add, multiply, sigmoid, type Value } from '../graph/index.ts';
import type { CellTools } from './cell.ts';

/** A gate that sees the cell: its activation σ(W x + R h + p ⊙ seen + b), where `seen` is the cell before or after the step. */
export type PeepholeGate = (gate: string, seen: Value) => Value;

type Tools = Pick<CellTools, 'x' | 'affine' | 'parameter'> & { readonly h: Value };

/** p ⊙ c: a diagonal peephole of one gate, "peephole_i" and so on; it begins at 0. */
export function peephole({ parameter }: Pick<CellTools, 'parameter'>, gate: string, seen: Value): Value {
  return multiply(parameter(`peephole_${gate}`, ['units'], { group: 'recurrent' }), seen);
}

/** The gates of a cell whose gates all have diagonal peepholes. */
export function peepholeGates(tools: Tools): PeepholeGate {
  const { x, h, affine } = tools;
  return (gate, seen) => sigmoid(add(affine(gate, x, h), peephole(tools, gate, seen)));
}
