import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** One broken rule, at one place. */
export interface Finding {
  /** Relative to the root, with forward slashes. */
  readonly file: string;
  readonly line?: number;
  readonly message: string;
}

/** A rule over a whole source tree: an empty list when it is kept. */
export type Check = (root: string) => Finding[] | Promise<Finding[]>;

export function printFinding({ file, line, message }: Finding): string {
  return `${file}${line === undefined ? '' : `:${line}`}: ${message}`;
}

/** All files below `folder` with one of the endings, relative to `root`, sorted. None where the folder does not exist. */
export function filesBelow(root: string, folder: string, endings: readonly string[]): string[] {
  const top = path.join(root, folder);
  if (!existsSync(top)) return [];
  return readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort();
}

/** The 1-based line of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = 0; i < offset; i++) if (text[i] === '\n') line++;
  return line;
}
