import { apply, argument, constant, createSubstitution, rebuild, scanAttributes, scanInputs, select, stopGradient } from '../graph/index.ts';
import type { Node, Value } from '../graph/index.ts';

/** A scan like `node` whose carried values let no gradient through after every `span` steps. */
function cutScan(node: Node, inputs: readonly Value[], span: number): readonly Value[] | undefined {
  const attributes = scanAttributes(node);
  const { body, length, reverse } = attributes;
  if (length <= span || body.carried.length === 0) return undefined;
  const { captured } = scanInputs(node);
  const visits = Array.from({ length }, (_, step) => (reverse ? length - 1 - step : step));
  const cuts = constant(visits.map((visit) => (visit > 0 && visit % span === 0 ? 1 : 0)), [length], 'bool');
  const cut = argument('cut', [], 'bool');
  const guarded = createSubstitution(new Map(body.carried.map((carried) => [carried, select(cut, stopGradient(carried), carried)])));
  const sequencesEnd = inputs.length - captured.length;
  return apply('scan', [...inputs.slice(0, sequencesEnd), cuts, ...inputs.slice(sequencesEnd)], {
    ...attributes,
    body: { ...body, scanned: [...body.scanned, cut], next: body.next.map(guarded), collected: body.collected.map(guarded) },
  }, node.scope);
}

/**
 * The same values, but no gradient crosses more than `span` steps of any loop over time: every `span` steps, counted in the order in which a loop visits
 * them, the states are taken as given. A span of 1 is J. Elman's training (1990).
 */
export function truncateGradients(values: readonly Value[], span: number): Value[] {
  return rebuild(values, (node, inputs) => (node.operation === 'scan' ? cutScan(node, inputs, span) : undefined));
}
