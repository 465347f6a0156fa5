import assert from 'node:assert/strict';
import { batches, nextToken, scaler, Scaler, sequences, split, splitTextStream, textStream, windows } from '../../lib/data/index.ts';
import type { Batch, Dataset, Tensor } from '../../lib/data/index.ts';
import { assertThrows } from '../support/errors.ts';

const epoch = (dataset: Dataset, index = 0): Batch[] => [...(dataset.epoch(index) as Iterable<Batch>)];
const tensor = (data: unknown): Tensor => data as Tensor;
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('data: text streams', () => {
  it('row r of every batch goes on where it stopped, the target one step later', () => {
    const dataset = textStream(range(21), { batch: 2, steps: 4 });
    const rows: number[][] = [[], []];
    epoch(dataset).forEach((batch, index) => {
      const { data, shape } = tensor(batch.input);
      const steps = shape[1]!;
      rows.forEach((row, r) => row.push(...data.subarray(r * steps, (r + 1) * steps)));
      assert.deepEqual([...tensor(batch.target).data], [...data].map((token) => token + 1));
      assert.deepEqual(batch.fresh, [index === 0, index === 0]);
    });
    assert.deepEqual(rows, [range(10), range(20).slice(10)]);
    assert.equal(dataset.count, 3);
  });

  it('drops the short rest when told', () => {
    const dataset = textStream(range(21), { batch: 2, steps: 4, remainder: 'drop' });
    assert.deepEqual(epoch(dataset).map((batch) => tensor(batch.input).shape), [[2, 4], [2, 4]]);
  });

  it('keeps the last batches of every row for validation', () => {
    const { training, validation } = splitTextStream(range(21), { batch: 2, steps: 2, validation: 0.4 });
    assert.deepEqual([training.count, validation.count], [3, 2]);
    const inputs = (dataset: Dataset): number[][] => epoch(dataset).map((batch) => [...tensor(batch.input).data]);
    assert.deepEqual([...inputs(training), ...inputs(validation)], epoch(textStream(range(21), { batch: 2, steps: 2 })).map((batch) => [...tensor(batch.input).data]));
    assert.deepEqual(inputs(validation)[0], [6, 7, 16, 17]);
    assert.deepEqual(epoch(validation).map((batch) => batch.fresh), [[true, true], [false, false]]);
  });

  it('rejects a split that leaves a side empty', () => {
    assertThrows(() => splitTextStream(range(5), { batch: 2, steps: 4, validation: 0.5 }), 'ERR_BPTT_DATA', /at least 2 batches/);
    assertThrows(() => splitTextStream(range(50), { batch: 2, steps: 4, validation: 1 }), 'ERR_BPTT_RANGE');
    assertThrows(() => splitTextStream(range(50), { batch: 2, steps: 4, validaton: 0.5 } as never), 'ERR_BPTT_OPTION', /did you mean "validation"/);
  });

  it('rejects what cannot fill a batch', () => {
    assertThrows(() => textStream(range(2), { batch: 2, steps: 4 }), 'ERR_BPTT_DATA', /at least 3 tokens/);
    assertThrows(() => textStream([], { batch: 1, steps: 4 }), 'ERR_BPTT_DATA');
    assertThrows(() => textStream(range(20), { batch: 0, steps: 4 }), 'ERR_BPTT_RANGE');
    assertThrows(() => textStream(range(20), { batch: 1, step: 4 } as never), 'ERR_BPTT_OPTION', /did you mean "steps"/);
    assertThrows(() => textStream('text' as never, { batch: 1, steps: 4 }), 'ERR_BPTT_TYPE');
    for (const stranger of [1.5, NaN, -1, 2 ** 32, '3']) {
      assertThrows(() => textStream([0, 1, stranger as never, 2], { batch: 1, steps: 4 }), 'ERR_BPTT_VOCABULARY', /whole numbers from 0 on as tokens, received .* at place 2/);
      assertThrows(() => nextToken([0, 1, stranger as never, 2]), 'ERR_BPTT_VOCABULARY', /at place 2/);
    }
    const gone = new Int32Array(9);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    assertThrows(() => textStream(gone, { batch: 1, steps: 4 }), 'ERR_BPTT_DATA', /detached/);
    assertThrows(() => nextToken(gone), 'ERR_BPTT_DATA', /detached/);
  });
});

