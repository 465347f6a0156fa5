import assert from 'node:assert/strict';
import path from 'node:path';
import { loadNative } from '../../lib/runtime/index.ts';
import { lastLine, runChild } from '../support/child.ts';
import { relativeError } from '../support/tensors.ts';

interface Report {
  readonly threads: number;
  readonly runtime: 'native' | 'reference';
  readonly results: Readonly<Record<string, { readonly digest: string; readonly numbers: readonly number[] }>>;
}

const child = path.join(import.meta.dirname, 'children', 'gradients.ts');
/** Of numbers scaled to the largest of their tensor. */
const tolerance = 1e-5;

async function report(environment: Readonly<Record<string, string>>): Promise<Report> {
  return lastLine<Report>(await runChild(child, { environment }));
}

describe('bits: gradients of recurrent layers [slow]', function () {
  this.timeout(120_000);
  const native = loadNative();
  if (!('module' in native)) {
    it('skipped: no native build loads');
    return;
  }
  const { isas } = native.module.info();

  it('are the same for 1, 2, 3 and 4 threads', async () => {
    const counts = [1, 2, 3, 4];
    const reports = await Promise.all(counts.map((count) => report({ BPTT_RUNTIME: '', BPTT_THREADS: String(count) })));
    assert.deepEqual(reports.map(({ threads }) => threads), counts);
    const [one, ...others] = reports;
    assert.equal(one!.runtime, 'native');
    for (const other of others) {
      for (const [name, { digest }] of Object.entries(one!.results)) assert.equal(other.results[name]!.digest, digest, `${name}: ${other.threads} threads`);
    }
  });

  it(`agree with the reference on every instruction set: ${isas.join(', ')}`, async () => {
    const expected = await report({ BPTT_RUNTIME: 'reference' });
    assert.equal(expected.runtime, 'reference');
    const digests = new Set<string>();
    for (const isa of isas) {
      const { runtime, results } = await report({ BPTT_RUNTIME: '', BPTT_ISA: isa });
      assert.equal(runtime, 'native');
      let worst = 0;
      for (const [name, { numbers, digest }] of Object.entries(results)) {
        const error = relativeError(numbers, expected.results[name]!.numbers);
        assert.ok(error <= tolerance, `${isa}, ${name}: relative error ${error}`);
        worst = Math.max(worst, error);
        digests.add(digest);
      }
      console.log(`      ${isa}: worst relative error ${worst.toExponential(1)}`);
    }
    assert.ok(digests.size > Object.keys(expected.results).length, 'the instruction sets give the very same bits: BPTT_ISA is not heard');
  });
});
