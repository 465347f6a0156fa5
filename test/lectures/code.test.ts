import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { run as classifyTopics } from '../../examples/lectures/bidirectionalTopics.ts';
import { run as lstmLayer } from '../../examples/lectures/lstmLayer.ts';
import { run as judgeReviews } from '../../examples/lectures/maskedSentiment.ts';
import { run as recurrencesInARow } from '../../examples/lectures/recurrencesInARow.ts';
import { run as forecast } from '../../examples/lectures/twoLayerForecast.ts';
import { packageRoot } from '../../lib/packageRoot.ts';
import { needEngine } from '../examples/withData.ts';

describe('the code of the lecture notes', function () {
  this.timeout(60_000);

  it('[141] Embedding, LSTM, SimpleRNN, Dense: refused as printed, with the cure; 197,002 parameters as meant', async () => {
    const { refusal, parameters, total, shape } = await recurrencesInARow();
    assert.equal(refusal.code, 'ERR_BPTT_SHAPE');
    assert.match(refusal.message, /^rnn: expected .*\[N, T, features\], received \[1, 128\].*output: 'last'.*let it give the sequence/);
    assert.deepEqual(parameters, { embedding: 64_000, lstm: 98_816, rnn: 32_896, dense: 1_290 });
    assert.equal(total, 197_002);
    assert.deepEqual(shape, [4, 10]);
  });

  describe('where it is trained', () => {
    needEngine();
    describe('the sentiment classifier', () => {
      let figures: Awaited<ReturnType<typeof judgeReviews>>;
      before(async () => { figures = await judgeReviews(); });

      it('[142] Embedding, Bidirectional(LSTM), Dense, Dense: 66,048 + 8,256 + 65 parameters, and learns from logits', () => {
        const { parameters, vocabulary, accuracy } = figures;
        assert.deepEqual(parameters, { embedding: 64 * vocabulary, lstm: 66_048, dense: 8_256, dense_1: 65 });
        assert.ok(accuracy > 0.85, `${accuracy}`);
      });

      it('[143] masked rows are ragged rows and rows alone: outputs and gradients; without lengths padding is read', () => {
        const { ragged, alone, gradient, unmasked } = figures.padding;
        assert.equal(ragged, 0);
        assert.ok(alone <= 1e-5 && gradient <= 1e-6, `${alone}, ${gradient}`);
        assert.ok(unmasked > 1e-2, `${unmasked}`);
      });
    });

    it('[144] wordEmbedding, bilstm, last: 58,880 parameters; the backward half of "last" is its own end, at the first step', async () => {
      const { parameters, accuracy, ends } = await classifyTopics();
      assert.deepEqual(parameters, { embedding: 50 * 26, lstm: 58_880, dense: 4 * 128 + 4 });
      assert.ok(accuracy > 0.9, `${accuracy}`);
      assert.ok(ends.forwardAtLast <= 1e-6 && ends.backwardAtFirst <= 1e-6, JSON.stringify(ends));
      assert.ok(ends.backwardAtLast > 0.1, 'the step of the last word is where the backward half begins');
    });

    it('[145] nn.LSTM(1, 100, 2) and Linear(100, 1): 122,000 + 101 parameters, (batch, steps, hidden) and (batch, steps, 1), foretells a sine', async () => {
      const { parameters, shapes, nextPoint, persistence } = await forecast();
      assert.deepEqual(parameters, { lstm: 122_000, dense: 101 });
      assert.deepEqual(shapes, { hidden: [1, 99, 100], output: [1, 99, 1] });
      assert.ok(nextPoint < 0.4 * persistence, `${nextPoint} beside ${persistence}`);
    });
  });

  it('[146] LSTM(num_units): 4 (n² + n m + n) parameters, its last output unless sequences are asked for, the forget gate\'s bias at 1', async () => {
    for (const [units, features] of [[32, 8], [7, 3]] as const) {
      const { parameters, expected, shapes, biases } = await lstmLayer({ units, features });
      assert.equal(parameters, expected);
      assert.deepEqual(shapes, { last: [3, units], sequence: [3, 5, units] });
      assert.deepEqual(biases, [0, 1, 0, 0]);
    }
  });

  it('every example has its test here and its line on the page of applications', () => {
    const [own, page] = [readFileSync(import.meta.filename, 'utf8'), readFileSync(path.join(packageRoot, 'docs/applications.md'), 'utf8')];
    const files = readdirSync(path.join(packageRoot, 'examples/lectures'));
    assert.equal(files.length, 5);
    for (const file of files) assert.ok(own.includes(`'../../examples/lectures/${file}'`) && page.includes(`(../examples/lectures/${file})`), file);
  });
});
