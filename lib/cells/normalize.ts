import { add, multiply, standardize, type Value } from '../graph/index.ts';
import type { Affine, CellTools } from './cell.ts';

/** What normalising cells add below the root, so that a row of equal numbers has a quotient too. */
export const epsilonOption = { default: 1e-5, least: 2 ** -126, most: 1 } as const;

type Tools = Pick<CellTools, 'affineThrough' | 'parameter' | 'biased'> & { readonly options: { readonly epsilon: number } };

/** `affine` whose products are each normalised over the units of their gate and scaled by gains that begin at 1: "gain_ih_i" for W_i x, "gain_hh_i" for U_i h. */
export function normalizedAffine({ affineThrough, parameter, options }: Tools): Affine {
  return affineThrough((product, { gate, weight }) => {
    const gain = parameter(`gain_${weight === 'input' ? 'ih' : 'hh'}_${gate}`, ['units'], { initializer: 1 });
    return multiply(standardize(product, { epsilon: options.epsilon }), gain);
  });
}

/** A state normalised, with a gain and, in layers that have biases, a bias of its own: "gain_c" and "bias_c" for the state c. */
export function normalizedState({ parameter, biased, options }: Tools, name: string, state: Value): Value {
  const scaled = multiply(standardize(state, { epsilon: options.epsilon }), parameter(`gain_${name}`, ['units'], { initializer: 1 }));
  return biased ? add(scaled, parameter(`bias_${name}`, ['units'])) : scaled;
}
