import { findCell, type Cell, type CellOptions, type CellOptionValues } from '../../cells/index.ts';
import { BpttError, describe } from '../../errors.ts';
import { add, type Value } from '../../graph/index.ts';
import { applyDropout } from '../dropout.ts';
import { defineLayer, layerLabel } from '../define.ts';
import type { Layer, Scope, Signal } from '../layer.ts';
import { gatedSum } from '../gatedSum.ts';
import { zeroPadding } from '../masking.ts';
import { merges } from '../merging.ts';
import { isRegisteredLayer, registerRecurrentFactory } from '../registry.ts';
import { commonEnd, requireSameShape, shortcut } from '../shortcut.ts';
import { recurrentInputs } from './context.ts';
import { readRecurrentOptions, type RecurrentOptions, type RecurrentSettings } from './options.ts';
import { runRecurrence } from './recurrence.ts';

/** The options of a layer made of one cell: the common ones and the cell's own. */
export type RecurrentOptionsOf<Options extends CellOptions> = RecurrentOptions & { readonly [Name in keyof Options]?: CellOptionValues<Options>[Name] | undefined };

function runDirections(scope: Scope, settings: RecurrentSettings, signal: Signal, layer: number, context: Value | undefined): Signal {
  const last = settings.output === 'last' && layer === settings.layers - 1;
  const directions = settings.direction === 'bidirectional' ? [false, true] : [settings.direction === 'backward'];
  const values = directions.map((reverse) => runRecurrence(scope, settings, signal, { layer, reverse, last, context }));
  const signalOf = (value: Value, end: Signal['end']): Signal => (last ? { value, time: false, end } : { value, time: true, lengths: signal.lengths });
  const results = values.map((value, i) => signalOf(value, directions[i] ? 'first' : 'last'));
  if (results.length === 1) return results[0]!;
  return { ...signalOf(merges[settings.merge](values), commonEnd(results)), named: { forward: results[0]!, backward: results[1]! } };
}

/** What a stacked layer made of its input, with the input beside it. */
function withSkip(scope: Scope, { cell, skip }: RecurrentSettings, input: Signal, result: Signal, layer: number): Signal {
  const label = layerLabel(cell.name, scope);
  const past = shortcut(label, input, result);
  requireSameShape(label, past, result, 'stacked layers with a skip keep their size');
  const value = skip === 'residual' ? add(past.value, result.value) : gatedSum(scope, past, result.value, { gateBias: -1, name: `highway_l${layer}` });
  return zeroPadding({ ...result, value });
}

function buildRecurrent(scope: Scope, settings: RecurrentSettings, inputs: readonly Signal[]): Signal {
  const { dropout, layers, skip } = settings;
  const given = recurrentInputs(scope, layerLabel(settings.cell.name, scope), settings.context, inputs);
  let { signal } = given;
  for (let layer = 0; layer < layers; layer++) {
    const dropped = applyDropout(scope, signal, layer === 0 ? dropout.input : dropout.between, dropout.variational);
    const result = runDirections(scope, settings, dropped, layer, layer === 0 ? given.context : undefined);
    signal = skip && layer > 0 ? withSkip(scope, settings, signal, result, layer) : result;
  }
  return applyDropout(scope, signal, dropout.output, dropout.variational);
}

/**
 * A layer of any cell, one of your own too: [N, T, C] → [N, T, H], or [N, H] with `output: 'last'`; H is the size of the cell's output, twice that for
 * two directions side by side. With `context` it has a second input, [N, D].
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for options that do not fit; when built, ERR_BPTT_SHAPE for a signal without time or
 * a context with it, ERR_BPTT_GRAPH for a context that is missing and ERR_BPTT_TYPE for tokens, all naming the layer.
 */
export function recurrent<State extends string, Options extends CellOptions>(cell: Cell<State, Options>, options: RecurrentOptionsOf<Options>): Layer {
  const erased: Cell = cell;
  if (typeof cell !== 'object' || findCell(cell?.name) !== erased) {
    throw new BpttError('ERR_BPTT_TYPE', `recurrent: expected a cell made by cell(…), received ${describe(cell)}`, { expected: 'cell', received: cell });
  }
  if (isRegisteredLayer(cell.name)) {
    throw new BpttError('ERR_BPTT_OPTION', `cell "${cell.name}": there is a layer of this name, and models are saved by it; give the cell another one`, { received: cell.name });
  }
  const settings = readRecurrentOptions(erased, options);
  return defineLayer(cell.name, options, (scope, ...inputs) => buildRecurrent(scope, settings, inputs), {
    recurrence: true, direction: settings.direction, ...(settings.context === undefined ? {} : { furtherInputs: 1 }),
  });
}

registerRecurrentFactory((cellName, options) => recurrent(findCell(cellName)!, options as never));
