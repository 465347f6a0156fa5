import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { packageRoot } from '../../lib/packageRoot.ts';

const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...readdirSync(path.join(packageRoot, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

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

  it('link to files that exist', () => {
    for (const document of documents) {
      const text = readFileSync(path.join(packageRoot, document), 'utf8');
      for (const [, target] of text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)) {
        const full = path.join(packageRoot, path.dirname(document), target!);
        assert.ok(ts.sys.fileExists(full) || ts.sys.directoryExists(full), `${document}: ${target!}`);
      }
    }
  });

  it('name scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(packageRoot, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
    for (const document of documents) {
      for (const [, name] of readFileSync(path.join(packageRoot, document), 'utf8').matchAll(/npm run ([\w:]+)/g)) assert.ok(name! in scripts, `${document}: npm run ${name!}`);
    }
  });
});
