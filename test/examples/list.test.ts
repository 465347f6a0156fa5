import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { show } from '../../examples/support/start.ts';

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

  it('prints counts with every digit, measurements with four, and records as JSON', () => {
    assert.deepEqual([197_002, 0.123456, 12.34567, -3, NaN, 'text', { total: 197_002 }].map(show), ['197002', '0.1235', '12.35', '-3', 'NaN', 'text', '{"total":197002}']);
  });
});
