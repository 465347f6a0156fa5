import { prepare } from '../compiler/index.ts';
import { add, and, broadcast, cast, gradient, input, isFinite as finite, less, reshape, select, sliceAxis, variable } from '../graph/index.ts';
import type { Graph, Value, Variable } from '../graph/index.ts';
import { reduceLoss } from '../losses/index.ts';
import { buildModel } from '../model/builder.ts';
import type { BuiltModel, BuiltState, Signature } from '../model/builder.ts';
import { isSameSignature } from '../model/door.ts';
import type { Model } from '../model/index.ts';
import { selectFresh } from '../model/stream.ts';
import { clipGradients, regularizedGradient } from '../optimizers/index.ts';
import { lossTerms, total } from './lossGraph.ts';
import type { TrainerSettings } from './settings.ts';
import { truncateGradients } from './truncate.ts';

/** The memory of a trainer beside the model's. */
export interface TrainerVariables {
  /** Updates made, int32 []. */
  readonly step: Variable;
  /** By parameter, then by slot. */
  readonly slots: ReadonlyMap<string, Readonly<Record<string, Variable>>>;
}

/** What a step program depends on. */
export interface StepOptions {
  readonly signature: Signature;
  /** Carried states by path, or null when every row is fresh. */
  readonly carried: ReadonlyMap<string, Variable> | null;
  readonly weighted: readonly string[];
  /** How many steps, at the end, have a loss; null without truncation. */
  readonly lossSteps: number | null;
  /** After how many steps the carried state is taken; null for the end. */
  readonly advance: number | null;
  /** How many steps gradients may cross within this program; null for all. */
  readonly span: number | null;
}

/** Whether two batches take the same program. */
export function isSameStep(one: StepOptions, other: StepOptions): boolean {
  return one.lossSteps === other.lossSteps && one.advance === other.advance && one.span === other.span && one.carried === other.carried
    && one.weighted.length === other.weighted.length && one.weighted.every((name, i) => name === other.weighted[i]) && isSameSignature(one.signature, other.signature);
}

/** A training step as graph, with what explains it when something goes wrong. */
export interface StepGraph {
  readonly graph: Graph;
  /** The loss before gradients were added, and everything that decides whether the step counts. */
  readonly forwardLoss: Value;
  readonly loss: Value;
  readonly norm: Value;
  readonly keys: number;
}

/** The outputs of a built model and its states, with gradients cut where the trainer wants it. */
function withTruncation(built: BuiltModel, span: number | null): Pick<BuiltModel, 'outputs' | 'states'> {
  if (span === null) return built;
  const outputs = Object.entries(built.outputs);
  const states = [...built.states];
  const values = truncateGradients([...outputs.map(([, { value }]) => value), ...states.flatMap(([, { final, sequence }]) => [final, sequence])], span);
  return {
    outputs: Object.fromEntries(outputs.map(([name, signal], i) => [name, { ...signal, value: values[i]! }])),
    states: new Map(states.map(([path, state], i) => {
      const at = outputs.length + 2 * i;
      return [path, { ...state, final: values[at]!, sequence: values[at + 1]! }];
    })),
  };
}

/** The state after `advance` steps: that of the end for rows that have ended before. */
function stateAfter({ start, final, sequence }: BuiltState, advance: number | null, lengths: Value | undefined): Value {
  if (advance === null || advance === sequence.shape[0]) return final;
  if (advance === 0) return start;
  const then = reshape(sliceAxis(sequence, 0, advance - 1, 1), final.shape);
  if (!lengths) return then;
  const ended = reshape(less(lengths, advance), [lengths.shape[0]!, ...final.shape.slice(1).map(() => 1)]);
  return select(broadcast(ended, final.shape), final, then);
}

export interface Assignment {
  readonly variable: Variable;
  readonly value: Value;
}

/** New parameters, slots and the step counter, of parameters with their gradients in the same order. */
export function newVariables(parameters: BuiltModel['parameters'], settings: TrainerSettings, variables: TrainerVariables, gradients: readonly Value[], learningRate: Value): Assignment[] {
  const counted = add(variable(variables.step), 1);
  const step = cast(counted, 'float32');
  const assignments: Assignment[] = [{ variable: variables.step, value: counted }];
  [...parameters].forEach(([name, { declared, value }], i) => {
    const memory = variables.slots.get(name)!;
    const slots = Object.fromEntries(Object.entries(memory).map(([slot, owner]) => [slot, variable(owner)]));
    const result = settings.optimizer.update({ parameter: value, gradient: gradients[i]!, slots, learningRate, step });
    assignments.push({ variable: declared.variable, value: result.parameter });
    for (const [slot, owner] of Object.entries(memory)) assignments.push({ variable: owner, value: result.slots[slot]! });
  });
  return assignments;
}

/** An assignment that leaves the variable alone where `applied` is false. */
export function guarded({ variable: target, value }: Assignment, applied: Value): Assignment {
  return { variable: target, value: select(broadcast(applied, target.shape), value, variable(target)) };
}

/**
 * A whole training step as one graph: forward, loss, backward, penalty, clipping, update and the states carried on. Nothing is written when the loss
 * or the gradients' norm is not finite. Outputs: "loss" and "norm", float32 [] each.
 */
export function buildStep(model: Model, settings: TrainerSettings, variables: TrainerVariables, options: StepOptions): StepGraph {
  const { carried, signature } = options;
  const fresh = input('fresh', [signature.rows], 'bool');
  const learningRate = input('learningRate', [], 'float32');
  const built = buildModel(model.core.wiring, model.core.table, signature, {
    training: true,
    updates: cast(variable(variables.step), 'float32'),
    state: (path, initial) => (carried ? selectFresh(fresh, initial, variable(carried.get(path)!)) : initial),
  });
  const feeds: Value[] = [...built.feeds, learningRate, ...(carried && carried.size > 0 ? [fresh] : [])];
  const { outputs, states } = withTruncation(built, options.span);
  const terms = lossTerms(outputs, { losses: settings.losses, lossOn: settings.lossOn, weighted: options.weighted, lossSteps: options.lossSteps }, feeds);
  const forwardLoss = total(terms.map(({ loss, prediction, target, selection }) => reduceLoss({ loss, prediction, target, reduction: settings.reduction, ...selection })));
  const parameters = [...built.parameters.values()];
  const lengths = Object.values(built.outputs).find((signal) => signal.time)?.lengths;
  const kept = carried ? [...states].map(([path, state]) => ({ variable: carried.get(path)!, value: stateAfter(state, options.advance, lengths) })) : [];
  const [preparedLoss, ...rest] = prepare([forwardLoss, ...parameters.map(({ value }) => value), ...kept.map(({ value }) => value)]);
  const weights = rest.slice(0, parameters.length);
  const keptValues = rest.slice(parameters.length);
  const { gradients, rewrite } = gradient(preparedLoss!, weights);
  const penalised = gradients.map((value, i) => regularizedGradient(weights[i]!, value, parameters[i]!.declared.options.group, settings.l2));
  const clipped = clipGradients(penalised, settings.clip);
  const loss = rewrite(preparedLoss!);
  const applied = and(finite(loss), finite(clipped.norm));
  const assignments = [...newVariables(built.parameters, settings, variables, clipped.gradients, learningRate), ...kept.map((entry, i) => ({ ...entry, value: rewrite(keptValues[i]!) }))].map((assignment) => guarded(assignment, applied));
  return { graph: { inputs: feeds, outputs: { loss, norm: clipped.norm }, assignments }, forwardLoss, loss, norm: clipped.norm, keys: built.keys };
}
