import type { GradientCheckEntry } from './gradientCheck.ts';
import { formatTable } from './table.ts';

/** The entries as a table, and what it comes to. */
export function formatGradientCheck(entries: readonly GradientCheckEntry[], tolerance: number, stopsGradients: boolean): string {
  const table = formatTable(['', 'Kind', 'Compared', 'Gradient', 'Difference quotient', 'Relative error', ''], entries.map(({ name, kind, count, checked, worst, passed }) => [
    name, kind, `${checked} of ${count}`, worst.analytic.toPrecision(8), worst.numeric.toPrecision(8), worst.error.toExponential(1), passed ? 'ok' : `differs at [${worst.index}]`,
  ]));
  const wrong = entries.filter(({ passed }) => !passed);
  const verdict = wrong.length === 0 ? `All gradients agree within ${tolerance}.` : `${wrong.length} of ${entries.length} tensors disagree by more than ${tolerance}: ${wrong.map(({ name }) => name).join(', ')}.`;
  const remark = 'The graph stops gradients on the way (stopGradient): tensors that act through it are expected to differ, and this check cannot tell whether they are right.';
  return [table, verdict, ...(stopsGradients ? [remark] : [])].join('\n');
}
