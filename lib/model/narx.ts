import { requireInteger } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import type { SequenceExample } from '../data/batch.ts';
import { Output } from '../data/tensor.ts';
import type { Tensor } from '../data/tensor.ts';
import { readSeries } from '../data/windows.ts';
import type { Series } from '../data/windows.ts';
import { nonlinearAutoregression } from '../layers/index.ts';
import type { NonlinearAutoregressionOptions } from '../layers/index.ts';
import { wire } from './definition.ts';
import { Model, model } from './model.ts';
import type { ModelSettings } from './model.ts';
import { connect, input } from './symbolic.ts';

export interface NarxOptions extends ModelSettings, Omit<NonlinearAutoregressionOptions, 'units' | 'name'> {
  /** Features of the exogenous input x. */
  readonly inputs: number;
  /** Features of the output y. */
  readonly outputs: number;
}

/** A measured system: input and output at the same times, flat (one feature) or [L, C]. */
export interface NarxSeries {
  readonly input: Series;
  readonly output: Series;
}

export interface NarxExampleOptions {
  /** Steps that count in each example. Default: all in one. */
  readonly length?: number | undefined;
  /** Steps from one example to the next. Default as `length`: every step counts once. */
  readonly stride?: number | undefined;
}

export interface NarxForecast {
  /** What the system is going to be given, one step for each of the forecast. */
  readonly input: Series;
  /** What was measured before, `reach` steps or more: only the last ones, back to the longest delay, are read. Default: rest, all zeros. */
  readonly past?: NarxSeries | undefined;
}

const kind = 'nonlinearAutoregression';

