import { requireBoolean, requireInteger, requireNumber, wrongType } from '../../checks.ts';
import { BpttError, checkOptions, describe } from '../../errors.ts';
import type { PlotSize } from './renderer.ts';

/** One axis of a plot. */
export interface PlotAxis {
  readonly label: string;
  /** Whether equal distances are equal ratios; a number is the base of its marks (true: 10). Default false. */
  readonly logarithmic?: boolean | number | undefined;
  /** The ends of the axis; default: what holds all numbers. */
  readonly least?: number | undefined;
  readonly most?: number | undefined;
}

/** Size and title of every plot. */
export interface PlotOptions {
  readonly title?: string | undefined;
  /** Pixels; default 720. */
  readonly width?: number | undefined;
  /** Pixels; default 440. */
  readonly height?: number | undefined;
}

/** Colours that people with any kind of colour vision can tell apart (M. Okabe and K. Ito, 2008), the darker ones first. */
export const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#8c8c8c'] as const;

export function isNumbers(candidate: unknown): candidate is ArrayLike<number> {
  return Array.isArray(candidate) || (ArrayBuffer.isView(candidate) && 'length' in candidate);
}

export function requireText(owner: string, name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw wrongType(owner, name, 'a text', value);
}

/** @throws ERR_BPTT_RANGE for a size that nothing can be drawn on. */
export function plotSize(owner: string, { width = 720, height = 440 }: PlotOptions): PlotSize {
  return { width: requireInteger(owner, 'width', width, 200, 10_000), height: requireInteger(owner, 'height', height, 150, 10_000) };
}

export function titleOf(owner: string, title: string | undefined): object {
  return title === undefined ? {} : { title: { text: requireText(owner, 'title', title), left: 'center', top: 8, textStyle: { fontSize: 16, color: '#222222' } } };
}

/** The base of a logarithmic axis; null for one that is none. */
export function logarithmBase(owner: string, { logarithmic = false }: PlotAxis): number | null {
  if (typeof logarithmic === 'number') return requireNumber(owner, 'logarithmic', logarithmic, 1 + Number.EPSILON, Number.MAX_VALUE);
  return requireBoolean(owner, 'logarithmic', logarithmic) ? 10 : null;
}

/** "0.01" and "1024" as they are, the very small and large as powers. */
export function formatMark(value: number): string {
  const size = Math.abs(value);
  if (value !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(1).replace('.0e', 'e').replace('e+', 'e');
  return Number(value.toPrecision(6)).toString();
}

/** An axis as the library describes it. @throws ERR_BPTT_OPTION or ERR_BPTT_RANGE for ends that do not fit. */
export function axisOption(owner: string, axis: PlotAxis, nameGap: number): object {
  checkOptions(owner, axis, ['label', 'logarithmic', 'least', 'most']);
  const base = logarithmBase(owner, axis);
  const { least, most } = axis;
  const lowest = base === null ? -Number.MAX_VALUE : Number.MIN_VALUE;
  if (least !== undefined) requireNumber(owner, 'least', least, lowest, Number.MAX_VALUE);
  if (most !== undefined) requireNumber(owner, 'most', most, lowest, Number.MAX_VALUE);
  if (least !== undefined && most !== undefined && least >= most) {
    throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected least to be below most, received ${describe(least)} and ${describe(most)}`, { received: { least, most } });
  }
  return {
    type: base === null ? 'value' : 'log',
    ...(base === null ? { scale: true } : { logBase: base, minorSplitLine: { show: base >= 4, lineStyle: { color: '#f3f3f3' } } }),
    ...(least === undefined ? {} : { min: least }),
    ...(most === undefined ? {} : { max: most }),
    name: requireText(owner, 'label', axis.label), nameLocation: 'middle', nameGap, nameTextStyle: { fontSize: 13, color: '#222222' },
    axisLine: { show: true, onZero: false, lineStyle: { color: '#444444' } },
    axisLabel: { fontSize: 12, color: '#333333', formatter: formatMark, hideOverlap: true },
    splitLine: { show: true, lineStyle: { color: '#e4e4e4' } },
  };
}
