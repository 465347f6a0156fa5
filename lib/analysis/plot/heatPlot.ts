import { requireNumber, wrongType } from '../../checks.ts';
import { BpttError, checkOptions, describe } from '../../errors.ts';
import { isNumbers, plotSize, requireText, titleOf } from './axis.ts';
import type { PlotOptions } from './axis.ts';
import { render } from './renderer.ts';

export interface HeatPlotOptions extends PlotOptions {
  /** Labels of the axes: columns go to the right, rows upwards. */
  readonly x: { readonly label: string };
  readonly y: { readonly label: string };
  /** Row after row; all of one length. */
  readonly values: readonly ArrayLike<number>[];
  /** What the ends of the colours stand for; default the smallest and the largest number. */
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

/** From low to high by lightness alone as well, so that it survives grey printing: viridis (N. Smith and S. van der Walt, 2015). */
const shades = ['#440154', '#3b528b', '#21918c', '#5ec962', '#fde725'] as const;

function cellsOf(owner: string, values: unknown): [number, number, number][] {
  if (!Array.isArray(values) || values.length === 0) throw wrongType(owner, 'values', 'a list of rows of numbers', values);
  const rows = values as readonly ArrayLike<number>[];
  const wrong = rows.findIndex((row) => !isNumbers(row));
  if (wrong >= 0) throw wrongType(owner, `values[${wrong}]`, 'a list of numbers', rows[wrong]);
  const width = rows[0]!.length;
  return rows.flatMap((row, y) => {
    if (row.length !== width || width === 0) {
      throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected every row to have ${width || 'at least one'} numbers, received ${row.length} in row ${y}`, { expected: width, received: row.length });
    }
    return Array.from(row, (value, x): [number, number, number] => [x, y, value]);
  }).filter(([, , value]) => Number.isFinite(value));
}

function categoryAxis(owner: string, axis: { readonly label: string }, size: number, nameGap: number): object {
  checkOptions(owner, axis, ['label']);
  return {
    type: 'category', data: Array.from({ length: size }, (_, i) => String(i)), splitArea: { show: false }, axisTick: { show: false }, nameGap,
    name: requireText(owner, 'label', axis.label), nameLocation: 'middle', nameTextStyle: { fontSize: 13, color: '#222222' },
    axisLabel: { fontSize: 12, color: '#333333', hideOverlap: true },
  };
}

/**
 * Numbers as colours over columns and rows, such as gates over time and units, as SVG text. What is not finite stays white.
 * @throws ERR_BPTT_OPTION, ERR_BPTT_TYPE, ERR_BPTT_RANGE or ERR_BPTT_SHAPE for options that do not fit; ERR_BPTT_RUNTIME without the package "echarts".
 */
export async function heatPlot(options: HeatPlotOptions): Promise<string> {
  const owner = 'heatPlot';
  checkOptions(owner, options, ['title', 'x', 'y', 'values', 'least', 'most', 'width', 'height']);
  const { title, x, y, values } = options;
  const data = cellsOf(owner, values);
  const extremes = data.reduce(([low, high], [, , value]) => [Math.min(low!, value), Math.max(high!, value)], [Infinity, -Infinity]);
  const least = requireNumber(owner, 'least', options.least ?? (data.length > 0 ? extremes[0] : 0), -Number.MAX_VALUE, Number.MAX_VALUE);
  const most = requireNumber(owner, 'most', options.most ?? (data.length > 0 ? extremes[1] : 1), -Number.MAX_VALUE, Number.MAX_VALUE);
  const given = options.least !== undefined && options.most !== undefined;
  if (least > most || (given && least === most)) throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected least to be below most, received ${describe(least)} and ${describe(most)}`, { received: { least, most } });
  return render({
    ...titleOf(owner, title),
    xAxis: categoryAxis(`${owner}: x`, x, values[0]!.length, 30), yAxis: categoryAxis(`${owner}: y`, y, values.length, 36),
    grid: { left: 64, right: 96, top: title === undefined ? 24 : 48, bottom: 56 },
    visualMap: { min: least, max: most === least ? least + 1 : most, calculable: false, orient: 'vertical', right: 16, top: 'center', precision: 3, inRange: { color: shades }, text: [String(Number(most.toPrecision(3))), String(Number(least.toPrecision(3)))] },
    series: [{ type: 'heatmap', data, silent: true, progressive: 0, itemStyle: { borderWidth: 0 } }],
  }, plotSize(owner, options));
}
