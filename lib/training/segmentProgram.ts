import { prepare } from '../compiler/index.ts';
import { add, and, gradient, input, isFinite as finite, multiply, sum, variable } from '../graph/index.ts';
import type { Graph, Value, Variable } from '../graph/index.ts';
import { reduceLoss } from '../losses/index.ts';
import { buildModel } from '../model/builder.ts';
import type { BuiltModel, Signature } from '../model/builder.ts';
import type { Model } from '../model/index.ts';
import { selectFresh } from '../model/stream.ts';
import { clipGradients, regularizedGradient } from '../optimizers/index.ts';
import { lossTerms, total } from './lossGraph.ts';
import type { ReplayedStep } from './nonFinite.ts';
import { drawFromStep, keysOverTime } from './randomKeys.ts';
import type { SlicesPerStep } from './randomKeys.ts';
import type { TrainerSettings } from './settings.ts';
import { guarded, newVariables } from './stepProgram.ts';
import type { TrainerVariables } from './stepProgram.ts';

/** A model over one segment of time, from the states that the segment begins with to those it ends with. */
interface BuiltSegment {
  readonly built: BuiltModel;
  readonly feeds: readonly Value[];
  /** By path. */
  readonly starts: ReadonlyMap<string, Value>;
  readonly finals: ReadonlyMap<string, Value>;
  readonly outputs: BuiltModel['outputs'];
  /** Keys that say where in time their draws begin. */
  readonly keysOverTime: SlicesPerStep;
}

function valuesOf({ outputs, states }: BuiltModel): Value[] {
  return [...Object.values(outputs).map(({ value }) => value), ...[...states.values()].map(({ final }) => final)];
}

function buildSegment(model: Model, signature: Signature): BuiltSegment {
  const { wiring, table } = model.core;
  const fresh = input('fresh', [signature.rows], 'bool');
  const updates = input('updates', [], 'float32');
  const firstStep = input('firstStep', [], 'int32');
  const starts = new Map<string, Value>();
  const built = buildModel(wiring, table, signature, {
    training: true, updates, firstStep,
    state: (path, initial) => {
      const fed = input(`state/${path}`, initial.shape, 'float32');
      starts.set(path, fed);
      return selectFresh(fresh, initial, fed);
    },
  });
  const timed = model.inputs.find(({ time }) => time)!.name;
  const { steps } = signature.inputs[timed]!;
  const longer = { ...signature, inputs: { ...signature.inputs, [timed]: { ...signature.inputs[timed]!, steps: steps + 1 } } };
  const overTime = built.keys === 0 ? new Map<string, number>() : keysOverTime(valuesOf(built), valuesOf(buildModel(wiring, table, longer, { training: true, updates, firstStep })), steps);
  const drawn = drawFromStep(valuesOf(built), built.feeds, overTime);
  const names = Object.keys(built.outputs);
  return {
    built, starts, keysOverTime: overTime, feeds: [...drawn.feeds, updates, firstStep, ...starts.values(), ...(starts.size > 0 ? [fresh] : [])],
    outputs: Object.fromEntries(names.map((name, i) => [name, { ...built.outputs[name]!, value: drawn.values[i]! }])),
    finals: new Map([...built.states.keys()].map((path, i) => [path, drawn.values[names.length + i]!])),
  };
}

/** A program with what feeding it takes. */
export interface SegmentGraph {
  readonly graph: Graph;
  readonly keys: number;
  readonly keysOverTime: SlicesPerStep;
}

/** A segment with what explains it when something goes wrong. */
export type ReplayedSegment = SegmentGraph & ReplayedStep;

/** All that a segment gives: outputs "output/<name>", time-major, and "state/<path>". */
export function buildWhole(model: Model, signature: Signature): SegmentGraph {
  const { built, feeds, outputs, finals, keysOverTime: overTime } = buildSegment(model, signature);
  const given = Object.entries(outputs).map(([name, { value }]) => [`output/${name}`, value] as const);
  const states = [...finals].map(([path, value]) => [`state/${path}`, value] as const);
  return { graph: { inputs: feeds, outputs: Object.fromEntries([...given, ...states]), assignments: [] }, keys: built.keys, keysOverTime: overTime };
}

