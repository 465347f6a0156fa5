/** One LSTM as a model that answers: whole sequences and single steps. */
import { lstm, sequential, type Model, type Stream } from '../../lib/index.ts';
import { someFloats, type Bundle } from './bundle.ts';
import type { LayerSize } from './layerWork.ts';
import { relativeDifference } from './statistics.ts';

/** [T, N, C] ↔ [N, T, C] */
function swapped(data: Float32Array, outer: number, inner: number): Float32Array {
  const width = data.length / outer / inner;
  const result = new Float32Array(data.length);
  for (let i = 0; i < outer; i++) for (let k = 0; k < inner; k++) result.set(data.subarray((i * inner + k) * width, (i * inner + k + 1) * width), (k * outer + i) * width);
  return result;
}

export class ServeWork {
  readonly size: LayerSize;
  readonly model: Model;
  /** What a peer begins with: x [T, N, I], w, u, b, and states of zeros. */
  readonly numbers: Bundle;
  readonly #batchFirst: { readonly data: Float32Array; readonly shape: readonly number[] };
  readonly #stream: Stream;
  readonly #rows: readonly Float32Array[];
  #time = 0;

  constructor(size: LayerSize) {
    const { steps, rows, features, units } = size;
    this.size = size;
    this.model = sequential([lstm({ name: 'lstm', units })], { input: { features }, seed: 1 });
    const x = someFloats(steps * rows * features, 5);
    const weight = (name: string): { shape: readonly number[]; data: Float32Array } => {
      const { shape, view } = this.model.parameter(`lstm/${name}_l0`);
      return { shape, data: Float32Array.from(view) };
    };
    const state = { shape: [rows, units], data: new Float32Array(rows * units) };
    this.numbers = { x: { shape: [steps, rows, features], data: x }, w: weight('weight_ih'), u: weight('weight_hh'), b: weight('bias_ih'), h0: state, c0: state };
    this.#batchFirst = { data: swapped(x, steps, rows), shape: [rows, steps, features] };
    this.#stream = this.model.stream({ rows });
    this.#rows = Array.from({ length: steps }, (_, t) => x.slice(t * rows * features, (t + 1) * rows * features));
  }

  async predict(): Promise<void> {
    await this.model.predict(this.#batchFirst);
  }

  /** The next step of the stream; after the last input comes the first again. */
  step(): void {
    this.#stream.step(this.#rows[this.#time]!);
    this.#time = (this.#time + 1) % this.#rows.length;
  }

  /** Every output of the sequence, [T, N, H], by `predict` and by steps, which must be the same bits. */
  async outputs(): Promise<Float32Array> {
    const { steps, rows, units } = this.size;
    const { output } = await this.model.predict(this.#batchFirst);
    const whole = swapped(Float32Array.from(output.data), rows, steps);
    this.#stream.reset();
    const stepped = new Float32Array(steps * rows * units);
    this.#rows.forEach((row, t) => stepped.set(this.#stream.step(row), t * rows * units));
    this.#time = 0;
    const difference = relativeDifference(stepped, whole);
    if (difference !== 0) throw new Error(`steps differ from the whole sequence by ${difference.toExponential(2)}`);
    return whole;
  }
}
