import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { filesBelow } from '../check/finding.ts';

/** A title that begins with numbers of the checklist. */
export interface NumberedTitle {
  /** From the root of the tree. */
  readonly file: string;
  readonly title: string;
  readonly numbers: readonly string[];
}

const beginning = /^(?:\[slow\] )?((?:\[(?:A19\.)?\d+\] ?)+)/;

/** "[67] [A19.3] GRU: …" → ["67", "A19.3"]; none where a title does not begin with them. */
export function numbersOf(title: string): string[] {
  return [...(beginning.exec(title)?.[1] ?? '').matchAll(/\[([^\]]+)\]/g)].map(([, number]) => number!);
}

/** A title without its numbers. */
export function withoutNumbers(title: string): string {
  return title.replace(beginning, '').trim();
}

/** What makes tests of a title: mocha's functions, and helpers that pass theirs on. */
const testMakers = new Set(['it', 'describe', 'testCell', 'withData']);

function makesTests(callee: ts.Expression): boolean {
  if (ts.isIdentifier(callee)) return testMakers.has(callee.text);
  return ts.isPropertyAccessExpression(callee) && callee.name.text === 'only' && makesTests(callee.expression);
}

function textOf(argument: ts.Expression): string | undefined {
  if (ts.isStringLiteral(argument) || ts.isNoSubstitutionTemplateLiteral(argument)) return argument.text;
  return ts.isTemplateExpression(argument) ? `${argument.head.text}…` : undefined;
}

function titlesIn(file: string, source: string): NumberedTitle[] {
  const found: NumberedTitle[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && makesTests(node.expression)) {
      for (const title of node.arguments.flatMap((argument) => textOf(argument) ?? [])) {
        const numbers = numbersOf(title);
        if (numbers.length > 0) found.push({ file, title, numbers });
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, source, ts.ScriptTarget.Latest));
  return found;
}

/** Every numbered title that stands in the tests' sources as it is; of tests that are made in loops, those whose numbers are written out. */
export function numberedTitles(root: string): NumberedTitle[] {
  return filesBelow(root, 'test', ['.test.ts']).flatMap((file) => titlesIn(file, readFileSync(path.join(root, file), 'utf8')));
}
