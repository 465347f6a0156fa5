import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';

/** Where data sets lie: $BPTT_DATA, else ../shared/data beside the checkout. */
export const dataFolder = process.env['BPTT_DATA'] ?? path.resolve(import.meta.dirname, '../../../shared/data');

/** Whether a file of the data sets, such as "names/names.txt", is on this machine. */
export function hasData(name: string): boolean {
  return existsSync(path.join(dataFolder, name));
}

/** The bytes of a file of the data sets, unpacked where it ends in ".gz". @throws Error that says where the file was looked for. */
export function readData(name: string): Buffer {
  const file = path.join(dataFolder, name);
  if (!existsSync(file)) throw new Error(`expected the data set ${name} in ${dataFolder}; let BPTT_DATA name the folder that holds it`);
  const bytes = readFileSync(file);
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** The lines of a text of the data sets, without empty ones at its end. */
export function readLines(name: string): string[] {
  return readData(name).toString('utf8').trimEnd().split(/\r?\n/);
}

/** A table of comma-separated values without quotes, as one list of texts for each column. */
export function readTable(name: string): Record<string, string[]> {
  const [head, ...rows] = readLines(name).map((line) => line.split(','));
  return Object.fromEntries(head!.map((column, i) => [column, rows.map((row) => row[i]!)]));
}
