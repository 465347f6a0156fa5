import path from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../lib/packageRoot.ts';

/** What pages may use without importing it. */
const modules = ['bptt', 'bptt/analysis', 'bptt/data', 'bptt/graph', 'node:fs'];

const options: ts.CompilerOptions = {
  module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022, lib: ['lib.es2023.d.ts'], types: ['node'], strict: true,
  noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, verbatimModuleSyntax: true, noUncheckedIndexedAccess: true,
  paths: { bptt: ['./lib/index.ts'], 'bptt/*': ['./lib/*/index.ts'] }, pathsBasePath: packageRoot,
};

/** Files that are read once for all programs. */
const parsed = new Map<string, ts.SourceFile | undefined>();

/** A program of texts that import the package by its name, and of nothing else. */
function programOf(texts: readonly string[]): { program: ts.Program; files: readonly string[] } {
  const files = texts.map((_, i) => path.join(packageRoot, 'lib', `example${i}.ts`));
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) => {
    const index = files.indexOf(name);
    if (index >= 0) return ts.createSourceFile(name, texts[index]!, version);
    if (!parsed.has(name)) parsed.set(name, read(name, version));
    return parsed.get(name);
  };
  const exists = host.fileExists.bind(host);
  host.fileExists = (name) => files.includes(name) || exists(name);
  return { program: ts.createProgram(files, options, host), files };
}

/** The errors of TypeScript in each of some texts that import the package by its name. */
export function typeErrors(texts: readonly string[]): string[][] {
  const { program, files } = programOf(texts);
  return files.map((file) => program.getSemanticDiagnostics(program.getSourceFile(file)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')));
}

/** The names that a text declares at its top, and all that it speaks of. */
function namesOf(text: string): { declared: Set<string>; used: Set<string> } {
  const [declared, used] = [new Set<string>(), new Set<string>()];
  const bind = (name: ts.BindingName): void => {
    if (ts.isIdentifier(name)) declared.add(name.text);
    else name.elements.forEach((element) => { if (ts.isBindingElement(element)) bind(element.name); });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) used.add(node.text);
    if (ts.isImportSpecifier(node)) bind(node.name);
    ts.forEachChild(node, visit);
  };
  const source = ts.createSourceFile('names.ts', text, ts.ScriptTarget.ES2022);
  source.forEachChild((statement) => {
    if (ts.isVariableStatement(statement)) statement.declarationList.declarations.forEach(({ name }) => { bind(name); });
    visit(statement);
  });
  return { declared, used };
}

/** One block of code with the names of its page and imports of what it uses: a module that stands alone. */
function standAlone(block: string, ownNames: string, exported: ReadonlyMap<string, string>): string {
  const { declared, used } = namesOf(block);
  const page = ts.createSourceFile('page.ts', ownNames, ts.ScriptTarget.ES2022);
  const given = page.statements.map((statement) => statement.getText(page)).map((text) => ({ text, names: [...namesOf(text).declared] }))
    .filter(({ names }) => names.some((name) => used.has(name)) && !names.some((name) => declared.has(name)));
  const known = new Set([...declared, ...given.flatMap(({ names }) => names)]);
  const imports = [...used].filter((name) => exported.has(name) && !known.has(name)).map((name) => `import { ${name} } from '${exported.get(name)!}';`);
  return [...imports, ...given.map(({ text }) => text), block, 'export {};'].join('\n');
}

export interface PageBlock {
  readonly page: string;
  readonly code: string;
}

/** The errors of blocks of pages, which import nothing: names of the package come from it, those of `pageNames` from there. */
export function pageErrors(blocks: readonly PageBlock[], pageNames: Readonly<Record<string, string>>): string[][] {
  const { program, files } = programOf([modules.map((name) => `import '${name}';`).join('\n')]);
  const checker = program.getTypeChecker();
  const root = program.getSourceFile(files[0]!)!;
  const exported = new Map<string, string>();
  for (const statement of root.statements) {
    const { moduleSpecifier } = statement as ts.ImportDeclaration;
    const symbol = checker.getSymbolAtLocation(moduleSpecifier)!;
    for (const { name } of checker.getExportsOfModule(symbol)) if (!exported.has(name)) exported.set(name, (moduleSpecifier as ts.StringLiteral).text);
  }
  return typeErrors(blocks.map(({ page, code }) => standAlone(code, pageNames[page] ?? '', exported)));
}

/** Names that are declared for a page without need: none of its blocks speaks of them. */
export function unusedNames(blocks: readonly PageBlock[], pageNames: Readonly<Record<string, string>>): string[] {
  return Object.entries(pageNames).flatMap(([page, names]) => {
    const used = new Set(blocks.filter((block) => block.page === page).flatMap(({ code }) => [...namesOf(code).used]));
    return [...namesOf(names).declared].filter((name) => !used.has(name)).map((name) => `${page}: ${name}`);
  });
}
