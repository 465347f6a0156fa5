import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { replaceQuote } from '../../bench/quote.ts';
import type { Results } from '../../bench/quote.ts';
import { packageRoot } from '../../lib/packageRoot.ts';

const pages = readdirSync(path.join(packageRoot, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', 'bench/papers/README.md', ...pages];

/** Files that a document links to, from the root of the package. */
function linksOf(document: string): string[] {
  const text = readFileSync(path.join(packageRoot, document), 'utf8');
  return [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target]) => path.join(path.dirname(document), target!));
}

/** The errors of TypeScript in a text that imports the package by its name. */
function typeErrors(code: string): string[] {
  const file = path.join(packageRoot, 'lib', 'example.ts');
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext, target: ts.ScriptTarget.ES2022, lib: ['lib.es2023.d.ts'], types: ['node'], strict: true,
    noEmit: true, skipLibCheck: true, allowImportingTsExtensions: true, verbatimModuleSyntax: true, noUncheckedIndexedAccess: true,
    paths: { bptt: ['./lib/index.ts'], 'bptt/*': ['./lib/*/index.ts'] }, pathsBasePath: packageRoot,
  };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) => (name === file ? ts.createSourceFile(name, code, version) : read(name, version));
  const exists = host.fileExists.bind(host);
  host.fileExists = (name) => name === file || exists(name);
  const program = ts.createProgram([file], options, host);
  return program.getSemanticDiagnostics(program.getSourceFile(file)).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('the documents', function () {
  this.timeout(60_000);

  it('show code that type-checks [slow]', () => {
    const blocks = [...readFileSync(path.join(packageRoot, 'README.md'), 'utf8').matchAll(/```ts\n([^]*?)```/g)].map((match) => match[1]!);
    assert.ok(blocks.length > 0);
    for (const block of blocks) assert.deepEqual(typeErrors(block), [], block);
    assert.notDeepEqual(typeErrors("import { lstm } from 'bptt';\nlstm({ unit: 3 });"), []);
  });

  it('quote the measurements that were written', () => {
    const readme = readFileSync(path.join(packageRoot, 'README.md'), 'utf8');
    const results = JSON.parse(readFileSync(path.join(packageRoot, 'bench', 'results', 'results.json'), 'utf8')) as Results;
    assert.ok(results.floors.length > 0);
    assert.equal(replaceQuote(readme, results), readme);
  });

  it('link to files that exist', () => {
    for (const document of documents) {
      for (const target of linksOf(document)) {
        const full = path.join(packageRoot, target);
        assert.ok(ts.sys.fileExists(full) || ts.sys.directoryExists(full), `${document}: ${target}`);
      }
    }
  });

  it('lead from the README to every page', () => {
    const reached = new Set(['README.md']);
    for (const document of reached) linksOf(document).filter((target) => target.endsWith('.md') && documents.includes(target)).forEach((target) => reached.add(target));
    assert.deepEqual(documents.filter((document) => !reached.has(document)), []);
  });

  it('name scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    for (const document of documents) {
      for (const [, name] of readFileSync(path.join(packageRoot, document), 'utf8').matchAll(/npm run ([\w:]+)/g)) assert.ok(name! in scripts, `${document}: npm run ${name!}`);
    }
  });
});
