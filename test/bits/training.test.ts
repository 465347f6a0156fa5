import assert from 'node:assert/strict';
import path from 'node:path';
import { loadNative } from '../../lib/runtime/index.ts';
import { lastLine, runChild } from '../support/child.ts';
import { relativeError } from '../support/tensors.ts';

interface Report {
  readonly digest: string;
  readonly losses: readonly number[];
  readonly evaluated: number;
}

const child = path.join(import.meta.dirname, 'children', 'training.ts');
/** Between instruction sets, of the losses of some twenty updates: rounding differs, and every update builds on the one before. */
const tolerance = 1e-3;

async function report(environment: Readonly<Record<string, string>>): Promise<Report> {
  const result = await runChild(child, { environment: { BPTT_RUNTIME: '', ...environment } });
  assert.equal(result.code, 0, result.stderr);
  return lastLine<Report>(result);
}

describe('bits: training with dropout, lengths and clipping [slow]', function () {
  this.timeout(180_000);
  const native = loadNative();
  if (!('module' in native)) {
    it('skipped: no native build loads');
    return;
  }
  const { isas } = native.module.info();

  it('comes to the same weights with 1, 2 and 4 threads, and again with the same seed', async () => {
    const reports: Report[] = [];
    for (const threads of ['1', '2', '4', '2']) reports.push(await report({ BPTT_THREADS: threads }));
    assert.ok(reports[0]!.losses.length > 10);
    for (const other of reports.slice(1)) assert.deepEqual(other, reports[0]);
  });

  it(`comes to nearly the same losses on ${isas.join(', ')} and on the reference`, async () => {
    const expected = await report({ BPTT_RUNTIME: 'reference' });
    for (const isa of isas) {
      const { losses, evaluated } = await report({ BPTT_ISA: isa });
      const error = relativeError([...losses, evaluated], [...expected.losses, expected.evaluated]);
      console.log(`      ${isa}: relative difference of losses ${error.toExponential(1)}`);
      assert.ok(error < tolerance, `${isa}: ${error}`);
    }
  });

  it('BPTT_ISA lowers the choice, is never raised above the machine, and an unknown name changes nothing', async () => {
    const script = path.join(import.meta.dirname, 'children', 'info.ts');
    const info = async (isa: string): Promise<{ isa: string; isaRequested: string | null; isaRecognised: boolean }> => (
      lastLine(await runChild(script, { environment: { BPTT_RUNTIME: '', BPTT_ISA: isa } })));
    for (const isa of isas) assert.equal((await info(isa)).isa, isa);
    const unknown = await info('avx9000');
    assert.deepEqual([unknown.isa, unknown.isaRequested, unknown.isaRecognised], [isas[0], 'avx9000', false]);
    const foreign = await info(process.arch === 'arm64' ? 'avx512' : 'neon');
    assert.ok(isas.includes(foreign.isa), `runs on ${foreign.isa}`);
  });

  it('doctor tells of an unknown BPTT_ISA and does not fail', async () => {
    const result = await runChild(path.resolve(import.meta.dirname, '../../lib/cli/main.ts'), { arguments: ['doctor'], environment: { BPTT_RUNTIME: '', BPTT_ISA: 'avx9000' } });
    assert.equal(result.signal, null);
    assert.match(result.stdout + result.stderr, /avx9000/);
  });
});
