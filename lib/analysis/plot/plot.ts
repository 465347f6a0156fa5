import { BpttError, checkOptions, describe } from '../../errors.ts';
import type { CellComparison } from '../compareCells.ts';
import type { GapSweep } from '../gapSweep.ts';
import type { GateActivity } from '../gateActivity.ts';
import type { GateInspection } from '../gates.ts';
import type { GradientNorms } from '../gradientNorms.ts';
import type { ImpulseResponse } from '../impulse.ts';
import type { JacobianReport } from '../jacobians.ts';
import type { TapMap } from '../tap.ts';
import type { PlotOptions } from './axis.ts';
import { heatPlot } from './heatPlot.ts';
import { linePlot } from './linePlot.ts';
import type { LinePlotOptions, PlotSeries } from './linePlot.ts';

/** Results that know how they are drawn. */
export type Plottable = TapMap | JacobianReport | GradientNorms | ImpulseResponse | GateActivity | GapSweep | CellComparison;

type Drawing = Omit<LinePlotOptions, 'width' | 'height'>;

function tapDrawing({ activation, weight, trajectory, fixedPoints }: TapMap): Drawing {
  const ends = [0, trajectory.length - 1];
  return {
    title: `h(t+1) = ${activation}(${weight} h(t))`, x: { label: 'step' }, y: { label: 'h' },
    series: [
      { name: 'h(t)', y: trajectory },
      ...fixedPoints.map(({ value, stable }): PlotSeries => ({ name: `${stable ? 'stable' : 'unstable'} ${Number(value.toPrecision(4))}`, x: ends, y: [value, value], marks: 'line', dashed: true })),
    ],
  };
}

function jacobianDrawing({ layer, rows }: JacobianReport): Drawing {
  const steps = rows[0]!.largest.map((_, t) => t + 1);
  return {
    title: `${layer}: singular values of ∂s(t)/∂s(t−1)`, x: { label: 'step' }, y: { label: 'singular value', logarithmic: true },
    series: [
      { name: 'largest', x: steps, y: rows[0]!.largest }, { name: 'smallest', x: steps, y: rows[0]!.smallest }, { name: 'largest, steps 1…t', x: steps, y: rows[0]!.product },
      { name: 'one', x: [1, Math.max(2, steps.length)], y: [1, 1], marks: 'line', dashed: true },
    ],
  };
}

function gradientDrawing({ layer, states, inputs }: GradientNorms): Drawing {
  return {
    title: `${layer}: gradient of the loss by step`, x: { label: 'step' }, y: { label: 'norm', logarithmic: true },
    series: [{ name: 'state', y: states }, ...(inputs ? [{ name: 'input', x: Array.from(inputs, (_, t) => t + 1), y: inputs }] : [])],
  };
}

function gateDrawing({ layer, gates, threshold }: GateActivity): Drawing {
  const names = Object.keys(gates);
  return {
    title: `${layer}: how often each unit's gates are open and closed`, x: { label: `share of steps at or above ${threshold}`, least: 0, most: 1 }, y: { label: 'share of steps closed', least: 0, most: 1 },
    series: names.map((name) => ({ name, x: gates[name]!.openByUnit, y: gates[name]!.closedByUnit, marks: 'points' })),
  };
}

function sweepDrawing({ results, longest }: GapSweep): Drawing {
  return {
    title: 'Recall over a gap', x: { label: 'gap' }, y: { label: 'accuracy', least: 0, most: 1 },
    series: Object.keys(longest).map((name) => {
      const own = results.filter(({ model }) => model === name);
      return { name, x: own.map(({ gap }) => gap), y: own.map(({ accuracy }) => accuracy) };
    }),
  };
}

function drawingOf(result: Plottable): Drawing {
  switch (result.kind) {
    case 'tap': return tapDrawing(result);
    case 'jacobians': return jacobianDrawing(result);
    case 'gradientNorms': return gradientDrawing(result);
    case 'impulseResponse': return { title: 'Response to an impulse', x: { label: 'step' }, y: { label: 'norm of the difference', logarithmic: true }, series: [{ name: 'response', y: result.norms }] };
    case 'gateActivity': return gateDrawing(result);
    case 'gapSweep': return sweepDrawing(result);
    case 'cells': return { title: 'Cells compared', x: { label: 'parameters' }, y: { label: 'loss' }, series: result.results.map(({ cell, parameters, loss }) => ({ name: cell, x: [parameters], y: [loss], marks: 'points' })) };
    default: throw new BpttError('ERR_BPTT_TYPE', `plot: expected a result of tap(), jacobianNorms(), gradientNorms(), impulseResponse(), gateActivity(), inspectGates(), gapSweep() or compareCells(), received ${describe(result)}`, { received: result });
  }
}

/** Options of `plot`. */
export interface PlotResultOptions extends PlotOptions {
  /** Of an inspection of gates: which gate or state is drawn; default the first gate. */
  readonly show?: string | undefined;
  /** Of an inspection of gates: which row of the data. Default 0. */
  readonly row?: number | undefined;
}

function plotGate({ layer, gates, states }: GateInspection, { show, row = 0, title, ...size }: PlotResultOptions): Promise<string> {
  const all = { ...gates, ...states };
  const name = show ?? Object.keys(all)[0]!;
  const shown = Object.hasOwn(all, name) ? all[name] : undefined;
  if (!shown) throw new BpttError('ERR_BPTT_OPTION', `plot: expected show to be one of ${Object.keys(all).join(', ')}, received ${describe(show)}`, { expected: Object.keys(all), received: show });
  const { data, shape } = shown.row(row);
  const [steps, units] = shape as [number, number];
  const values = Array.from({ length: units }, (_, unit) => Array.from({ length: steps }, (__, t) => data[t * units + unit]!));
  return heatPlot({ title: title ?? `${layer}: ${name}`, x: { label: 'step' }, y: { label: 'unit' }, values, ...size });
}

/**
 * A result of this package's analysis as SVG text. Of Jacobians the first row is drawn; an inspection of gates is a map of units over steps.
 * @throws (as a rejection) ERR_BPTT_TYPE for something else; ERR_BPTT_OPTION for wrong options; ERR_BPTT_RUNTIME without the package "echarts".
 */
export async function plot(result: Plottable | GateInspection, options: PlotResultOptions = {}): Promise<string> {
  checkOptions('plot', options, ['title', 'width', 'height', 'show', 'row']);
  if (typeof result !== 'object' || result === null) throw new BpttError('ERR_BPTT_TYPE', `plot: expected a result of an analysis, received ${describe(result)}`, { received: result });
  if (!('kind' in result) && 'gates' in result) return plotGate(result, options);
  const unread = (['show', 'row'] as const).find((name) => options[name] !== undefined);
  if (unread) throw new BpttError('ERR_BPTT_OPTION', `plot: ${unread} chooses among the gates of an inspection, and this is another result; leave it out`, { received: unread });
  const drawing = drawingOf(result);
  const { title = drawing.title, width, height } = options;
  return linePlot({ ...drawing, title, width, height });
}
