import assert from 'node:assert/strict';
import * as cells from '../../lib/cells/index.ts';
import type { Cell } from '../../lib/cells/index.ts';
import { dense, recurrent, referenceRuntime, sequential, sgd, squaredError, Trainer } from '../../lib/index.ts';
import type { Runtime } from '../../lib/index.ts';
import { createNativeRuntime, loadNative } from '../../lib/runtime/index.ts';
import { someSequences } from '../support/models.ts';
import { relativeError } from '../support/tensors.ts';

type Chosen = Readonly<Record<string, string>>;

/** Every cell of the library with its defaults, and with each word of its options that is not one. */
function everyChoice(): { title: string; cell: Cell; options: Chosen }[] {
  const all = Object.entries(cells).filter(([name]) => name.endsWith('Cell') && name !== 'findCell').map(([, value]) => value as Cell);
  return all.flatMap((cell) => {
    const words: Chosen[] = Object.entries(cell.options).flatMap(([name, declared]) => (Array.isArray(declared) ? (declared as readonly string[]).slice(1).map((word) => ({ [name]: word })) : []));
    return [{}, ...words].map((options) => ({ title: [cell.name, ...Object.values(options)].join(' '), cell, options }));
  });
}

async function run(cell: Cell, options: Chosen, features: number, runtime: Runtime): Promise<ArrayLike<number>[]> {
  const layer = recurrent(cell, { units: 17, direction: 'bidirectional', ...options } as never);
  const model = sequential([layer, dense({ units: 2 })], { input: { features }, seed: 3, runtime });
  const trainer = new Trainer(model, { loss: squaredError(), optimizer: sgd({ learningRate: 0.1 }) });
  const batch = { input: someSequences([7, 3, 5], features), target: someSequences([7, 3, 5], 2, 9) };
  const { output } = await model.predict(batch.input);
  const losses = [(await trainer.step(batch)).loss, (await trainer.step(batch)).loss];
  return [Float64Array.from(output.data), losses, ...model.parameters.map(({ view }) => Float64Array.from(view))];
}

describe('every cell, native against the reference', () => {
  const native = loadNative();
  if (!('module' in native)) {
    it('skipped: no native build loads');
    return;
  }
  const engine = createNativeRuntime(native.module);
  for (const { title, cell, options } of everyChoice()) {
    it(`${title}: predicts and trains alike, also where x has as many features as there are units`, async () => {
      for (const features of [5, 17]) {
        const [expected, actual] = [await run(cell, options, features, referenceRuntime), await run(cell, options, features, engine)];
        expected.forEach((values, at) => assert.ok(relativeError(actual[at]!, values, 1e-3) <= 1e-4, `result ${at}`));
      }
    });
  }
});
