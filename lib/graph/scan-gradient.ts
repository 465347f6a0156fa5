import { accumulate, backpropagate } from './gradient.ts';
import { apply } from './operation.ts';
import { add } from './operations/arithmetic.ts';
import { argument, zeros } from './operations/leaves.ts';
import { scanAttributes, scanInputs, type ScanAttributes, type ScanBody } from './operations/scan.ts';
import { closeScan, type OpenScan } from './scan.ts';
import { chooseResiduals } from './residuals.ts';
import { createSubstitution, dependentNodes, topologicalOrder } from './traverse.ts';
import type { Node, Value } from './value.ts';

export interface ScanGradient {
  /** One for each input of the scan, undefined where nothing flows. */
  readonly gradients: readonly (Value | undefined)[];
  /** Takes the place of the scan's outputs: the same scan, which also collects what its gradient needs. */
  readonly rebuilt: readonly Value[];
}

/** Which parts of a scan a gradient runs through. */
interface Connection {
  /** Indices of the carried values whose gradient is carried backwards. */
  readonly carried: readonly number[];
  /** Indices of the collected values whose upstream gradient matters. */
  readonly collected: readonly number[];
}

function needsAny(root: Value, sources: readonly Value[]): boolean {
  return sources.length > 0 && dependentNodes(topologicalOrder([root]), new Set(sources)).size > 0;
}

/** Carried values that both depend on something needed and lead to something with an upstream gradient. */
function connect(body: ScanBody, upstream: readonly (Value | undefined)[], needed: readonly boolean[]): Connection {
  const { carried, next, collected } = body;
  const active = new Set([...carried, ...body.scanned, ...body.captured].filter((_, i) => needed[i]));
  const live = new Set(carried.map((_, i) => i).filter((i) => upstream[i]));
  const indices = carried.map((_, i) => i).filter((i) => carried[i]!.type === 'float32');
  const withUpstream = collected.map((_, i) => i).filter((i) => upstream[carried.length + i]);
  for (let changed = true; changed;) {
    changed = false;
    for (const i of indices) {
      if (active.has(carried[i]!) || !needsAny(next[i]!, [...active])) continue;
      active.add(carried[i]!);
      changed = true;
    }
  }
  for (let changed = true; changed;) {
    changed = false;
    for (const i of indices) {
      const leads = [...[...live].map((k) => next[k]!), ...withUpstream.map((k) => collected[k]!)];
      if (live.has(i) || !leads.some((root) => needsAny(root, [carried[i]!]))) continue;
      live.add(i);
      changed = true;
    }
  }
  return {
    carried: indices.filter((i) => live.has(i) && active.has(carried[i]!)),
    collected: withUpstream.filter((i) => needsAny(collected[i]!, [...active])),
  };
}

/** The body's backward step, still written in values of the forward body. */
interface BackwardStep {
  readonly ofCarried: readonly { readonly index: number; readonly argument: Value; readonly next: Value }[];
  readonly ofCollected: readonly { readonly index: number; readonly argument: Value }[];
  readonly ofScanned: readonly { readonly index: number; readonly value: Value }[];
  readonly ofCaptured: readonly { readonly index: number; readonly value: Value }[];
  /** The forward body, its inner scans replaced by ones that keep what their gradients need. */
  readonly forward: ScanBody;
}

function differentiateBody(attributes: ScanAttributes, connection: Connection, needed: readonly boolean[]): BackwardStep {
  const { body, carriedNames, collectedNames } = attributes;
  const { carried, scanned, captured, next, collected } = body;
  const ofCarried = connection.carried.map((index) => ({ index, argument: argument(`${carriedNames[index]!}.gradient`, carried[index]!.shape) }));
  const ofCollected = connection.collected.map((index) => ({ index, argument: argument(`${collectedNames[index]!}.gradient`, collected[index]!.shape) }));
  const seeds = new Map<Value, Value>();
  for (const entry of ofCarried) accumulate(seeds, next[entry.index]!, entry.argument);
  for (const entry of ofCollected) accumulate(seeds, collected[entry.index]!, entry.argument);
  const neededScanned = scanned.filter((_, i) => needed[carried.length + i]);
  const neededCaptured = captured.filter((_, i) => needed[carried.length + scanned.length + i]);
  const { of: adjoints, replacements } = backpropagate(seeds, [...ofCarried.map(({ index }) => carried[index]!), ...neededScanned, ...neededCaptured]);
  const rewrite = createSubstitution(replacements, true);
  const found = (targets: readonly Value[], wanted: readonly Value[]): { index: number; value: Value }[] =>
    targets.flatMap((target, index) => {
      const value = wanted.includes(target) ? adjoints.get(target) : undefined;
      return value ? [{ index, value: rewrite(value) }] : [];
    });
  return {
    ofCarried: ofCarried.map((entry) => ({ ...entry, next: rewrite(adjoints.get(carried[entry.index]!) ?? zeros(carried[entry.index]!.shape)) })),
    ofCollected,
    ofScanned: found(scanned, neededScanned),
    ofCaptured: found(captured, neededCaptured),
    forward: { ...body, next: next.map(rewrite), collected: collected.map(rewrite) },
  };
}