/** The states that a segment ends with: outputs "state/<path>". */
export function buildForward(model: Model, signature: Signature): ReplayedSegment {
  const { built, feeds, finals, keysOverTime: overTime } = buildSegment(model, signature);
  const outputs = Object.fromEntries([...finals].map(([path, value]) => [`state/${path}`, value]));
  const end = total([...finals.values()].map((value) => sum(value)));
  return { graph: { inputs: feeds, outputs, assignments: [] }, forwardLoss: end, loss: end, norm: end, keys: built.keys, keysOverTime: overTime };
}

/**
 * A segment forwards once more and then backwards. Inputs beside the forward ones: "target/<output>" and "weights/<output>" for the outputs that have a loss here,
 * "adjoint/<path>", the gradient of the states at the end. Outputs: "loss", "state/<path>" and "adjoint/<path>", the gradient of the states at the beginning.
 * The gradients of the parameters are added to `sums`.
 */
export function buildBackward(model: Model, settings: TrainerSettings, options: { readonly signature: Signature; readonly scored: readonly string[]; readonly sums: ReadonlyMap<string, Variable> }): ReplayedSegment {
  const { built, feeds, starts, finals, outputs, keysOverTime: overTime } = buildSegment(model, options.signature);
  const inputs = [...feeds];
  const losses = Object.fromEntries(options.scored.map((name) => [name, settings.losses[name]!]));
  const terms = lossTerms(outputs, { losses, lossOn: 'all', weighted: options.scored, lossSteps: null }, inputs);
  const forwardLoss = total(terms.map(({ loss, prediction, target, selection }) => (
    multiply(reduceLoss({ loss, prediction, target, reduction: 'sum', weights: selection.weights }), settings.reduction === 'sum' ? 1 : 1 / loss.terms(prediction)))));
  const adjoints = new Map([...finals].map(([path, { shape }]) => [path, input(`adjoint/${path}`, shape, 'float32')]));
  inputs.push(...adjoints.values());
  const objective = [...finals].reduce((value, [path, final]) => add(value, sum(multiply(final, adjoints.get(path)!))), forwardLoss);
  const parameters = [...built.parameters];
  const [prepared, preparedLoss, ...rest] = prepare([objective, forwardLoss, ...parameters.map(([, { value }]) => value), ...starts.values(), ...finals.values()]);
  const wanted = rest.slice(0, parameters.length + starts.size);
  const { gradients, rewrite } = gradient(prepared!, wanted);
  const ofParameters = gradients.slice(0, parameters.length);
  const loss = rewrite(preparedLoss!);
  const results: Record<string, Value> = { loss };
  [...starts.keys()].forEach((path, i) => {
    results[`adjoint/${path}`] = gradients[parameters.length + i]!;
    results[`state/${path}`] = rewrite(rest[wanted.length + i]!);
  });
  const assignments = parameters.map(([name], i) => {
    const target = options.sums.get(name)!;
    return { variable: target, value: add(variable(target), ofParameters[i]!) };
  });
  return { graph: { inputs, outputs: results, assignments }, forwardLoss, loss, norm: total(gradients.map((value) => sum(value))), keys: built.keys, keysOverTime: overTime };
}

/** Penalties, clipping and the update, from `sums`. Input "loss" decides with the gradients' norm whether anything is written. Output: "norm". */
export function buildUpdate(model: Model, settings: TrainerSettings, variables: TrainerVariables, sums: ReadonlyMap<string, Variable>): Graph {
  const loss = input('loss', [], 'float32');
  const learningRate = input('learningRate', [], 'float32');
  const parameters = new Map([...model.core.table.declared].map(([name, declared]) => [name, { declared, value: variable(declared.variable) }]));
  const penalised = [...parameters].map(([name, { declared, value }]) => regularizedGradient(value, variable(sums.get(name)!), declared.options.group, settings.l2));
  const clipped = clipGradients(penalised, settings.clip);
  const applied = and(finite(loss), finite(clipped.norm));
  const assignments = newVariables(parameters, settings, variables, clipped.gradients, learningRate).map((assignment) => guarded(assignment, applied));
  return { inputs: [loss, learningRate], outputs: { norm: clipped.norm }, assignments };
}
