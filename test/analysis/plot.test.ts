import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { heatPlot, linePlot } from '../../lib/analysis/index.ts';
import type { LinePlotOptions } from '../../lib/analysis/index.ts';
import { packageRoot } from '../../lib/packageRoot.ts';
import { assertRejects } from '../support/errors.ts';

const axes = { x: { label: 'units' }, y: { label: 'milliseconds' } };

/** Coordinates of the ends of the first path that is drawn in a colour. */
function lineOf(svg: string, colour: string): number[][] {
  const path = new RegExp(`<path d="([^"]*)"[^>]*stroke="${colour}"`).exec(svg)?.[1] ?? '';
  return [...path.matchAll(/[ML]?(-?[\d.]+) (-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}

describe('linePlot', () => {
  before('load the drawing library', async function () {
    this.timeout(30_000);
    await linePlot({ ...axes, series: [{ name: 'a', y: [1] }] });
  });

  it('gives the same SVG text for the same options, with title, labels and names in it', async () => {
    const options: LinePlotOptions = { title: 'a < b & c', ...axes, series: [{ name: 'lstm', y: [1, 2, 4] }, { name: 'gru', y: [1, 1.5, 2], dashed: true }] };
    const svg = await linePlot(options);
    assert.equal(await linePlot(options), svg);
    assert.match(svg, /^<svg[^>]*width="720"[^>]*height="440"/);
    for (const text of ['a &lt; b &amp; c', 'units', 'milliseconds', 'lstm', 'gru']) assert.ok(svg.includes(`>${text}</text>`), text);
    assert.doesNotMatch(svg, /zr\d/, 'a counter of the library is left');
    assert.match(svg, /stroke-dasharray/);
  });

  it('puts numbers where they belong: equal steps on linear axes, equal ratios on logarithmic ones', async () => {
    const y = [1, 10, 100];
    const logarithmic = lineOf(await linePlot({ x: { label: 'x' }, y: { label: 'y', logarithmic: true, least: 1, most: 100 }, series: [{ name: 'a', y }] }), '#0072b2');
    const linear = lineOf(await linePlot({ x: { label: 'x' }, y: { label: 'y', least: 0, most: 100 }, series: [{ name: 'a', y }] }), '#0072b2');
    assert.equal(logarithmic.length, 3);
    const heights = (points: number[][]): number[] => points.slice(1).map(([, at], i) => points[i]![1]! - at!);
    const [first, second] = heights(logarithmic);
    assert.ok(first! > 100 && Math.abs(first! - second!) < 0.01, `${first} ${second}`);
    const [low, high] = heights(linear);
    assert.ok(Math.abs(high! / low! - 10) < 0.01, `${low} ${high}`);
  });

  it('leaves gaps where a number is not finite, or not above 0 on a logarithmic axis', async () => {
    const svg = await linePlot({ x: { label: 'x' }, y: { label: 'y', logarithmic: true }, series: [{ name: 'a', y: [1, 2, 0, 4, 5, NaN, 7, 8], marks: 'line' }] });
    const path = /<path d="([^"]*)"[^>]*stroke="#0072b2"/.exec(svg)![1]!;
    assert.equal(path.match(/M/g)!.length, 3);
    assert.doesNotMatch(svg, /NaN/);
  });

  it('refuses what it cannot draw', async () => {
    const refused = async (options: unknown, message: RegExp, code: string): Promise<void> => {
      await assert.rejects(linePlot(options as LinePlotOptions), (error: { code?: string; message: string }) => error.code === code && message.test(error.message));
    };
    await refused({ ...axes, series: [] }, /at least one/, 'ERR_BPTT_OPTION');
    await refused({ ...axes, series: [{ name: 'a', y: [1, 2], marks: 'points', dashed: true }] }, /dashed is of lines/, 'ERR_BPTT_OPTION');
    await refused({ ...axes, serie: [] }, /did you mean "series"/, 'ERR_BPTT_OPTION');
    await refused({ ...axes, series: [{ name: 'a', x: [1], y: [1, 2] }] }, /series\[0\].*as many/, 'ERR_BPTT_SHAPE');
    await refused({ ...axes, y: { label: 'y', logarithmic: true, least: 0 }, series: [{ name: 'a', y: [1] }] }, /least/, 'ERR_BPTT_RANGE');
    await refused({ ...axes, x: { label: 'x', least: 2, most: 1 }, series: [{ name: 'a', y: [1] }] }, /below most/, 'ERR_BPTT_RANGE');
    await refused({ ...axes, width: 3, series: [{ name: 'a', y: [1] }] }, /width/, 'ERR_BPTT_RANGE');
  });
});

describe('heatPlot', () => {
  it('gives each number a colour between the ends, and the same text again', async () => {
    const options = { title: 'gate f', x: { label: 'time' }, y: { label: 'unit' }, values: [[0, 1], [0.5, 0], [1, NaN]], least: 0, most: 1 };
    const svg = await heatPlot(options);
    assert.equal(await heatPlot(options), svg);
    const fills = [...svg.matchAll(/<path d="[^"]*" fill="(#[0-9a-f]{6}|rgb[^"]*)"/g)].map(([, fill]) => fill);
    const count = (fill: string): number => fills.filter((each) => each === fill).length;
    assert.deepEqual(['rgb(68,1,84)', 'rgb(253,231,37)', 'rgb(33,145,140)'].map(count), [2, 2, 1], fills.join(' '));
  });

  it('refuses rows of different lengths', async () => {
    await assert.rejects(heatPlot({ x: { label: 'x' }, y: { label: 'y' }, values: [[1, 2], [3]] }), /every row to have 2/);
    await assertRejects(() => heatPlot({ ...axes, values: [1, 2] as never }), 'ERR_BPTT_TYPE', /values\[0\] to be a list of numbers/);
    await assertRejects(() => heatPlot({ ...axes, values: [[1, 2]], least: 1, most: 1 }), 'ERR_BPTT_RANGE', /least to be below most/);
    assert.match(await heatPlot({ ...axes, values: [[3, 3]] }), /^<svg/);
  });
});

describe('without the drawing library', () => {
  it('says what is missing and how to get it', async function () {
    this.timeout(30_000);
    const script = `
      import { linePlot } from ${JSON.stringify(new URL('../../lib/analysis/index.ts', import.meta.url).href)};
      await linePlot({ x: { label: 'x' }, y: { label: 'y' }, series: [{ name: 'a', y: [1] }] }).catch(({ code, message }) => { console.log(JSON.stringify({ code, message })); });`;
    const loader = `export async function resolve(specifier, context, next) { if (specifier.startsWith('echarts')) throw new Error('Cannot find package ' + specifier); return next(specifier, context); }`;
    const asModule = (text: string): string => `data:text/javascript;base64,${Buffer.from(text).toString('base64')}`;
    const register = `import { register } from 'node:module'; register('${asModule(loader)}');`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', '--import', asModule(register), '--input-type=module', '--eval', script], { cwd: packageRoot });
    const { code, message } = JSON.parse(stdout) as { code: string; message: string };
    assert.equal(code, 'ERR_BPTT_RUNTIME');
    assert.match(message, /npm install echarts/);
  });
});
