import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkWritable, readFromFolder, writeFolder } from '../../lib/formats/atomicFolder.ts';
import { lastLine, runChild } from '../support/child.ts';
import { assertRejects } from '../support/errors.ts';

const text = async (folder: string, name: string): Promise<string> => new TextDecoder().decode(await readFromFolder(folder, name, 1000));
const version = (which: string): Record<string, string> => ({ 'model.json': `{"json":"${which}"}`, 'model.safetensors': `weights ${which}` });

async function assertHolds(folder: string, which: string): Promise<void> {
  assert.equal(await text(folder, 'model.json'), `{"json":"${which}"}`);
  assert.equal(await text(folder, 'model.safetensors'), `weights ${which}`);
}

type Call = (...values: unknown[]) => Promise<unknown>;

/** Runs `action` with every call of the file system failing from the k-th changing one on: a process that died there. Returns how many calls there were. */
async function dyingAt(k: number, action: () => Promise<void>): Promise<number> {
  const calls = fs as unknown as Record<string, Call>;
  const saved = new Map(['mkdir', 'open', 'rename', 'rm'].map((name) => [name, calls[name]!]));
  let count = 0;
  for (const [name, original] of saved) {
    calls[name] = (...values) => (count++ >= k ? Promise.reject(new Error('the process died')) : original.apply(fs, values));
  }
  syncBuiltinESMExports();
  try {
    await action().catch(() => undefined);
  } finally {
    for (const [name, original] of saved) calls[name] = original;
    syncBuiltinESMExports();
  }
  return count;
}

describe('writing a folder', () => {
  let place = '';
  let folder = '';
  beforeEach(() => {
    place = mkdtempSync(path.join(tmpdir(), 'bptt-folder-'));
    folder = path.join(place, 'model');
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  it('makes it, its parents too, and replaces an older one, leaving nothing beside it', async () => {
    const deep = path.join(place, 'runs', 'one');
    await writeFolder(deep, version('a'));
    await writeFolder(deep, version('b'));
    await assertHolds(deep, 'b');
    assert.deepEqual(readdirSync(path.dirname(deep)), ['one']);
    assert.deepEqual(readdirSync(deep).sort(), ['model.json', 'model.safetensors']);
  });

  it('leaves the old model or the new one, whole, wherever it is cut off', async () => {
    let calls = Infinity;
    const seen = new Set<string>();
    for (let k = 0; k < calls; k++) {
      await writeFolder(folder, version('old'));
      calls = await dyingAt(k, () => writeFolder(folder, version('new')));
      const which = (await text(folder, 'model.json')).includes('new') ? 'new' : 'old';
      seen.add(which);
      await assertHolds(folder, which);
    }
    assert.ok(calls >= 6 && calls < 50, `${calls} calls`);
    assert.deepEqual([...seen].sort(), ['new', 'old']);
  });

  it('finds the old folder that a crash left aside, and puts a new one in its place', async () => {
    await writeFolder(folder, version('old'));
    renameSync(folder, `${folder}.previous`);
    await assertHolds(folder, 'old');
    await writeFolder(folder, version('new'));
    await assertHolds(folder, 'new');
    assert.deepEqual(readdirSync(place), ['model']);
  });

  it('never replaces a folder that holds files of others', async () => {
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'thesis.txt'), 'dear');
    await assert.rejects(writeFolder(folder, version('a')), { code: 'ERR_BPTT_FORMAT', message: /found "thesis\.txt" in it; choose another folder/ });
    assert.deepEqual(readdirSync(place), ['model']);
    assert.deepEqual(readdirSync(folder), ['thesis.txt']);
  });

  it('says so when the place is a file or cannot be written', async () => {
    writeFileSync(folder, '');
    await assert.rejects(writeFolder(folder, version('a')), { code: 'ERR_BPTT_FORMAT', message: /expected a folder or nothing there, found a file/ });
    await assert.rejects(checkWritable(folder), { code: 'ERR_BPTT_FORMAT', message: /found a file/ });
    await checkWritable(path.join(place, 'new'));
    await assert.rejects(writeFolder(path.join(folder, 'inside'), version('a')), { code: 'ERR_BPTT_FORMAT' });
    if (process.platform === 'linux') await assert.rejects(writeFolder('/proc/model', version('a')), { code: 'ERR_BPTT_FORMAT', message: /cannot be written .* may write/ });
    assert.deepEqual(readdirSync(place), ['model']);
  });

  it('leaves no folders around a place where nothing was written, but those that others use', async () => {
    const deep = path.join(place, 'runs', 'one', 'model');
    await checkWritable(deep);
    assert.deepEqual(readdirSync(place), []);
    mkdirSync(path.join(place, 'runs'));
    await checkWritable(deep);
    assert.deepEqual(readdirSync(place), ['runs']);
    await assertRejects(() => writeFolder(deep, { 'nowhere/model.json': '' }), 'ERR_BPTT_FORMAT', /cannot be written/);
    assert.deepEqual(readdirSync(path.join(place, 'runs')), []);
  });

  it('takes no empty path for the folder of the process', async () => {
    for (const write of [checkWritable, async (where: string) => writeFolder(where, version('a'))]) {
      await assertRejects(() => write(''), 'ERR_BPTT_FORMAT', /expected the path of a folder to write, received ""/);
    }
  });

  it('says so where no folder can be made, and does not go on trying', async function () {
    if (process.platform !== 'linux') this.skip();
    const result = await runChild('test/formats/children/writeFolder.ts', { arguments: ['/proc/nowhere/deep/model'], timeout: 20_000 });
    assert.match(lastLine<{ outcome: string }>(result).outcome, /^ERR_BPTT_FORMAT: .* cannot be written .* may write/);
  });

  it('says so when there is nothing to read', async () => {
    await assert.rejects(readFromFolder(folder, 'model.json', 1000), { code: 'ERR_BPTT_FORMAT', message: /expected a model folder with model\.json, found none/ });
    writeFileSync(folder, '');
    await assert.rejects(readFromFolder(folder, 'model.json', 1000), { code: 'ERR_BPTT_FORMAT', message: /is a file/ });
    await assert.rejects(readFromFolder(place, 'model', -1), { code: 'ERR_BPTT_FORMAT', message: /found 0 bytes where -1 are the most/ });
    if (process.platform === 'linux') await assert.rejects(readFromFolder('/dev', 'zero', 1000), { code: 'ERR_BPTT_FORMAT', message: /found something else of that name/ });
  });
});
