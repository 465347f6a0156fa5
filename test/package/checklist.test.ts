import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checklistPage } from '../../scripts/checklist/page.ts';
import { readResults, type TestResult } from '../../scripts/checklist/results.ts';
import { outOfScope, remarks, rows } from '../../scripts/checklist/rows.ts';
import { numberedTitles, numbersOf, withoutNumbers } from '../../scripts/checklist/titles.ts';
import { packageRoot } from '../../lib/packageRoot.ts';
import { assertThrows } from '../support/errors.ts';

const everything = rows.map(({ number }): TestResult => ({ file: 'test/a.test.ts', titles: ['block', `[${number}] shows it`], state: 'passed' }));

describe('the lecture notes\' checklist', () => {
  it('has rows 1 to 113, 134 to 146 and A19.1 to A19.20, each once', () => {
    const count = (first: number, last: number, prefix = ''): string[] => Array.from({ length: last - first + 1 }, (_, i) => `${prefix}${first + i}`);
    assert.deepEqual(rows.map(({ number }) => number), [...count(1, 113), ...count(134, 146), ...count(1, 20, 'A19.')]);
    for (const number of [...Object.keys(outOfScope), ...Object.keys(remarks)]) assert.ok(rows.some((row) => row.number === number), number);
  });

  it('has a test in the sources for every row that is in scope, and none for rows that are not there', () => {
    const titles = numberedTitles(packageRoot);
    const shown = new Set(titles.flatMap(({ numbers }) => numbers));
    assert.deepEqual(rows.filter(({ number }) => !shown.has(number) && outOfScope[number] === undefined).map(({ number, says }) => `${number} ${says}`), [], 'rows without a test');
    const known = new Set(rows.map(({ number }) => number));
    assert.deepEqual(titles.filter(({ numbers }) => numbers.some((number) => !known.has(number))), [], 'numbers without a row');
  });

  it('is the page that npm run checklist wrote: every row, none of them missing or failed', () => {
    const page = readFileSync(path.join(packageRoot, 'docs/checklist.md'), 'utf8');
    for (const { number, says } of rows) assert.ok(page.includes(`\n| ${number} | ${says}`), number);
    assert.match(page, new RegExp(`^${rows.length} rows: \\d+ passed, 0 failed, .*, 0 missing\\.$`, 'm'));
  });

  describe('its page', () => {
    it('gives each row its tests and how they ended', () => {
      const { text, missing, failed, skipped } = checklistPage([...everything, { file: 'test/b.test.ts', titles: ['[2] [3] a block', 'one'], state: 'passed' },
        { file: 'test/b.test.ts', titles: ['[2] [3] a block', 'two'], state: 'failed' }]);
      assert.deepEqual([missing, failed, skipped], [[], ['2', '3'], []]);
      assert.match(text, /^\| 2 \| .* \| \[a\.test\.ts\]\(\.\.\/test\/a\.test\.ts\): shows it \(passed\)<br>\[b\.test\.ts\]\(.*\): a block \(2 tests\) \| \*\*failed\*\* \|$/m);
      assert.match(text, /^\| A19\.4 \| .*: shows it \| passed \|$/m);
    });

    it('says loudly what has no test, and what did not run', () => {
      const { text, missing, skipped } = checklistPage(everything.flatMap((result, i): TestResult[] => (i === 0 || i === 107 ? [] : [i === 1 ? { ...result, state: 'skipped' } : result])));
      assert.deepEqual([missing, skipped], [['1'], ['2']]);
      assert.match(text, /^\| 1 \| .* \| – \| \*\*MISSING\*\* \|$/m);
      assert.match(text, /^\| 2 \| .* \| \*\*skipped\*\* \|$/m);
      assert.match(text, /^\| 108 \| .* \| – \| out of scope \|$/m);
      assert.match(text, /1 skipped \(2\), 1 missing \(1\)\./);
    });
  });

  describe('its sources', () => {
    let folder = '';
    beforeEach(() => { folder = mkdtempSync(path.join(tmpdir(), 'bptt-checklist-')); });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    it('numbers stand at the beginning of titles', () => {
      assert.deepEqual(numbersOf('[67] [A19.3] GRU [12]'), ['67', 'A19.3']);
      assert.deepEqual(numbersOf('[slow] [32] trains'), ['32']);
      for (const title of ['shapes [16]', '[slow] trains', '[A7] no', '[16, 4] is a shape']) assert.deepEqual(numbersOf(title), [], title);
      assert.equal(withoutNumbers('[slow] [32] [33] trains [4]'), 'trains [4]');
    });

    it('are read as code: titles of tests, not of comments or of other calls', () => {
      mkdirSync(path.join(folder, 'test/deep'), { recursive: true });
      writeFileSync(path.join(folder, 'test/deep/a.test.ts'), [
        'describe("[1] block", () => { it(`[2] [3] in ${place}`, () => {}); });', '// it("[4] comment", () => {});', 'assert.equal(x, "[5] other");',
        'for (const n of [6]) it(`[${n}] unknown`, () => {});', 'withData("file", \'[7] it\\\'s data\', async () => {});',
      ].join('\n'));
      assert.deepEqual(numberedTitles(folder), [
        { file: 'test/deep/a.test.ts', title: '[1] block', numbers: ['1'] }, { file: 'test/deep/a.test.ts', title: '[2] [3] in …', numbers: ['2', '3'] },
        { file: 'test/deep/a.test.ts', title: '[7] it\'s data', numbers: ['7'] },
      ]);
    });

    it('results that are none are refused', () => {
      const file = path.join(folder, 'results.json');
      for (const content of ['{', '{}', '[{"file":"a","titles":[],"state":"passed"}]', '[{"file":"a","titles":["t"],"state":"good"}]']) {
        writeFileSync(file, content);
        assertThrows(() => readResults(file), 'ERR_BPTT_DATA', /--save/);
      }
      writeFileSync(file, JSON.stringify(everything));
      assert.deepEqual(readResults(file), everything);
    });
  });
});