describe('data: windows', () => {
  it('equals the naive loop', () => {
    const series = range(30).map((i) => [i, 100 + i]);
    for (const target of ['next', 'shifted'] as const) {
      for (const [length, horizon, stride] of [[4, 1, 1], [5, 3, 2], [28, 2, 1]] as const) {
        const { input, target: targets, count } = windows(series, { length, horizon, stride, target });
        const expectedInput: number[] = [];
        const expectedTarget: number[] = [];
        let expectedCount = 0;
        for (let start = 0; start + length + horizon <= 30; start += stride, expectedCount++) {
          expectedInput.push(...series.slice(start, start + length).flat());
          expectedTarget.push(...(target === 'next' ? series[start + length + horizon - 1]! : series.slice(start + horizon, start + horizon + length).flat()));
        }
        assert.equal(count, expectedCount);
        assert.deepEqual([...input.data], expectedInput);
        assert.deepEqual([...targets.data], expectedTarget);
        assert.deepEqual(targets.shape, target === 'next' ? [count, 2] : [count, length, 2]);
      }
    }
  });

  it('foretells some features only', () => {
    const { target } = windows([[1, 2], [3, 4], [5, 6]], { length: 1, targetFeatures: [1] });
    assert.deepEqual([...target.data], [4, 6]);
    assert.deepEqual(target.shape, [2, 1]);
  });

  it('rejects series that are too short or uneven', () => {
    assertThrows(() => windows([1, 2, 3], { length: 3 }), 'ERR_BPTT_DATA', /at least 4 steps, received 3/);
    assertThrows(() => windows([[1, 2], [3]], { length: 1 }), 'ERR_BPTT_SHAPE', /step 1/);
    assertThrows(() => windows([1, 2, 3], { length: 1, targetFeatures: [1] }), 'ERR_BPTT_RANGE');
  });
});

describe('data: batches and sequences', () => {
  it('covers every row once an epoch, in a seeded order', () => {
    const examples = windows(range(24), { length: 2 });
    const dataset = batches(examples, { batch: 5, shuffle: true, seed: 3 });
    const firsts = (index: number): number[] => epoch(dataset, index).flatMap((batch) => {
      const { data, shape } = tensor(batch.input);
      return range(shape[0]!).map((row) => data[row * 2]!);
    });
    assert.deepEqual(firsts(0), firsts(0));
    assert.notDeepEqual(firsts(0), firsts(1));
    assert.deepEqual(firsts(1).sort((a, b) => a - b), range(22));
    assert.equal(epoch(dataset).length, dataset.count);
    assert.equal(epoch(batches(examples, { batch: 5, remainder: 'drop' })).length, 4);
  });

  it('rejects a batch larger than the data', () => {
    assertThrows(() => batches(windows(range(4), { length: 2 }), { batch: 3 }), 'ERR_BPTT_DATA', /choose batch ≤ 2/);
    assertThrows(() => sequences([], { batch: 1 }), 'ERR_BPTT_DATA');
    assertThrows(() => sequences([{ input: [], target: 1 }], { batch: 1 }), 'ERR_BPTT_DATA', /example 0/);
  });

  it('puts sequences of about the same length together', () => {
    const list = range(40).map((i) => ({ input: range(1 + (i * 7) % 40), target: i }));
    const dataset = sequences(list, { batch: 8, shuffle: true, seed: 1 });
    const seen: number[] = [];
    for (const batch of epoch(dataset)) {
      const lengths = (batch.input as number[][]).map((row) => row.length);
      assert.ok(Math.max(...lengths) - Math.min(...lengths) <= 14, lengths.join());
      seen.push(...(batch.target as number[]));
    }
    assert.deepEqual(seen.sort((a, b) => a - b), range(40));
    assert.deepEqual(epoch(dataset, 2), epoch(dataset, 2));
  });

  it('shifts tokens by one', () => {
    assert.deepEqual(nextToken([1, 2, 3]), { input: Int32Array.of(1, 2), target: Int32Array.of(2, 3) });
    assertThrows(() => nextToken([1]), 'ERR_BPTT_DATA');
  });
});

