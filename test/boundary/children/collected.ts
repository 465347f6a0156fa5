/** With --expose-gc: makes and drops storages, programs and executables, and runs one many times. Prints how many bytes more are resident afterwards. */
import { bindLong, doubling, native } from '../native.ts';

const module = native();

function makeAndDrop(): void {
  for (let round = 0; round < 50; round++) {
    const source = new module.Storage(250_000);
    source.floats.fill(1);
    new module.Program(doubling()).bind([source, new module.Storage(250_000)]).run();
  }
}

async function settle(): Promise<number> {
  for (let round = 0; round < 4; round++) {
    (globalThis as { gc?: () => void }).gc!();
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  return process.memoryUsage().rss;
}

const { executable } = bindLong(module, 3);
for (let round = 0; round < 1000; round++) executable.run();
makeAndDrop();
const afterFirst = await settle();
for (let round = 0; round < 10; round++) {
  makeAndDrop();
  await settle();
}
const dropped = await settle() - afterFirst;
const beforeRuns = await settle();
for (let round = 0; round < 100_000; round++) executable.run();
for (let round = 0; round < 3000; round++) await executable.runAsync();
console.log(JSON.stringify({ dropped, runs: await settle() - beforeRuns }));
