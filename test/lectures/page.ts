import { readFileSync } from 'node:fs';
import path from 'node:path';
import { packageRoot } from '../../lib/packageRoot.ts';

/** A page below docs/. */
export function pageText(name: string): string {
  return readFileSync(path.join(packageRoot, 'docs', name), 'utf8');
}

/** The numbered sections of docs/errata.md. */
export const errata = pageText('errata.md').split(/^## /m).flatMap((text) => {
  const number = /^(\d+)\. /.exec(text)?.[1];
  return number === undefined ? [] : [{ number: Number(number), text }];
});

/** Titles of the tests that a section names, as far as the files that it links have them. */
export function testsOfPage(text: string): string[] {
  return [...text.matchAll(/\[test\]\(\.\.\/([^)]+)\): `([^`]+)`/g)].flatMap(([, file, title]) => {
    const source = readFileSync(path.join(packageRoot, file!), 'utf8');
    return source.includes(`it('${title!.replaceAll('\'', '\\\'')}'`) ? [title!] : [];
  });
}
