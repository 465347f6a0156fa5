import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { filesBelow, lineAt, type Finding } from './finding.ts';

interface Import {
  readonly file: string;
  readonly line: number;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/**
 * Folders that describe mathematics: they may import these folders' code and the single files that stand directly in lib; of each other they may also
 * import types.
 */
const pure: Readonly<Record<string, readonly string[]>> = {
  graph: ['graph'],
  cells: ['cells', 'graph'],
  layers: ['layers', 'cells', 'graph'],
  losses: ['losses', 'graph'],
  optimizers: ['optimizers', 'graph'],
};

/** Packages that load native code: runtime's alone. */
const nativeLoaders = new Set(['node-gyp-build', 'bindings']);

/** "lib/graph/value.ts" → "graph"; a file directly in lib is its own name ("errors"). */
function folderOf(file: string): string {
  const [, first = ''] = file.split('/');
  return first.replace(/\.ts$/, '');
}

function importsOf(root: string, file: string): Import[] {
  const text = readFileSync(path.join(root, file), 'utf8');
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier && ts.isStringLiteralLike(specifier)) found.push({ file, line: lineAt(text, node.getStart()), specifier: specifier.text, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    if (ts.isExportDeclaration(node)) add(node, node.moduleSpecifier, node.isTypeOnly);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, true);
    if (ts.isCallExpression(node)) {
      const called = node.expression;
      const loads = called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require') || ts.isCallExpression(called);
      if (loads) add(node, node.arguments[0], false);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function targetFolder({ file, specifier }: Import): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return folderOf(path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier)));
}

function checkPurity(files: readonly string[], imports: readonly Import[]): Finding[] {
  const shared = files.filter((file) => file.split('/').length === 2 && file !== 'lib/index.ts').map(folderOf);
  return imports.flatMap((each) => {
    const from = folderOf(each.file);
    const allowed = pure[from];
    if (!allowed) return [];
    const to = targetFolder(each);
    if (to === undefined) return [{ file: each.file, line: each.line, message: `${from} imports the package "${each.specifier}"; it may import lib/graph only` }];
    if (allowed.includes(to) || shared.includes(to) || (each.typeOnly && from !== 'graph' && to in pure)) return [];
    return [{ file: each.file, line: each.line, message: `${from} may import ${allowed.join(', ')}, not ${to}` }];
  });
}

function checkLoaders(root: string, files: readonly string[], imports: readonly Import[]): Finding[] {
  const loading = imports.filter((each) => nativeLoaders.has(each.specifier) || each.specifier.endsWith('.node'));
  const dlopen = files.flatMap((file) => {
    const text = readFileSync(path.join(root, file), 'utf8');
    const offset = text.indexOf('process.dlopen');
    return offset < 0 ? [] : [{ file, line: lineAt(text, offset) }];
  });
  return [...loading, ...dlopen]
    .filter(({ file }) => folderOf(file) !== 'runtime')
    .map(({ file, line }) => ({ file, line, message: 'loads native code; only lib/runtime may' }));
}

/** A cycle of folders through imports that run (types vanish), as [a, b, …, a]. */
function findCycle(edges: ReadonlyMap<string, ReadonlySet<string>>): string[] | undefined {
  const done = new Set<string>();
  const walk = (folder: string, trail: readonly string[]): string[] | undefined => {
    const at = trail.indexOf(folder);
    if (at >= 0) return [...trail.slice(at), folder];
    if (done.has(folder)) return undefined;
    for (const next of edges.get(folder) ?? []) {
      const cycle = walk(next, [...trail, folder]);
      if (cycle) return cycle;
    }
    done.add(folder);
    return undefined;
  };
  for (const folder of edges.keys()) {
    const cycle = walk(folder, []);
    if (cycle) return cycle;
  }
  return undefined;
}

function checkCycles(imports: readonly Import[]): Finding[] {
  const edges = new Map<string, Set<string>>();
  const sample = new Map<string, Import>();
  for (const each of imports) {
    const from = folderOf(each.file);
    const to = targetFolder(each);
    if (each.typeOnly || to === undefined || to === from) continue;
    edges.set(from, (edges.get(from) ?? new Set()).add(to));
    sample.set(`${from} ${to}`, each);
  }
  const cycle = findCycle(edges);
  if (!cycle) return [];
  const through = cycle.slice(1).map((to, i) => sample.get(`${cycle[i]} ${to}`)!);
  return [{
    file: through[0]!.file, line: through[0]!.line,
    message: `folders import each other in a circle: ${cycle.join(' → ')} (through ${through.map((each) => `${each.file}:${each.line}`).join(', ')})`,
  }];
}

/** Which folder of lib may import which. */
export function checkImports(root: string): Finding[] {
  const files = filesBelow(root, 'lib', ['.ts']);
  const imports = files.flatMap((file) => importsOf(root, file));
  return [...checkPurity(files, imports), ...checkLoaders(root, files, imports), ...checkCycles(imports)];
}
