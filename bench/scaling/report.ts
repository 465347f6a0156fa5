/** The scaling suite's records as plots and fitted exponents. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { linePlot } from '../../lib/analysis/index.ts';
import type { BenchRecord } from '../support/record.ts';
import { dimensions, type Dimension } from './suite.ts';

/** One growing dimension at one number of threads. */
export interface Curve {
  readonly dimension: Dimension;
  readonly threads: number;
  readonly values: readonly number[];
  readonly milliseconds: readonly number[];
  /** Of time ∝ value^exponent, by least squares over logarithms of the larger half of the values, where constant costs have faded. */
  readonly exponent: number;
}

/** Slope of log y over log x. NaN for fewer than two points. */
export function fitExponent(x: readonly number[], y: readonly number[]): number {
  const [logX, logY] = [x.map(Math.log), y.map(Math.log)];
  const mean = (list: readonly number[]): number => list.reduce((sum, value) => sum + value, 0) / list.length;
  const [middleX, middleY] = [mean(logX), mean(logY)];
  const products = logX.reduce((sum, value, i) => sum + (value - middleX) * (logY[i]! - middleY), 0);
  return products / logX.reduce((sum, value) => sum + (value - middleX) ** 2, 0);
}

/** The curves that the records of a run hold. */
export function scalingCurves(records: readonly BenchRecord[]): Curve[] {
  const ours = records.filter(({ suite }) => suite === 'scaling');
  const threadCounts = [...new Set(ours.map(({ threads }) => threads))];
  return dimensions.flatMap((dimension) => threadCounts.map((threads): Curve => {
    const points = ours.filter((record) => record.threads === threads && record.name.startsWith(`${dimension}=`))
      .map(({ name, ours: { milliseconds } }) => ({ value: Number(name.slice(dimension.length + 1)), milliseconds }));
    const half = points.slice(points.length >> 1);
    return {
      dimension, threads, values: points.map(({ value }) => value), milliseconds: points.map(({ milliseconds }) => milliseconds),
      exponent: fitExponent(half.map(({ value }) => value), half.map(({ milliseconds }) => milliseconds)),
    };
  })).filter(({ values }) => values.length >= 4);
}

/** How often faster many threads are than one, for each value. */
function speedUps(curves: readonly Curve[], dimension: Dimension): { values: readonly number[]; ratios: number[] } | undefined {
  const [one, many] = [1, Math.max(...curves.map(({ threads }) => threads))].map((threads) => curves.find((curve) => curve.dimension === dimension && curve.threads === threads));
  if (!one || !many || one === many) return undefined;
  return { values: one.values, ratios: one.milliseconds.map((milliseconds, i) => milliseconds / many.milliseconds[i]!) };
}

const held: Readonly<Record<Dimension, string>> = { steps: 'N 32, I = H = 128', rows: 'T 25, I = H = 128', units: 'T 25, N 32, I = H' };

/** Writes one plot a dimension, and one of what threads gain. Returns the section of the page. */
export async function writeScaling(folder: string, records: readonly BenchRecord[]): Promise<string[]> {
  const curves = scalingCurves(records);
  if (curves.length === 0) return [];
  for (const dimension of dimensions) {
    const series = curves.filter((curve) => curve.dimension === dimension).map(({ threads, values, milliseconds, exponent }) => (
      { name: `${threads} ${threads === 1 ? 'thread' : 'threads'}, exponent ${exponent.toFixed(2)}`, x: values, y: milliseconds }));
    writeFileSync(path.join(folder, `scaling-${dimension}.svg`), await linePlot({
      title: `LSTM, forward and backward: ${held[dimension]}`, x: { label: dimension, logarithmic: 2 }, y: { label: 'milliseconds', logarithmic: true }, series,
    }));
  }
  const gains = dimensions.flatMap((dimension) => {
    const gain = speedUps(curves, dimension);
    return gain ? [{ name: `over ${dimension}`, x: gain.values, y: gain.ratios }] : [];
  });
  if (gains.length > 0) {
    writeFileSync(path.join(folder, 'scaling-threads.svg'), await linePlot({
      title: 'What all cores gain over one thread', x: { label: 'steps, rows or units', logarithmic: 2 }, y: { label: 'times faster' }, series: gains,
    }));
  }
  const rows = curves.map(({ dimension, threads, exponent, values, milliseconds }) => (
    `| ${dimension} (${held[dimension]}) | ${threads} | ${values[0]}–${values.at(-1)} | ${milliseconds[0]!.toPrecision(3)}–${milliseconds.at(-1)!.toPrecision(3)} ms | ${exponent.toFixed(2)} |`));
  return [
    '## Scaling', 'An LSTM forward and backward, each dimension grown alone. The exponent of time ∝ size^exponent is fitted over the larger half of the sizes: 1 is wanted for steps and rows, 2 for units.',
    ['| grown | threads | sizes | times | exponent |', '| --- | --- | --- | --- | --- |', ...rows].join('\n'),
    ...dimensions.map((dimension) => `![time over ${dimension}](scaling-${dimension}.svg)`), ...(gains.length > 0 ? ['![speed-up over one thread](scaling-threads.svg)'] : []),
  ];
}