describe('data: split and scaler', () => {
  it('divides in order', () => {
    assert.deepEqual(split([1, 2, 3, 4], 0.75), [[1, 2, 3], [4]]);
    assert.deepEqual(split('abcd', 0.5), ['ab', 'cd']);
    assert.deepEqual(split(Int32Array.of(1, 2), 0.5), [Int32Array.of(1), Int32Array.of(2)]);
    const [train, test] = split(windows(range(12), { length: 2 }), 0.8);
    assert.deepEqual([train.count, test.count, train.input.shape[0], test.target.shape[0]], [8, 2, 8, 2]);
    assertThrows(() => split([1], 0.5), 'ERR_BPTT_DATA');
    assertThrows(() => split([1, 2], 1), 'ERR_BPTT_RANGE');
  });

  it('scales and comes back', () => {
    const series = [[1, 10, 5], [2, 20, 5], [3, 30, 5]];
    for (const kind of ['standard', 'range'] as const) {
      const scale = scaler(series, { kind });
      const scaled = scale.transform(series);
      assert.deepEqual(scaled.shape, [3, 3]);
      assert.deepEqual([...scale.inverse(scaled).data].map((number) => Math.round(number * 1e4) / 1e4), series.flat());
      assert.deepEqual(new Scaler(scale.toJSON()).transform(series), scaled);
      assert.ok(Math.abs(scale.inverse({ data: new Float32Array([0]), shape: [1, 1] }, [1]).data[0]! - (kind === 'range' ? 10 : 20)) < 1e-5);
    }
    assert.deepEqual(scaler(series).offsets, [2, 20, 5]);
    assert.deepEqual(scaler(series, { kind: 'range' }).scales, [2, 20, 1]);
    assertThrows(() => scaler([1, NaN]), 'ERR_BPTT_DATA', /step 1/);
    assertThrows(() => scaler([]), 'ERR_BPTT_DATA');
    assertThrows(() => scaler(series).transform([1, 2]), 'ERR_BPTT_SHAPE');
  });
});

describe('data: what is no data', () => {
  it('batches say what they take', () => {
    const column = { data: new Float32Array(2), shape: [2] };
    assertThrows(() => batches({} as never, { batch: 1 }), 'ERR_BPTT_TYPE', /count/);
    assertThrows(() => batches({ count: 2, target: column } as never, { batch: 1 }), 'ERR_BPTT_TYPE', /input to be \{ data, shape \}/);
    assertThrows(() => batches({ count: 2, input: { data: new Float32Array(3), shape: [2, 2] }, target: column }, { batch: 1 }), 'ERR_BPTT_SHAPE', /holds 4 numbers/);
  });

  it('sequences need sequences, each with its target', () => {
    assertThrows(() => sequences([{ input: [1, 2] } as never], { batch: 1 }), 'ERR_BPTT_TYPE', /example 0: expected target/);
    assertThrows(() => sequences([{ input: 'text', target: 1 } as never], { batch: 1 }), 'ERR_BPTT_TYPE', /example 0: expected input/);
  });

  it('scalers and splits check what they are given', () => {
    assertThrows(() => new Scaler({ kind: 'range' } as never), 'ERR_BPTT_TYPE', /offsets/);
    assertThrows(() => scaler([1, 2]).inverse([1], 0 as never), 'ERR_BPTT_TYPE', /features/);
    assertThrows(() => split({ data: new Float32Array(3), shape: [2, 2] }, 0.5), 'ERR_BPTT_SHAPE');
  });
});
