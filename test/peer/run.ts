import { dense, gru, lstm, rnn } from '../../lib/layers/index.ts';
import type { Layer } from '../../lib/layers/layer.ts';
import { runLayer, statePath } from '../support/layers.ts';
import { assertWithin, numbers, part, stackParts } from '../support/tensors.ts';
import type { Numbers } from '../support/tensors.ts';
import { generalGru, generalLstm, sums } from './cells.ts';
import type { PeerCase, Stage, StageResult } from './plan.ts';

function layerOf({ recurrence, units, direction, merge, bias, output }: Stage): Layer {
  const common = { units, direction, bias, output, ...(direction === 'bidirectional' ? { merge } : {}) };
  switch (recurrence.kind) {
    case 'rnn': return rnn({ ...common, activation: recurrence.activation });
    case 'lstm': return lstm(common);
    case 'gru': return gru({ ...common, reset: recurrence.reset });
    case 'general lstm': return generalLstm(recurrence, common);
    case 'general gru': return generalGru(recurrence, common);
    case 'sums': return sums(recurrence, common);
    case 'dense': return dense({ units, bias: false });
  }
}

function stateNames({ recurrence }: Stage): readonly string[] {
  if (recurrence.kind === 'lstm' || recurrence.kind === 'general lstm') return ['h', 'c'];
  if (recurrence.kind === 'sums' && recurrence.states === 2) return ['a', 'b'];
  return recurrence.kind === 'dense' ? [] : ['h'];
}

function runStage(stage: Stage, input: Numbers, lengths: readonly number[] | undefined, state: Stage['state']): StageResult {
  const directions = stage.direction === 'bidirectional' ? ['forward', 'backward'] as const : [undefined];
  const names = stateNames(stage);
  const given = Object.fromEntries(Object.entries(state ?? {}).flatMap(([name, value]) => (
    directions.map((direction, d) => [statePath(name, { direction }), part(value, d)] as const))));
  const { output, final } = runLayer({ layer: layerOf(stage), input, lengths, weights: stage.weights, state: given });
  return {
    output,
    final: Object.fromEntries(names.map((name) => [name, stackParts(directions.map((direction) => final[statePath(name, { direction })]!))])),
  };
}

/** Runs every stage, as often as the case says with the states carried over, and checks what the peer recorded. */
export function runPeerCase(peer: PeerCase): void {
  let results: StageResult[] = [];
  for (let run = 0; run < peer.runs; run++) {
    let signal = peer.input;
    results = peer.stages.map((stage, level) => {
      const result = runStage(stage, peer.sideBySide ? peer.input : signal, peer.lengths, results[level]?.final ?? stage.state);
      signal = result.output;
      return result;
    });
  }
  for (const { what, expected, actual } of peer.checks) {
    const received = actual(results);
    assertWithin(numbers(expected.shape, received.data), expected, peer.tolerance, `${peer.name}: ${what}`);
  }
}
