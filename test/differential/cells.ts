import * as g from '../../lib/graph/index.ts';
import { floats } from './support.ts';

export interface Sizes {
  readonly steps: number;
  readonly rows: number;
  readonly width: number;
  readonly units: number;
}

/** One recurrent layer over a sequence: its outputs [T, N, H] and the parameters that it made. */
export type Cell = (x: g.Value, sizes: Sizes, prefix: string) => { readonly outputs: g.Value; readonly parameters: Readonly<Record<string, g.Value>> };

/** Gates as slices of one parameter, side by side on the last axis, each with its own products: as cells are written. */
function gates(names: readonly string[], { width, units }: Sizes, prefix: string) {
  const parameters = {
    input: floats(`${prefix}input`, width, names.length * units), recurrent: floats(`${prefix}recurrent`, units, names.length * units),
    bias: floats(`${prefix}bias`, names.length * units),
  };
  const part = (value: g.Value, name: string): g.Value => g.sliceAxis(value, -1, names.indexOf(name) * units, units);
  const fromInput = (name: string, x: g.Value): g.Value => g.matmul(x, part(parameters.input, name));
  const fromState = (name: string, h: g.Value): g.Value => g.matmul(h, part(parameters.recurrent, name));
  const affine = (name: string, x: g.Value, h: g.Value): g.Value => g.add(g.add(fromInput(name, x), fromState(name, h)), part(parameters.bias, name));
  return { parameters, part, affine, fromInput, fromState };
}

export const lstm: Cell = (x, sizes, prefix) => {
  const { parameters, affine } = gates(['i', 'f', 'g', 'o'], sizes, prefix);
  const zero = g.zeros([sizes.rows, sizes.units]);
  const { outputs } = g.scan({
    initial: { h: zero, c: zero }, inputs: { x },
    step: ({ h, c, x: now }) => {
      const next = g.add(g.multiply(g.sigmoid(affine('f', now, h)), c), g.multiply(g.sigmoid(affine('i', now, h)), g.tanh(affine('g', now, h))));
      const out = g.multiply(g.sigmoid(affine('o', now, h)), g.tanh(next));
      return { next: { h: out, c: next }, outputs: { y: out } };
    },
  });
  return { outputs: outputs.y, parameters };
};

export const peephole: Cell = (x, sizes, prefix) => {
  const { parameters, affine } = gates(['i', 'f', 'g', 'o'], sizes, prefix);
  const zero = g.zeros([sizes.rows, sizes.units]);
  const weights = { toInput: floats(`${prefix}toInput`, sizes.units), toForget: floats(`${prefix}toForget`, sizes.units), toOutput: floats(`${prefix}toOutput`, sizes.units) };
  const { outputs } = g.scan({
    initial: { h: zero, c: zero }, inputs: { x },
    step: ({ h, c, x: now }) => {
      const forget = g.sigmoid(g.add(affine('f', now, h), g.multiply(weights.toForget, c)));
      const enter = g.sigmoid(g.add(affine('i', now, h), g.multiply(weights.toInput, c)));
      const next = g.add(g.multiply(forget, c), g.multiply(enter, g.tanh(affine('g', now, h))));
      const out = g.multiply(g.sigmoid(g.add(affine('o', now, h), g.multiply(weights.toOutput, next))), g.tanh(next));
      return { next: { h: out, c: next }, outputs: { y: out } };
    },
  });
  return { outputs: outputs.y, parameters: { ...parameters, ...weights } };
};

/** Gated recurrent unit whose reset gate acts after the recurrent product. */
export const gru: Cell = (x, sizes, prefix) => {
  const { parameters, affine, part, fromInput, fromState } = gates(['r', 'z', 'n'], sizes, prefix);
  const inner = floats(`${prefix}inner`, sizes.units);
  const { outputs } = g.scan({
    initial: { h: g.zeros([sizes.rows, sizes.units]) }, inputs: { x },
    step: ({ h, x: now }) => {
      const r = g.sigmoid(affine('r', now, h));
      const z = g.sigmoid(affine('z', now, h));
      const n = g.tanh(g.add(g.add(fromInput('n', now), part(parameters.bias, 'n')), g.multiply(r, g.add(fromState('n', h), inner))));
      const next = g.add(g.multiply(z, h), g.multiply(g.subtract(1, z), n));
      return { next: { h: next }, outputs: { y: next } };
    },
  });
  return { outputs: outputs.y, parameters: { ...parameters, inner } };
};

/** A simple network whose products are standardized and scaled, and its state before it is shown. */
export const standardized: Cell = (x, sizes, prefix) => {
  const { parameters, part, fromInput, fromState } = gates(['z', 'n'], sizes, prefix);
  const gains = Object.fromEntries(['inputZ', 'inputN', 'stateZ', 'stateN', 'state'].map((name) => [`${name}Gain`, floats(`${prefix}${name}Gain`, sizes.units)]));
  const scaled = (value: g.Value, name: string): g.Value => g.multiply(g.standardize(value, { epsilon: 0.1 }), gains[`${name}Gain`]!);
  const { outputs } = g.scan({
    initial: { h: g.zeros([sizes.rows, sizes.units]) }, inputs: { x },
    step: ({ h, x: now }) => {
      const z = g.sigmoid(g.add(g.add(scaled(fromInput('z', now), 'inputZ'), scaled(fromState('z', h), 'stateZ')), part(parameters.bias, 'z')));
      const n = g.tanh(g.add(scaled(fromInput('n', now), 'inputN'), scaled(fromState('n', h), 'stateN')));
      const next = g.add(g.multiply(z, h), g.multiply(g.subtract(1, z), n));
      return { next: { h: next }, outputs: { y: g.tanh(scaled(next, 'state')) } };
    },
  });
  return { outputs: outputs.y, parameters: { ...parameters, ...gains } };
};

/** A loss over one layer's outputs and the gradients by its parameters and its input. `prepare` rewrites the forward graph first. */
export function lossAndGradients(cell: Cell, sizes: Sizes, prepare: (values: readonly g.Value[]) => readonly g.Value[] = (values) => values) {
  const x = floats('x', sizes.steps, sizes.rows, sizes.width);
  const layer = cell(x, sizes, '');
  const loss = g.sum(g.square(g.subtract(layer.outputs, floats('target', sizes.steps, sizes.rows, sizes.units))));
  const names = [...Object.keys(layer.parameters), 'x'];
  const [preparedLoss, ...wrt] = prepare([loss, ...Object.values(layer.parameters), x]);
  const { gradients, rewrite } = g.gradient(preparedLoss!, wrt);
  const values: Record<string, g.Value> = { loss: rewrite(preparedLoss!) };
  names.forEach((name, i) => { values[`d_${name}`] = gradients[i]!; });
  return { values };
}
