import { requireBoolean, requireChoice, wrongType } from '../../checks.ts';
import { BpttError, checkOptions, describe } from '../../errors.ts';
import { axisOption, colours, isNumbers, logarithmBase, plotSize, requireText, titleOf } from './axis.ts';
import type { PlotAxis, PlotOptions } from './axis.ts';
import { render } from './renderer.ts';

/** Numbers over numbers, under one name. */
export interface PlotSeries {
  readonly name: string;
  /** Default 0, 1, 2, …. */
  readonly x?: ArrayLike<number> | undefined;
  /** As many as x. What is not finite, or not above 0 on a logarithmic axis, is a gap. */
  readonly y: ArrayLike<number>;
  /** What is drawn; default "both" up to 40 numbers, "line" beyond. */
  readonly marks?: 'line' | 'points' | 'both' | undefined;
  /** A broken line: for bounds and for what others published; not of points alone. Default false. */
  readonly dashed?: boolean | undefined;
}

export interface LinePlotOptions extends PlotOptions {
  readonly x: PlotAxis;
  readonly y: PlotAxis;
  /** From the bottom of the drawing to its top. */
  readonly series: readonly PlotSeries[];
}

const symbols = ['circle', 'rect', 'triangle', 'diamond', 'emptyCircle', 'emptyRect', 'emptyTriangle', 'emptyDiamond'] as const;
/** Numbers up to which each gets a mark of its own. */
const fewPoints = 40;

function pointsOf(owner: string, { x, y }: PlotSeries, logarithmic: { x: boolean; y: boolean }): [number, number | null][] {
  if (!isNumbers(y)) throw wrongType(owner, 'y', 'a list of numbers', y);
  if (x !== undefined && (!isNumbers(x) || x.length !== y.length)) {
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected as many numbers in x as in y, ${y.length}, received ${describe(x)}`, { expected: y.length, received: x });
  }
  const drawable = (value: number, log: boolean): boolean => Number.isFinite(value) && (!log || value > 0);
  return Array.from(y, (value, i): [number, number | null] => [x?.[i] ?? i, drawable(value, logarithmic.y) ? value : null])
    .filter(([at]) => drawable(at, logarithmic.x));
}

function seriesOption(owner: string, series: PlotSeries, index: number, logarithmic: { x: boolean; y: boolean }): object {
  checkOptions(owner, series, ['name', 'x', 'y', 'marks', 'dashed']);
  const data = pointsOf(owner, series, logarithmic);
  const marks = requireChoice(owner, 'marks', series.marks ?? (data.length <= fewPoints ? 'both' : 'line'), ['line', 'points', 'both'] as const);
  const dashed = requireBoolean(owner, 'dashed', series.dashed ?? false);
  if (dashed && marks === 'points') throw new BpttError('ERR_BPTT_OPTION', `${owner}: dashed is of lines, and marks: "points" draws none; leave one of them out`, { received: { marks, dashed } });
  const color = colours[index % colours.length]!;
  return {
    type: 'line', name: requireText(owner, 'name', series.name), data, silent: true, connectNulls: false,
    showSymbol: marks !== 'line', showAllSymbol: true, symbol: symbols[index % symbols.length], symbolSize: marks === 'points' ? 5 : 7,
    itemStyle: { color },
    lineStyle: { color, width: marks === 'points' ? 0 : 2, type: dashed ? 'dashed' : index >= colours.length ? 'dotted' : 'solid' },
  };
}

/**
 * Lines or points over two axes as SVG text, drawn without a browser. Equal options give equal text.
 *
 * ```ts
 * writeFileSync('scaling.svg', await linePlot({
 *   title: 'A step of training', x: { label: 'units', logarithmic: 2 }, y: { label: 'milliseconds', logarithmic: true },
 *   series: [{ name: 'lstm', x: [64, 128, 256], y: [1.1, 3.9, 15.2] }],
 * }));
 * ```
 * @throws ERR_BPTT_OPTION, ERR_BPTT_TYPE, ERR_BPTT_RANGE or ERR_BPTT_SHAPE for options that do not fit; ERR_BPTT_RUNTIME without the package "echarts".
 */
export async function linePlot(options: LinePlotOptions): Promise<string> {
  const owner = 'linePlot';
  checkOptions(owner, options, ['title', 'x', 'y', 'series', 'width', 'height']);
  const { title, x, y, series } = options;
  if (!Array.isArray(series) || series.length === 0) {
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected series to be a list of at least one { name, y }, received ${describe(series)}`, { received: series });
  }
  const axes = { xAxis: axisOption(`${owner}: x`, x, 30), yAxis: axisOption(`${owner}: y`, y, 44) };
  const logarithmic = { x: logarithmBase(owner, x) !== null, y: logarithmBase(owner, y) !== null };
  const drawn = (series as readonly PlotSeries[]).map((each, i) => seriesOption(`${owner}: series[${i}]`, each, i, logarithmic));
  const names = (series as readonly PlotSeries[]).map(({ name }) => name);
  const legendWidth = names.length > 1 ? 50 + 7 * Math.max(...names.map((name) => name.length)) : 0;
  return render({
    ...titleOf(owner, title), ...axes, series: drawn,
    grid: { left: 70, right: 24 + legendWidth, top: title === undefined ? 24 : 48, bottom: 56 },
    ...(names.length > 1 ? { legend: { data: names, orient: 'vertical', right: 12, top: 'middle', itemGap: 10, textStyle: { fontSize: 12, color: '#222222' } } } : {}),
  }, plotSize(owner, options));
}