/** The forward scan with the residuals as further collected values, and where each of them then is. */
function collectResiduals(node: Node, forward: ScanBody, residuals: readonly Value[]): { outputs: readonly Value[]; sequenceOf: Map<Value, Value> } {
  const attributes = scanAttributes(node);
  const added = residuals.filter((value) => !forward.collected.includes(value));
  const collected = [...forward.collected, ...added];
  const names = added.map((_, i) => `residual_${i}`);
  const outputs = apply('scan', node.inputs,
    { ...attributes, body: { ...forward, collected }, collectedNames: [...attributes.collectedNames, ...names] }, node.scope);
  return { outputs, sequenceOf: new Map(residuals.map((value) => [value, outputs[forward.carried.length + collected.indexOf(value)]!])) };
}

/**
 * The gradient of a scan: a scan in the other direction over the gradient of its body. Gradients of carried values are carried; those of sequences are
 * collected; those of captured values add up as further carried values. `needed` says for each input whether its gradient is wanted.
 */
export function scanGradient(node: Node, upstream: readonly (Value | undefined)[], needed: readonly boolean[]): ScanGradient {
  const attributes = scanAttributes(node);
  const { body, length, reverse } = attributes;
  const inputs = scanInputs(node);
  const step = differentiateBody(attributes, connect(body, upstream, needed), needed);
  const results = [...step.ofCarried.map(({ next }) => next), ...step.ofScanned.map(({ value }) => value), ...step.ofCaptured.map(({ value }) => value)];
  const residuals = chooseResiduals(step.forward, results);
  const { outputs, sequenceOf } = collectResiduals(node, step.forward, residuals);

  const sequences: { argument: Value; sequence: Value }[] = [];
  const mapping = new Map<Value, Value>(body.captured.map((value, i) => [value, inputs.captured[i]!]));
  const read = (value: Value, name: string, sequence: Value): void => {
    const part = argument(name, value.shape, value.type);
    mapping.set(value, part);
    sequences.push({ argument: part, sequence });
  };
  body.scanned.forEach((value, i) => read(value, String(value.node.attributes['name']), inputs.sequences[i]!));
  residuals.forEach((value, i) => read(value, `residual_${i}`, sequenceOf.get(value)!));
  for (const entry of step.ofCollected) sequences.push({ argument: entry.argument, sequence: upstream[body.carried.length + entry.index]! });

  const express = createSubstitution(mapping);
  const carried: OpenScan['carried'][number][] = step.ofCarried.map((entry) => ({
    name: String(entry.argument.node.attributes['name']), argument: entry.argument,
    initial: upstream[entry.index] ?? zeros(entry.argument.shape), next: express(entry.next),
  }));
  for (const { index, value } of step.ofCaptured) {
    const name = `${String(body.captured[index]!.node.attributes['name'])}.gradient`;
    const sum = argument(name, value.shape);
    carried.push({ name, argument: sum, initial: zeros(value.shape), next: add(sum, express(value)) });
  }
  const collected = step.ofScanned.map(({ index, value }) => ({ name: `${String(body.scanned[index]!.node.attributes['name'])}.gradient`, value: express(value) }));
  const backward = closeScan({ carried, scanned: sequences, collected, length, reverse: !reverse }, node.scope);
  return { gradients: arrange(node, step, backward), rebuilt: outputs.slice(0, node.outputs.length) };
}

/** Outputs of the backward scan in the order of the forward scan's inputs. */
function arrange(node: Node, step: BackwardStep, backward: readonly Value[]): (Value | undefined)[] {
  const { body } = scanAttributes(node);
  const gradients = new Array<Value | undefined>(node.inputs.length).fill(undefined);
  const carriedEnd = step.ofCarried.length;
  const capturedEnd = carriedEnd + step.ofCaptured.length;
  step.ofCarried.forEach(({ index }, i) => { gradients[index] = backward[i]; });
  step.ofCaptured.forEach(({ index }, i) => { gradients[body.carried.length + body.scanned.length + index] = backward[carriedEnd + i]; });
  step.ofScanned.forEach(({ index }, i) => { gradients[body.carried.length + index] = backward[capturedEnd + i]; });
  return gradients;
}
