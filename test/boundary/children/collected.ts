/** Makes and drops storages, programs and executables, and runs one many times. Prints how much the process grew by either. */
import { growthOf } from '../../support/growth.ts';
import { bindLong, doubling, native } from '../native.ts';

const module = native();

function makeAndDrop(): void {
  for (let round = 0; round < 50; round++) {
    const source = new module.Storage(250_000);
    source.floats.fill(1);
    new module.Program(doubling()).bind([source, new module.Storage(250_000)]).run();
  }
}

const { executable } = bindLong(module, 3);

async function runOften(): Promise<void> {
  for (let round = 0; round < 1000; round++) executable.run();
  for (let round = 0; round < 30; round++) await executable.runAsync();
}

const dropped = await growthOf(makeAndDrop, { warm: 2, calls: 12 });
const runs = await growthOf(runOften, { warm: 10, calls: 100 });
console.log(JSON.stringify({ dropped, runs }));