/** A series as [1, L, C] with L of its own. */
function readTable(owner: string, name: string, series: Series, features: number): Tensor {
  const table = readSeries(`${owner}, ${name}`, series);
  if (table.shape[1] === features) return table;
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected ${name} of shape [L, ${features}], received [${table.shape.join(', ')}]`, { expected: ['L', features], received: table.shape });
}

function asRow({ data, shape }: Tensor): Tensor {
  return { data, shape: [1, ...shape] };
}

function cut({ data, shape }: Tensor, from: number, to: number): Tensor {
  const [, features] = shape as [number, number];
  return { data: data.slice(from * features, to * features), shape: [to - from, features] };
}

/** A NARX model in both its forms. Made by `narx`, or by `narxFrom` of a model that was loaded. */
export class Narx {
  /**
   * The open loop, which is what is trained and saved: { input: [N, T, C], output: [N, T, D] } → [N, T, D], the forecast of every step from what was measured
   * before it.
   */
  readonly model: Model;
  /** How many steps of the past the longest delay needs. */
  readonly reach: number;
  readonly #inputs: number;
  readonly #outputs: number;
  #closed: Model | null = null;

  /** @throws ERR_BPTT_OPTION for a model of another make. */
  constructor(open: Model) {
    const layer = open instanceof Model && open.definition.layers.length === 1 ? open.definition.layers[0] : undefined;
    if (layer?.kind !== kind || layer.inputs.join() !== 'input,output') {
      throw new BpttError('ERR_BPTT_OPTION', `narxFrom: expected the model of a Narx, one ${kind} of the inputs "input" and "output", received ${describe(open)}`, { received: open });
    }
    this.model = open;
    this.reach = Math.max(...open.states.map(({ sizes }) => sizes[0]!));
    [this.#inputs, this.#outputs] = open.inputs.map(({ features }) => features!) as [number, number];
  }

  /**
   * A measured series as examples for `sequences(…)`: the target is the output itself. Each example begins with the `reach` steps before those that count; these
   * weigh 0 in the loss.
   * @throws ERR_BPTT_SHAPE for other features, or input and output of different lengths; ERR_BPTT_DATA for a series of no more than `reach` steps.
   */
  examples(series: NarxSeries, options: NarxExampleOptions = {}): SequenceExample[] {
    const owner = 'Narx.examples';
    checkOptions(owner, options, ['length', 'stride']);
    const tables = this.#readSeries(owner, series);
    const steps = tables.input.shape[0]!;
    if (steps <= this.reach) {
      throw new BpttError('ERR_BPTT_DATA', `${owner}: expected a series of more than ${this.reach} steps, which its delays reach back, received ${steps}`, { expected: this.reach + 1, received: steps });
    }
    const length = requireInteger(owner, 'length', options.length ?? steps - this.reach, 1);
    const stride = requireInteger(owner, 'stride', options.stride ?? length, 1);
    return Array.from({ length: Math.ceil((steps - this.reach) / stride) }, (_, i) => {
      const [from, to] = [i * stride, Math.min(steps, i * stride + this.reach + length)];
      const output = cut(tables.output, from, to);
      return {
        input: { input: cut(tables.input, from, to), output }, target: output,
        weights: Float32Array.from({ length: to - from }, (_step, step) => (step < this.reach ? 0 : 1)),
      };
    });
  }

  /**
   * The forecast of every step of a measured series from what was measured before it, [L, D]. The first `reach` steps see zeros where the series had not begun.
   * @throws (as a rejection) ERR_BPTT_SHAPE, ERR_BPTT_DATA for series that do not fit.
   */
  async predict(series: NarxSeries): Promise<Output> {
    const { input: given, output: measured } = this.#readSeries('Narx.predict', series);
    const { output } = await this.model.predict({ input: asRow(given), output: asRow(measured) });
    return new Output(output.data, output.shape.slice(1), null);
  }

  /**
   * Runs on by itself, with the loop closed: as many steps as `input` has, [L, D], begun where the measured past ends.
   * @throws (as a rejection) ERR_BPTT_SHAPE, ERR_BPTT_DATA for series that do not fit; ERR_BPTT_DATA for a past of fewer than `reach` steps, in whose place zeros
   * would be read, which no example counts in training.
   */
  async forecast(options: NarxForecast): Promise<Output> {
    checkOptions('Narx.forecast', options, ['input', 'past']);
    const given = readTable('Narx.forecast', 'input', options.input, this.#inputs);
    const { output } = await this.closedLoop().predict(asRow(given), { state: options.past ? await this.#stateAfter(options.past) : {} });
    return new Output(output.data, output.shape.slice(1), null);
  }

  /**
   * The closed loop, { input: [N, T, C] } → [N, T, D]: to stream, or to train on its own outputs. It has the weights of `model` in the same memory: what one learns the
   * other has learned, and runs of either wait for those of the other. The same model at every call.
   */
  closedLoop(): Model {
    if (this.#closed) return this.#closed;
    const { definition, core } = this.model;
    const given = input({ name: 'input', features: this.#inputs });
    this.#closed = new Model(wire({ inputs: given, outputs: connect(core.wiring.layers[0]!, given), seed: definition.seed }), { weightsOf: this.model });
    return this.#closed;
  }

  async #stateAfter(past: NarxSeries): Promise<Readonly<Record<string, Output>>> {
    const { input: given, output: measured } = this.#readSeries('Narx.forecast, past', past);
    const steps = given.shape[0]!;
    if (steps < this.reach) {
      throw new BpttError('ERR_BPTT_DATA', `Narx.forecast: expected a past of at least ${this.reach} steps, which the delays reach back, received ${steps}; `
        + 'give more of what was measured, put zeros before it if the system was at rest till then, or leave the past out to begin at rest', { expected: this.reach, received: steps });
    }
    return (await this.model.predict({ input: asRow(given), output: asRow(measured) })).state;
  }

  #readSeries(owner: string, series: NarxSeries): { input: Tensor; output: Tensor } {
    checkOptions(`${owner}: series`, series, ['input', 'output']);
    const [given, measured] = [readTable(owner, 'input', series.input, this.#inputs), readTable(owner, 'output', series.output, this.#outputs)];
    if (given.shape[0] === measured.shape[0]) return { input: given, output: measured };
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected as many steps of output as of input, received ${measured.shape[0]!} and ${given.shape[0]!}`,
      { expected: given.shape[0], received: measured.shape[0] });
  }
}

/**
 * A NARX model (see `nonlinearAutoregression`): trained in open loop on measured series, then run on in closed loop.
 *
 * ```ts
 * const plant = narx({ inputs: 1, outputs: 1, inputDelays: [1], outputDelays: [1, 2] });
 * const trainer = new Trainer(plant.model, { loss: squaredError(), optimizer: adam() });
 * await trainer.fit(sequences(plant.examples({ input: voltage, output: speed }, { length: 100 }), { batch: 8 }), { epochs: 200 });
 * const ahead = await plant.forecast({ past: { input: voltage, output: speed }, input: planned });
 * ```
 *
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for options that do not fit.
 */
export function narx(options: NarxOptions): Narx {
  checkOptions('narx', options, ['inputs', 'outputs', 'inputDelays', 'outputDelays', 'transition', 'seed', 'name', 'runtime']);
  const { inputs, outputs, inputDelays, outputDelays, transition, ...settings } = options;
  const [given, measured] = [input({ name: 'input', features: requireInteger('narx', 'inputs', inputs, 1) }), input({ name: 'output', features: requireInteger('narx', 'outputs', outputs, 1) })];
  const layer = nonlinearAutoregression({ units: outputs, inputDelays, outputDelays, transition });
  return new Narx(model({ inputs: [given, measured], outputs: connect(layer, given, measured), ...settings }));
}

/** A NARX model around its open loop, such as `loadModel` gave. @throws ERR_BPTT_OPTION for a model that was not made by `narx`. */
export function narxFrom(open: Model): Narx {
  return new Narx(open);
}
