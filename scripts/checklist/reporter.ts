// Mocha's dots, and every test's file, titles and end as JSON where BPTT_CHECKLIST_RESULTS says.
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import Mocha from 'mocha';
import { packageRoot } from '../../lib/packageRoot.ts';
import type { TestResult } from './results.ts';

export default class ChecklistReporter extends Mocha.reporters.Dot {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const results: TestResult[] = [];
    const note = (state: TestResult['state']) => (test: Mocha.Test): void => {
      results.push({ file: path.relative(packageRoot, test.file ?? '').replaceAll(path.sep, '/'), titles: test.titlePath(), state });
    };
    const { EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_RUN_END } = Mocha.Runner.constants;
    runner.on(EVENT_TEST_PASS, note('passed'));
    runner.on(EVENT_TEST_FAIL, note('failed'));
    runner.on(EVENT_TEST_PENDING, note('skipped'));
    runner.once(EVENT_RUN_END, () => {
      const target = process.env['BPTT_CHECKLIST_RESULTS'];
      if (target) writeFileSync(target, JSON.stringify(results, null, 1));
    });
  }
}
