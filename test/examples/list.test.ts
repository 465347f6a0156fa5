import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const examples = readdirSync(path.join(root, 'examples')).filter((file) => file.endsWith('.ts'));

describe('examples: the list', () => {
  it('names every example in docs/applications.md', () => {
    const page = readFileSync(path.join(root, 'docs', 'applications.md'), 'utf8');
    for (const file of examples) assert.ok(page.includes(`(../examples/${file})`), file);
  });

  it('has a test that imports each of them', () => {
    const tests = readdirSync(import.meta.dirname).map((file) => readFileSync(path.join(import.meta.dirname, file), 'utf8')).join('\n');
    for (const file of examples) assert.ok(tests.includes(`'../../examples/${file}'`), file);
  });
});
