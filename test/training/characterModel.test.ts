import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { characters, textStream } from '../../lib/data/index.ts';
import { add, divide, multiply, sqrt, square, subtract } from '../../lib/graph/index.ts';
import { adagrad, adam, bitsPerToken, crossEntropy, dense, embedding, lstm, oneHot, referenceRuntime, rnn, sequential, Trainer } from '../../lib/index.ts';
import type { Optimizer } from '../../lib/index.ts';

const data = process.env['BPTT_DATA'] ?? path.resolve(import.meta.dirname, '../../../shared/data');

interface Weights {
  readonly input: Float64Array;
  readonly recurrent: Float64Array;
  readonly output: Float64Array;
  readonly hiddenBias: Float64Array;
  readonly outputBias: Float64Array;
}

/** The plain character network written out: forward, backward through time, clipping and Adagrad with ε below the root. Matrices are [in, out]. */
class PlainNetwork {
  readonly #weights: Weights;
  readonly #memory: Weights;
  readonly #hidden: number;
  readonly #tokens: number;
  #state: Float64Array;

  constructor(weights: Weights, hidden: number, tokens: number) {
    this.#weights = weights;
    this.#memory = PlainNetwork.#zerosLike(weights);
    [this.#hidden, this.#tokens] = [hidden, tokens];
    this.#state = new Float64Array(hidden);
  }

  static #zerosLike(weights: Weights): Weights {
    return Object.fromEntries(Object.entries(weights).map(([name, values]) => [name, new Float64Array((values as Float64Array).length)])) as unknown as Weights;
  }

