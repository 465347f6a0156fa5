import assert from 'node:assert/strict';
import { Turns } from '../../lib/model/turns.ts';
import { assertRejects } from '../support/errors.ts';

/** Work that ends when it is told to. */
function work(): { run: () => Promise<string>; end: (result: string) => void; readonly begun: boolean } {
  let end = (_: string): void => undefined;
  const promise = new Promise<string>((resolve) => { end = resolve; });
  let begun = false;
  return {
    run: () => {
      begun = true;
      return promise;
    },
    end: (result) => end(result),
    get begun() { return begun; },
  };
}

const settle = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

describe('model: turns', () => {
  it('begins at once what only reads, and lets the caller go on before something is written', async () => {
    const turns = new Turns();
    const [reading, writing] = [work(), work()];
    const read = turns.take({ owner: 'a', writes: false }, reading.run);
    assert.deepEqual([reading.begun, turns.idle, turns.writing], [true, false, false]);
    reading.end('read');
    assert.equal(await read, 'read');
    assert.equal(turns.idle, true);
    const written = turns.take({ owner: 'b', writes: true }, writing.run);
    assert.deepEqual([writing.begun, turns.idle, turns.writing], [false, false, false]);
    await settle();
    assert.deepEqual([writing.begun, turns.writing], [true, true]);
    writing.end('written');
    assert.equal(await written, 'written');
    assert.deepEqual([turns.idle, turns.writing], [true, false]);
  });

  it('keep the order of asking, one at a time, past those that fail or no longer wait', async () => {
    const turns = new Turns();
    const works = [work(), work(), work(), work()] as const;
    const controller = new AbortController();
    const first = turns.take({ owner: 'a', writes: true }, () => works[0].run().then(() => { throw new Error('mine'); }));
    const second = turns.take({ owner: 'b', writes: false, signal: controller.signal }, works[1].run);
    const third = turns.take({ owner: 'c', writes: true }, works[2].run);
    const fourth = turns.take({ owner: 'd', writes: false }, works[3].run);
    const begun = (): boolean[] => works.map((one) => one.begun);
    await settle();
    assert.deepEqual(begun(), [true, false, false, false]);
    controller.abort();
    await assertRejects(() => second, 'ERR_BPTT_ABORTED', /^b: aborted/);
    works[0].end('');
    await assert.rejects(first, /mine/);
    await settle();
    assert.deepEqual([begun(), turns.writing], [[true, false, true, false], true]);
    works[2].end('third');
    assert.equal(await third, 'third');
    await settle();
    assert.deepEqual([begun(), turns.writing, turns.idle], [[true, false, true, true], false, false]);
    works[3].end('fourth');
    assert.equal(await fourth, 'fourth');
    assert.equal(turns.idle, true);
  });

  it('an abort after the turn has come takes nobody else\'s', async () => {
    const turns = new Turns();
    const [before, own, after] = [work(), work(), work()];
    const controller = new AbortController();
    const first = turns.take({ owner: 'a', writes: false }, before.run);
    const second = turns.take({ owner: 'b', writes: false, signal: controller.signal }, own.run);
    const third = turns.take({ owner: 'c', writes: false }, after.run);
    before.end('');
    await first;
    await settle();
    controller.abort();
    own.end('whole');
    assert.equal(await second, 'whole');
    await settle();
    assert.equal(after.begun, true);
    after.end('third');
    assert.equal(await third, 'third');
    assert.equal(turns.idle, true);
  });
});
