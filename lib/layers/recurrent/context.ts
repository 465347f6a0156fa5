import type { CellSpecification } from '../../cells/index.ts';
import { BpttError, formatShape } from '../../errors.ts';
import { add, matmul, multiply, type Value } from '../../graph/index.ts';
import { outerShape, requireFeatures, sequenceInput } from '../define.ts';
import { firstSteps } from '../firstSteps.ts';
import type { Scope, Signal } from '../layer.ts';
import { gateInitializer } from './gateInitializers.ts';
import type { RecurrentSettings } from './options.ts';

/** At which steps a context enters: at every one, or at the first one only. */
export type ContextUse = 'every' | 'first';

/** The sequence that a recurrent layer reads, and the context [N, D] that its first recurrence adds. @throws ERR_BPTT_GRAPH, ERR_BPTT_SHAPE or ERR_BPTT_TYPE. */
export function recurrentInputs(scope: Scope, label: string, use: ContextUse | undefined, inputs: readonly Signal[]): { readonly signal: Signal; readonly context?: Value | undefined } {
  if (use === undefined) return { signal: sequenceInput(label, inputs) };
  const [sequence, given] = inputs;
  if (inputs.length !== 2) {
    throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected two inputs, the sequence and then its context [N, features], received ${inputs.length}; connect(layer, sequence, context)`,
      { expected: 2, received: inputs.length });
  }
  requireFeatures(`${label}: context`, given!);
  if (!given!.time && given!.value.shape.length === 2) {
    scope.readsAhead(given!.value, 'whole');
    return { signal: sequenceInput(label, [sequence!]), context: given!.value };
  }
  throw new BpttError('ERR_BPTT_SHAPE', `${label}: expected its context to be one vector for each row, [N, features], received ${formatShape(outerShape(given!))}; `
    + 'concatenate() joins what differs from step to step to the sequence', { expected: ['N', 'features'], received: outerShape(given!) });
}

/** Where a context enters one recurrence. */
export interface ContextPlace {
  readonly scope: Scope;
  /** Where the states of the recurrence live. */
  readonly states: Scope;
  readonly suffix: string;
  readonly signal: Signal;
  readonly reverse: boolean;
}

/** The weights of a step with the context in them, and what they need of each step. */
export interface EnteredContext {
  readonly scanned: Readonly<Record<string, Value>>;
  weights(values: Readonly<Record<string, Value>>): Readonly<Record<string, Value>>;
}

/**
 * Adds W v to every gate that reads the input: what stands in the gates' bias is then different from row to row. The product is made once for all steps.
 * @throws ERR_BPTT_OPTION for a cell none of whose gates reads the input.
 */
export function enterContext(context: Value | undefined, specification: CellSpecification, settings: RecurrentSettings, weights: Readonly<Record<string, Value>>, place: ContextPlace): EnteredContext {
  if (context === undefined) return { scanned: {}, weights: () => weights };
  const bias = specification.parameters.find(({ name }) => name === 'bias_ih');
  if (!bias) throw new BpttError('ERR_BPTT_OPTION', `${settings.cell.name}: context is added where affine(gate, x, …) reads the input, and this cell has no such gate; leave context out`, { received: 'context' });
  const name = `weight_ch${place.suffix}`;
  const weight = place.scope.parameter(name, [context.shape[1]!, bias.shape[0]!], {
    group: 'input', initializer: settings.initializer.input, disk: { name, transpose: true }, ...(bias.gates && { gates: bias.gates.map((gate) => ({ ...gate, initializer: gateInitializer(settings.initializer.gates, 'weight_ih', gate.name) })) }),
  });
  const product = matmul(context, weight);
  const usual = weights['bias_ih']!;
  if (settings.context === 'every') {
    const entered = { ...weights, bias_ih: add(product, usual) };
    return { scanned: {}, weights: () => entered };
  }
  return { scanned: { contextShare: firstSteps(place.states, 'started', place.signal, place.reverse) }, weights: (values) => ({ ...weights, bias_ih: add(multiply(values['contextShare']!, product), usual) }) };
}
