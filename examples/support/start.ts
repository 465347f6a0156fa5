import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** Where an example tells how it gets on. */
export interface Telling {
  readonly tell?: (text: string) => void;
}

/**
 * Runs an example when its file is the one that was started, and prints what it tells and its figures. Every default can be set: `--epochs 3`.
 * @param url import.meta.url of the example.
 */
export async function start<Defaults extends Readonly<Record<string, number | string>>>(
  url: string, defaults: Defaults, run: (options: Partial<Defaults> & Telling) => Promise<Readonly<Record<string, unknown>>>,
): Promise<void> {
  const started = process.argv[1];
  if (started === undefined || realpathSync(started) !== fileURLToPath(url)) return;
  const { values } = parseArgs({ options: Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' as const }])) });
  const options = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, typeof defaults[name] === 'number' ? Number(text) : text]));
  const figures = await run({ ...options as Partial<Defaults>, tell: (text) => { console.log(text); } });
  const { user, system } = process.cpuUsage();
  console.log('\n%s', Object.entries(figures).map(([name, figure]) => `${name}: ${show(figure)}`).join('\n'));
  console.log('%s s, %s s of processor time', process.uptime().toFixed(1), ((user + system) / 1e6).toFixed(1));
}

/** A figure in print: four digits of what is measured, every digit of what is counted. */
export function show(figure: unknown): string {
  if (typeof figure === 'number') return String(Number.isInteger(figure) ? figure : Number(figure.toPrecision(4)));
  return typeof figure === 'string' ? figure : JSON.stringify(figure);
}
