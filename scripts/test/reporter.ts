// Mocha's spec reporter, which also writes the counts where scripts/test.ts reads them.
import { writeFileSync } from 'node:fs';
import Mocha from 'mocha';
import type { Counts } from './summary.ts';

export default class SummaryReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const file = process.env['BPTT_TEST_SUMMARY'];
      const { passes, failures, pending } = this.stats;
      const counts: Counts = { passed: passes, failed: failures, skipped: pending };
      if (file) writeFileSync(file, JSON.stringify(counts));
    });
  }
}
