import { wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { packAlong } from '../data/pack.ts';
import type { DataSpecification, Packed } from '../data/pack.ts';
import { isData } from '../data/tensor.ts';
import type { Batch } from '../data/batch.ts';
import type { Data } from '../data/tensor.ts';
import type { Loss } from '../losses/index.ts';
import { buildModel } from '../model/builder.ts';
import type { BuiltModel } from '../model/builder.ts';
import { byName, packInputs } from '../model/door.ts';
import type { Model } from '../model/index.ts';

/** A batch, checked and copied. */
export interface PreparedBatch {
  readonly rows: number;
  /** T of the input over time; 1 where there is none. */
  readonly steps: number;
  /** By output: how many steps of all rows are valid; the rows for an output without time. */
  readonly valid: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, Packed>>;
  /** By output. */
  readonly targets: Readonly<Record<string, Packed>>;
  /** By output; only those that were given. */
  readonly weights: Readonly<Record<string, Packed>>;
  /** Rows that begin anew; null when the batch does not say. */
  readonly fresh: Uint8Array | null;
}

/** Where the steps of an output come from: an input, whose lengths it has too, or the layers themselves, which give as many whatever the input; null without a time axis. */
export type TimeSource = { readonly input: string } | { readonly steps: number } | null;

function otherSteps(model: Model, output: string): BpttError {
  return new BpttError('ERR_BPTT_OPTION', `${model.core.door.owner}: the output "${output}" has other steps than its input, for a layer before it takes windows, and targets are given step by step; `
    + `end with globalMaxPooling(), lastStep() or output: 'last', or keep the steps by padding "same" or "causal" and stride 1`, { expected: 'as many steps as the input', received: output });
}

/** Where the steps of each output of a model come from. @throws ERR_BPTT_OPTION for an output whose steps are neither an input's nor always as many. */
export function timeSources(model: Model): Record<string, TimeSource> {
  const timed = model.inputs.filter(({ time }) => time).map(({ name }) => name);
  const build = (steps: number): BuiltModel['outputs'] => {
    const sizes = model.inputs.map(({ name, time }) => [name, { steps: time ? steps : 1, ragged: time }] as const);
    return buildModel(model.core.wiring, model.core.table, { rows: 1, inputs: Object.fromEntries(sizes) }, { training: false }).outputs;
  };
  const outputs = build(2);
  const longer = Object.values(outputs).some(({ time, lengths }) => time && !lengths) ? build(3) : outputs;
  return Object.fromEntries(Object.entries(outputs).map(([name, { time, lengths, value }]): [string, TimeSource] => {
    const fed = lengths?.node.attributes['name'];
    if (!time) return [name, null];
    if (!lengths && longer[name]!.value.shape[0] === value.shape[0]) return [name, { steps: value.shape[0]! }];
    if (typeof fed === 'string') return [name, { input: fed.slice('lengths/'.length) }];
    if (lengths || value.shape[0] !== 2) throw otherSteps(model, name);
    return [name, { input: timed[0]! }];
  }));
}

/** Reads batches of one model for given losses. */
export class BatchReader {
  readonly #model: Model;
  readonly #owner: string;
  readonly #losses: Readonly<Record<string, Loss>>;
  readonly #sources: Readonly<Record<string, TimeSource>>;

  constructor(model: Model, owner: string, losses: Readonly<Record<string, Loss>>) {
    this.#model = model;
    this.#owner = owner;
    this.#losses = losses;
    this.#sources = timeSources(model);
  }

  /**
   * Checks one batch and copies it.
   * @param round whether T of ragged data may be rounded up.
   * @throws ERR_BPTT_SHAPE, ERR_BPTT_TYPE, ERR_BPTT_DATA, ERR_BPTT_VOCABULARY, ERR_BPTT_OPTION.
   */
  read(batch: Batch, round: boolean): PreparedBatch {
    checkOptions(`${this.#owner}: batch`, batch, ['input', 'target', 'lengths', 'weights', 'fresh']);
    const { door } = this.#model.core;
    const { signature, packed } = packInputs({ ...door, owner: this.#owner }, batch.input, batch.lengths, round);
    const outputs = Object.keys(this.#losses);
    const targets = byName(this.#owner, 'target', batch.target, outputs);
    const timed = this.#model.inputs.find(({ time }) => time);
    return {
      rows: signature.rows,
      steps: timed ? signature.inputs[timed.name]!.steps : 1,
      inputs: packed,
      valid: Object.fromEntries(outputs.map((name) => [name, this.#sources[name] ? countSteps(this.#along(name, packed)) : signature.rows])),
      targets: Object.fromEntries(outputs.map((name) => [name, this.#readTarget(name, targets[name]!, packed)])),
      weights: this.#readWeights(batch.weights, outputs, packed),
      fresh: readFresh(this.#owner, batch.fresh, signature.rows),
    };
  }

  /** The packed input whose steps an output has, or one that stands for steps of the output's own. */
  #along(output: string, packed: Readonly<Record<string, Packed>>): Packed {
    const source = this.#sources[output];
    const first = packed[this.#model.inputs[0]!.name]!;
    if (!source) return first;
    if ('input' in source) return packed[source.input]!;
    return { ...first, steps: source.steps, longest: source.steps, lengths: null };
  }

  #readTarget(name: string, target: Data, packed: Readonly<Record<string, Packed>>): Packed {
    const specification = this.#targetSpecification(name);
    const read = packAlong(target, specification, this.#along(name, packed));
    const { kind, targetRange } = this.#losses[name]!;
    if (!targetRange) return read;
    const [least, most] = targetRange;
    const wrong = read.data.find((number) => number < least || number > most);
    if (wrong === undefined) return read;
    throw new BpttError('ERR_BPTT_DATA', `${specification.owner}: expected numbers from ${least} to ${most} for ${kind}, received ${wrong}; scale or relabel the target`,
      { expected: targetRange, received: wrong });
  }

  #targetSpecification(name: string): DataSpecification {
    const { time, sizes } = this.#model.outputs.find((output) => output.name === name)!;
    const { targetType } = this.#losses[name]!;
    const several = Object.keys(this.#losses).length > 1;
    return {
      owner: `${this.#owner}, target${several ? ` "${name}"` : ''}`, type: targetType, time, double: this.#model.core.door.double,
      sizes: targetType === 'int32' ? sizes.slice(0, -1) : sizes,
      bound: targetType === 'int32' ? sizes.at(-1) : undefined,
    };
  }

  #readWeights(given: unknown, outputs: readonly string[], packed: Readonly<Record<string, Packed>>): Record<string, Packed> {
    if (given === undefined) return {};
    const weights = isData(given) ? Object.fromEntries(outputs.map((name) => [name, given])) : given as Readonly<Record<string, unknown>>;
    checkOptions(`${this.#owner}: weights by output`, weights, outputs);
    return Object.fromEntries(Object.entries(weights).map(([name, data]) => {
      if (!isData(data)) throw wrongType(this.#owner, 'weights', 'numbers, one for each step', data);
      const { time } = this.#model.outputs.find((output) => output.name === name)!;
      const specification = { owner: `${this.#owner}, weights`, type: 'float32', time, sizes: [], double: this.#model.core.door.double } as const;
      const weights = packAlong(data, specification, this.#along(name, packed));
      const wrong = weights.data.find((weight) => weight < 0);
      if (wrong === undefined) return [name, weights];
      throw new BpttError('ERR_BPTT_DATA', `${this.#owner}, weights: expected numbers of 0 or more, for means divide by their sum, received ${wrong}`, { expected: '0 or more', received: wrong });
    }));
  }
}

function countSteps({ rows, steps, lengths }: Packed): number {
  return lengths?.reduce((sum, length) => sum + length, 0) ?? rows * steps;
}

function readFresh(owner: string, fresh: Batch['fresh'], rows: number): Uint8Array | null {
  if (fresh === undefined) return null;
  if (typeof fresh !== 'object' || fresh === null || fresh.length !== rows) {
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected fresh to have ${rows} entries, one for each row, received ${(fresh as { length?: number } | null)?.length ?? 'none'}`,
      { expected: rows, received: fresh });
  }
  return Uint8Array.from(fresh as ArrayLike<number>, (entry) => (entry ? 1 : 0));
}
