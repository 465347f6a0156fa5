import { dataFolder, hasData } from '../../examples/support/data.ts';

/** A test that needs a data set: without it, it is skipped and says so. */
export function withData(file: string, title: string, body: () => Promise<void>): void {
  if (hasData(file)) it(title, body);
  else it(`${title}: skipped, no ${file} in ${dataFolder} (BPTT_DATA names the folder)`);
}
