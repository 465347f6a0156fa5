import { cell, cifgCell, peepholeLstmCell } from '../../lib/cells/index.ts';
import { add, clip as clamp, lessEqual, multiply, relu, select, sigmoid, subtract, tanh } from '../../lib/graph/index.ts';
import type { Value } from '../../lib/graph/value.ts';
import { recurrent } from '../../lib/layers/index.ts';
import type { RecurrentOptions } from '../../lib/layers/index.ts';
import type { Layer } from '../../lib/layers/layer.ts';
import type { Activation, Recurrence } from './plan.ts';

type Kind<Name extends Recurrence['kind']> = Extract<Recurrence, { kind: Name }>;

let made = 0;

/** Cells are known by their names, which stay taken. */
function newName(kind: string): string {
  return `${kind}${made++}`;
}

function applied({ name, alpha, beta }: Activation, x: Value): Value {
  switch (name) {
    case 'sigmoid': return sigmoid(x);
    case 'tanh': return tanh(x);
    case 'relu': return relu(x);
    case 'leakyrelu': return select(lessEqual(x, 0), multiply(x, alpha ?? 0.01), x);
    case 'scaledtanh': return multiply(tanh(multiply(x, beta ?? 1)), alpha ?? 1);
    default: throw new Error(`no function for activation ${name}`);
  }
}

/** Which cell of the package has the equations of ONNX's LSTM, if one has. */
export function knownLstm({ activations, peephole, inputForget, clip }: Kind<'general lstm'>): typeof cifgCell | typeof peepholeLstmCell | undefined {
  const usual = activations.map(({ name }) => name).join() === 'sigmoid,tanh,tanh' && clip === undefined && peephole;
  return usual ? (inputForget ? cifgCell : peepholeLstmCell) : undefined;
}

/** ONNX's LSTM with all that it allows: peepholes, coupled input and forget gates, a bound on what enters the gates, other functions. */
export function generalLstm(recurrence: Kind<'general lstm'>, options: RecurrentOptions): Layer {
  const known = knownLstm(recurrence);
  if (known) return recurrent(known as typeof cifgCell, options);
  const { activations: [gate, candidate, output], peephole, inputForget, clip } = recurrence;
  const bounded = (x: Value): Value => (clip === undefined ? x : clamp(x, -clip, clip));
  return recurrent(cell(newName('generalLstm'), { state: { h: 'units', c: 'units' } }, ({ x, h, c, affine, parameter }) => {
    const peek = (name: string, at: Value): Value => multiply(parameter(`peephole_${name}`, ['units'], { group: 'recurrent' }), at);
    const gated = (name: string, at: Value): Value => {
      const sum = affine(name, x, h);
      return applied(gate, bounded(peephole ? add(sum, peek(name, at)) : sum));
    };
    const i = gated('i', c);
    const f = inputForget ? subtract(1, i) : gated('f', c);
    const g = applied(candidate, bounded(affine('g', x, h)));
    const next = add(multiply(f, c), multiply(i, g));
    const o = gated('o', next);
    const shown = multiply(o, applied(output, next));
    return { output: shown, h: shown, c: next };
  }), options);
}

/** ONNX's GRU with other functions. */
export function generalGru({ activations: [gate, candidate], reset }: Kind<'general gru'>, options: RecurrentOptions): Layer {
  return recurrent(cell(newName('generalGru'), { state: { h: 'units' } }, ({ x, h, affine }) => {
    const r = applied(gate, affine('r', x, h));
    const z = applied(gate, affine('z', x, h));
    const sum = reset === 'before' ? affine('n', x, multiply(r, h)) : add(affine('n', x), multiply(r, affine('n', h)));
    const next = add(multiply(subtract(1, z), applied(candidate, sum)), multiply(z, h));
    return { output: next, h: next };
  }), options);
}

const oneState = cell('oneState', { state: { h: 'units' } }, ({ x, h, affine }) => {
  const next = affine('a', x, h);
  return { output: next, h: next };
});

const twoStates = cell('twoStates', { state: { a: 'units', b: 'units' } }, ({ x, a, b, affine }) => {
  const shared = affine('a', x);
  const first = add(shared, affine('a', a));
  const second = add(shared, affine('b', b));
  return { output: add(first, second), a: first, b: second };
});

/** Keras's own test cells: linear sums over one or two states. */
export function sums({ states }: Kind<'sums'>, options: RecurrentOptions): Layer {
  return states === 1 ? recurrent(oneState, options) : recurrent(twoStates, options);
}
