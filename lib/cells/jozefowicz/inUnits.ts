import { matmul, sameShape, type Value } from '../../graph/index.ts';
import type { CellTools } from '../cell.ts';

/** x where it is added to a state: itself when it has as many features, else P x with the matrix "projection". */
export function inUnits({ x, parameter }: Pick<CellTools, 'x' | 'parameter'>, state: Value): Value {
  return sameShape(x.shape, state.shape) ? x : matmul(x, parameter('projection', ['input', 'units'], { group: 'input' }));
}
