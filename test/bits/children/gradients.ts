// gradients.ts: forward and backward of recurrent layers of several shapes; prints the bits' digest and some of the numbers of each.
import { createHash } from 'node:crypto';
import { gru, lstm, rnn } from '../../../lib/layers/index.ts';
import type { Layer } from '../../../lib/layers/layer.ts';
import { loadNative } from '../../../lib/runtime/index.ts';
import { runLayer, statePath } from '../../support/layers.ts';
import { testedRuntime } from '../../support/runtime.ts';
import { numbers } from '../../support/tensors.ts';
import type { Numbers } from '../../support/tensors.ts';

interface Subject {
  readonly name: string;
  readonly layer: Layer;
  readonly gates: number;
  /** rows, steps, features, units */
  readonly sizes: readonly [number, number, number, number];
  readonly lengths?: readonly number[];
}

/** Numbers on a grid that float32 holds exactly, different for every name. */
function grid(name: string, shape: readonly number[], reach: number): Numbers {
  const seed = createHash('sha256').update(name).digest().readUInt32LE();
  const count = shape.reduce((product, size) => product * size, 1);
  return numbers(shape, Array.from({ length: count }, (_, i) => ((((i * 2654435761 + seed) >>> 7) % 2049) - 1024) / 1024 * reach));
}

const lstmOf = (units: number): Layer => lstm({ units, bias: 'double' });
const subjects: readonly Subject[] = [
  { name: 'lstm, many rows', layer: lstmOf(24), gates: 4, sizes: [67, 5, 9, 24] },
  { name: 'lstm, large enough for loops that take products over', layer: lstmOf(40), gates: 4, sizes: [40, 24, 16, 40] },
  { name: 'lstm, few rows, many units', layer: lstmOf(96), gates: 4, sizes: [2, 6, 16, 96] },
  { name: 'lstm, one row', layer: lstmOf(40), gates: 4, sizes: [1, 9, 3, 40] },
  { name: 'lstm, lengths', layer: lstmOf(17), gates: 4, sizes: [13, 7, 5, 17], lengths: [1, 7, 3, 2, 5, 7, 6, 1, 2, 3, 4, 5, 6] },
  { name: 'gru, reset after', layer: gru({ units: 33, bias: 'double' }), gates: 3, sizes: [19, 6, 7, 33] },
  { name: 'gru, reset before', layer: gru({ units: 33, bias: 'double', reset: 'before' }), gates: 3, sizes: [19, 6, 7, 33] },
  { name: 'rnn', layer: rnn({ units: 48, bias: 'double' }), gates: 1, sizes: [31, 8, 12, 48] },
];

function run({ name, layer, gates, sizes: [rows, steps, features, units], lengths }: Subject): { digest: string; numbers: number[] } {
  const spread = 1 / Math.sqrt(units);
  const states = layer.kind === 'lstm' ? ['h', 'c'] : ['h'];
  const result = runLayer({
    layer, lengths,
    input: grid(`${name} x`, [rows, steps, features], 1),
    weights: {
      weight_ih_l0: grid(`${name} input`, [gates * units, features], spread), weight_hh_l0: grid(`${name} recurrent`, [gates * units, units], spread),
      bias_ih_l0: grid(`${name} bias`, [gates * units], spread), bias_hh_l0: grid(`${name} second`, [gates * units], spread),
    },
    state: Object.fromEntries(states.map((state) => [statePath(state), grid(`${name} ${state}`, [rows, units], 0.5)])),
    upstream: {
      output: grid(`${name} upstream`, [rows, steps, units], 1),
      final: Object.fromEntries(states.map((state) => [statePath(state), grid(`${name} up ${state}`, [rows, units], 1)])),
    },
  });
  const { weights, input, state } = result.gradients!;
  const all = [result.output, ...Object.values(result.final), input, ...Object.values(weights), ...Object.values(state)];
  const hash = createHash('sha256');
  for (const each of all) hash.update(Float32Array.from(each.data));
  // A part of every tensor, each scaled to its own largest number, so that one bound fits all.
  const shown = all.flatMap(({ data }) => {
    const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    return [...data.subarray(0, 40), ...data.subarray(-10)].map((value) => value / largest);
  });
  return { digest: hash.digest('hex'), numbers: shown };
}

const native = loadNative();
const threads = 'module' in native ? native.module.info().threads : 0;
console.log(JSON.stringify({ threads, runtime: testedRuntime().name, results: Object.fromEntries(subjects.map((subject) => [subject.name, run(subject)])) }));