  /** Learns from one piece of the text and gives its summed loss before the update. */
  learn(inputs: readonly number[], targets: readonly number[], learningRate: number): number {
    const [H, V] = [this.#hidden, this.#tokens];
    const { input, recurrent, output, hiddenBias, outputBias } = this.#weights;
    const states = [this.#state];
    const shares: Float64Array[] = [];
    let loss = 0;
    inputs.forEach((token, t) => {
      const before = states[t]!;
      const h = Float64Array.from({ length: H }, (_, j) => Math.tanh(before.reduce((sum, value, i) => sum + value * recurrent[i * H + j]!, input[token * H + j]! + hiddenBias[j]!)));
      const y = Float64Array.from({ length: V }, (_, k) => h.reduce((sum, value, j) => sum + value * output[j * V + k]!, outputBias[k]!));
      const total = y.reduce((sum, value) => sum + Math.exp(value), 0);
      shares.push(y.map((value) => Math.exp(value) / total));
      loss -= Math.log(shares[t]![targets[t]!]!);
      states.push(h);
    });
    const gradients = PlainNetwork.#zerosLike(this.#weights);
    let later = new Float64Array(H);
    for (let t = inputs.length - 1; t >= 0; t--) {
      const [h, before] = [states[t + 1]!, states[t]!];
      const dy = shares[t]!.map((share, k) => share - (k === targets[t] ? 1 : 0));
      const raw = later.map((value, j) => (1 - h[j]! * h[j]!) * dy.reduce((sum, change, k) => sum + change * output[j * V + k]!, value));
      for (let j = 0; j < H; j++) {
        for (let k = 0; k < V; k++) gradients.output[j * V + k]! += h[j]! * dy[k]!;
        for (let i = 0; i < H; i++) gradients.recurrent[i * H + j]! += before[i]! * raw[j]!;
        gradients.input[inputs[t]! * H + j]! += raw[j]!;
        gradients.hiddenBias[j]! += raw[j]!;
      }
      dy.forEach((change, k) => { gradients.outputBias[k]! += change; });
      later = Float64Array.from({ length: H }, (_, i) => raw.reduce((sum, value, j) => sum + value * recurrent[i * H + j]!, 0));
    }
    for (const name of Object.keys(gradients) as (keyof Weights)[]) {
      gradients[name].forEach((gradient, i) => {
        const clipped = Math.max(-5, Math.min(5, gradient));
        this.#memory[name][i]! += clipped * clipped;
        this.#weights[name][i]! -= learningRate * clipped / Math.sqrt(this.#memory[name][i]! + 1e-8);
      });
    }
    this.#state = states.at(-1)!;
    return loss;
  }
}

/** Adagrad as min-char-rnn has it: ε below the root. */
function adagradBelowRoot(learningRate: number): Optimizer {
  return {
    ...adagrad({ learningRate }),
    update: ({ parameter, gradient, slots, learningRate: rate }) => {
      const squares = add(slots['square']!, square(gradient));
      return { parameter: subtract(parameter, multiply(rate, divide(gradient, sqrt(add(squares, 1e-8))))), slots: { square: squares } };
    },
  };
}

describe('character models', () => {
  it('[105] min-char-rnn: the same losses, update by update, as the loop written out, from the same weights', async () => {
    const text = 'the quick brown fox jumps over the lazy dog, and the dog sleeps on. '.repeat(3);
    const vocabulary = characters(text);
    const [hidden, steps, rate] = [12, 25, 0.1];
    const small = { kind: 'normal', options: { deviation: 0.01 } };
    const model = sequential([oneHot(), rnn({ units: hidden, initializer: { input: small, recurrent: small } }), dense({ units: vocabulary.size, initializer: { weight: small } })], { input: vocabulary, seed: 7, runtime: referenceRuntime });
    const copy = (name: string): Float64Array => Float64Array.from(model.parameter(name).view);
    const plain = new PlainNetwork({
      input: copy('rnn/weight_ih_l0'), recurrent: copy('rnn/weight_hh_l0'), output: copy('dense/weight'), hiddenBias: copy('rnn/bias_ih_l0'), outputBias: copy('dense/bias'),
    }, hidden, vocabulary.size);
    const trainer = new Trainer(model, { loss: crossEntropy(), reduction: 'sum', optimizer: adagradBelowRoot(rate), clip: { value: 5 }, carryState: true });
    const tokens = [...vocabulary.encode(text)];
    const losses: number[] = [];
    for (let from = 0; from + steps < tokens.length; from += steps) {
      const [input, target] = [tokens.slice(from, from + steps), tokens.slice(from + 1, from + steps + 1)];
      const expected = plain.learn(input, target, rate);
      const { loss } = await trainer.step({ input: [input], target: [target] });
      assert.ok(Math.abs(loss - expected) <= 1e-10 * expected, `update ${losses.length + 1}: ${loss} is not ${expected}`);
      losses.push(loss);
    }
    assert.ok(losses.length === 8 && losses.at(-1)! < losses[0]!);
    assert.ok(Math.abs(losses[0]! / steps - Math.log(vocabulary.size)) < 0.01, 'begins by knowing nothing');
  });

  it('[107] Shakespeare: after a short training fewer bits per character than counting trigrams gives [slow]', async function () {
    this.timeout(180_000);
    const folder = path.join(data, 'tinyshakespeare');
    if (!existsSync(path.join(folder, 'input.txt'))) {
      console.log(`      skipped: no ${folder}`);
      this.skip();
    }
    const text = readFileSync(path.join(folder, 'input.txt'), 'utf8');
    const baselines = JSON.parse(readFileSync(path.join(data, 'trivial_baselines.json'), 'utf8')) as Record<string, Record<string, number>>;
    const trigram = baselines['tinyshakespeare (last 10% as val) nats/char']!['3-gram']!;
    const vocabulary = characters(text);
    const tokens = vocabulary.encode(text);
    const end = Math.floor(0.9 * tokens.length);
    const model = sequential([embedding({ size: 24 }), lstm({ units: 80 }), dense({ units: vocabulary.size })], { input: vocabulary, seed: 1 });
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.01 }), clip: { globalNorm: 5 } });
    await trainer.fit(textStream(tokens.subarray(0, 900_000), { batch: 50, steps: 50 }), { epochs: 1 });
    const { loss } = await trainer.evaluate(textStream(tokens.subarray(end), { batch: 50, steps: 50 }));
    assert.ok(loss < trigram, `${bitsPerToken(loss).toFixed(3)} bits per character; trigrams ${bitsPerToken(trigram).toFixed(3)}`);
  });
});
