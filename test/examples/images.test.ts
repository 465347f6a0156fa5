import assert from 'node:assert/strict';
import { glimpsesOf, path, run as readGlimpses } from '../../examples/glimpses.ts';
import { run as readDigits } from '../../examples/sequentialDigits.ts';
import { shrink } from '../../examples/support/digits.ts';
import { needEngine, withData } from './withData.ts';

const digits = 'mnist10k/images-u8-28x28.bin.gz';

describe('examples: images [slow]', function () {
  this.timeout(600_000);
  needEngine();

  it('glimpses are the patches of the image with their places', () => {
    const pixels = Float32Array.from({ length: 784 }, (_, i) => i);
    const { input, target } = glimpsesOf({ pixels, labels: Int32Array.of(7), size: 28 });
    assert.deepEqual(input.shape, [1, path.length, 66]);
    path.forEach(([row, column], i) => {
      const glimpse = input.data.subarray(i * 66, (i + 1) * 66);
      assert.equal(glimpse[0], row * 28 + column);
      assert.equal(glimpse[63], (row + 7) * 28 + column + 7);
      assert.deepEqual([...glimpse.subarray(64)], [Math.fround(row / 28), Math.fround(column / 28)]);
    });
    assert.deepEqual([...target.data], path.map(() => 7));
  });

  it('smaller images are means of squares', () => {
    const { pixels, size } = shrink({ pixels: Float32Array.of(1, 2, 5, 5, 3, 4, 5, 5, 0, 0, 1, 1, 0, 0, 1, 1), labels: Int32Array.of(0), size: 4 }, 2);
    assert.equal(size, 2);
    assert.deepEqual([...pixels], [2.5, 5, 0, 1]);
  });

  withData(digits, 'digits row by row: read by a network that sees a row at a time', async () => {
    const { accuracy, steps } = await readDigits({ images: 3000, epochs: 4, units: 48 });
    assert.equal(steps, 28);
    assert.ok(accuracy > 0.82, `${accuracy}`);
  });

  withData(digits, 'digits pixel by pixel: far above chance after few epochs of small images', async () => {
    const { accuracy, steps } = await readDigits({ by: 'pixel', size: 7, images: 3000, epochs: 6, units: 48, learningRate: 1e-2 });
    assert.equal(steps, 49);
    assert.ok(accuracy > 0.45, `${accuracy}`);
  });

  withData(digits, 'glimpses: every one of the first makes the answer better', async () => {
    const { accuracies } = await readGlimpses({ images: 3000, epochs: 6, units: 48 });
    assert.ok(accuracies[0]! < 0.75 && accuracies.at(-1)! > 0.84, accuracies.join());
    assert.ok(accuracies[1]! > accuracies[0]! && accuracies[3]! > accuracies[1]!, accuracies.join());
  });
});
