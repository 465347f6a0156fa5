import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { replaceQuote } from '../../bench/quote.ts';
import type { Results } from '../../bench/quote.ts';
import { packageRoot } from '../../lib/packageRoot.ts';
import { pageNames } from './pageNames.ts';
import { pageErrors, typeErrors, unusedNames } from './typeCheck.ts';
import type { PageBlock } from './typeCheck.ts';

const pages = readdirSync(path.join(packageRoot, 'docs'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`);
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'bench/README.md', 'bench/papers/README.md', ...pages];

/** Files that a document links to, from the root of the package. */
function linksOf(document: string): string[] {
  const text = readFileSync(path.join(packageRoot, document), 'utf8');
  return [...text.matchAll(/\]\((?!https?:|#)([^)#]+)[^)]*\)/g)].map(([, target]) => path.join(path.dirname(document), target!));
}

/** The TypeScript of a document, block by block. */
function blocksOf(document: string): PageBlock[] {
  return [...readFileSync(path.join(packageRoot, document), 'utf8').matchAll(/^ *```ts\n([^]*?)```/gm)].map((match) => ({ page: document, code: match[1]! }));
}

describe('the documents', function () {
  this.timeout(60_000);

  it('show code that type-checks [slow]', () => {
    const blocks = blocksOf('README.md');
    assert.ok(blocks.length > 0);
    typeErrors([...blocks.map(({ code }) => code), "import { lstm } from 'bptt';\nlstm({ unit: 3 });"]).forEach((errors, i) => {
      if (blocks[i]) assert.deepEqual(errors, [], blocks[i].code);
      else assert.match(errors.join(), /'unit' does not exist/);
    });
  });

  it('show code on every page that type-checks with what is declared for the page [slow]', () => {
    const blocks = pages.flatMap(blocksOf);
    assert.ok(blocks.length > 20);
    const wrong = [{ page: 'docs/analysis.md', code: 'await plot(data);' }, { page: 'docs/shapes.md', code: 'lstm({ units: nobodyKnows });' }];
    const errors = pageErrors([...blocks, ...wrong], pageNames);
    blocks.forEach(({ page, code }, i) => { assert.deepEqual(errors[i], [], `${page}\n${code}`); });
    wrong.forEach(({ code }, i) => { assert.equal(errors[blocks.length + i]!.length, 1, code); });
    assert.deepEqual(unusedNames(blocks, pageNames), []);
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
