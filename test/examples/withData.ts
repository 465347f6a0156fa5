import { dataFolder, hasData } from '../../examples/support/data.ts';
import { selectRuntime } from '../../lib/index.ts';

/** A test that needs a data set: without it, it is skipped and says so. */
export function withData(file: string, title: string, body: () => Promise<void>): void {
  if (hasData(file)) it(title, body);
  else it(`${title}: skipped, no ${file} in ${dataFolder} (BPTT_DATA names the folder)`);
}

/** Skips the tests of a block where the reference interpreter would have to train: it is right, and takes a hundred times as long. */
export function needEngine(): void {
  before(function () {
    if (selectRuntime().name !== 'native') this.skip();
  });
}
