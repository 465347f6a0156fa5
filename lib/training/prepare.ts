import { wrongType } from '../checks.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { packAlong } from '../data/pack.ts';
import type { DataSpecification, Packed } from '../data/pack.ts';
import { isData } from '../data/tensor.ts';
import type { Batch } from '../data/batch.ts';
import type { Data } from '../data/tensor.ts';
import type { Loss } from '../losses/index.ts';
import { buildModel } from '../model/builder.ts';
import type { BuiltModel, Signature } from '../model/builder.ts';
import { byName, packInputs } from '../model/door.ts';
import type { DoorOptions } from '../model/door.ts';
import type { Model } from '../model/index.ts';
import type { RunArray } from '../runtime/runtime.ts';

/** A batch, checked and copied. */
export interface PreparedBatch {
  readonly signature: Signature;
  readonly rows: number;
  /** T of the input over time; 1 where there is none. */
  readonly steps: number;
  readonly inputs: Readonly<Record<string, Packed>>;
  /** By output. */
  readonly targets: Readonly<Record<string, Packed>>;
  /** By output; only those that were given. */
  readonly weights: Readonly<Record<string, Packed>>;
  /** What a program for all steps is fed of it: "input/<name>", "lengths/<name>", "target/<name>", "weights/<name>". */
  readonly feeds: Record<string, RunArray>;
  /** Rows that begin anew; null when the batch does not say. */
  readonly fresh: Uint8Array | null;
}

/** What is read along with the inputs for one output that has a loss; made once, since every batch needs it. */
interface TargetPort {
  readonly name: string;
  /** What the target and the weights are fed as. */
  readonly feeds: { readonly target: string; readonly weights: string };
  readonly loss: Loss;
  readonly target: DataSpecification;
  readonly weights: DataSpecification;
  readonly source: TimeSource;
}

const batchNames = ['input', 'target', 'lengths', 'weights', 'fresh'] as const;

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
  readonly #owner: string;
  readonly #door: DoorOptions;
  readonly #names: readonly string[];
  readonly #ports: readonly TargetPort[];
  /** Names of the first input, and of the first one over time. */
  readonly #first: string;
  readonly #timed: string | undefined;

  constructor(model: Model, owner: string, losses: Readonly<Record<string, Loss>>) {
    const sources = timeSources(model);
    this.#owner = owner;
    this.#door = { ...model.core.door, owner };
    this.#names = Object.keys(losses);
    this.#ports = Object.entries(losses).map(([name, loss]) => this.#makePort(model, name, loss, sources[name]!));
    this.#first = model.inputs[0]!.name;
    this.#timed = model.inputs.find(({ time }) => time)?.name;
  }

  #makePort(model: Model, name: string, loss: Loss, source: TimeSource): TargetPort {
    const { time, sizes } = model.outputs.find((output) => output.name === name)!;
    const { double } = model.core.door;
    const whole = loss.targetType === 'int32';
    const several = this.#names.length > 1;
    return {
      name, loss, source,
      feeds: { target: `target/${name}`, weights: `weights/${name}` },
      target: {
        owner: `${this.#owner}, target${several ? ` "${name}"` : ''}`, type: loss.targetType, time, double,
        sizes: whole ? sizes.slice(0, -1) : sizes,
        bound: whole ? sizes.at(-1) : undefined,
      },
      weights: { owner: `${this.#owner}, weights${several ? ` of "${name}"` : ''}`, type: 'float32', time, sizes: [], double },
    };
  }

  /**
   * Checks one batch and copies it.
   * @param round whether T of ragged data may be rounded up.
   * @throws ERR_BPTT_SHAPE, ERR_BPTT_TYPE, ERR_BPTT_DATA, ERR_BPTT_VOCABULARY, ERR_BPTT_OPTION.
   */
  read(batch: Batch, round: boolean): PreparedBatch {
    checkOptions(`${this.#owner}: batch`, batch, batchNames);
    const { signature, packed, feeds } = packInputs(this.#door, batch.input, batch.lengths, round);
    const { rows } = signature;
    const given = byName(this.#owner, 'target', batch.target, this.#names);
    const targets = Object.fromEntries(this.#ports.map((port) => {
      const target = readTarget(port, given[port.name]!, this.#along(port, packed));
      feeds[port.feeds.target] = target.data;
      return [port.name, target];
    }));
    const { weights: givenWeights } = batch;
    const weights = givenWeights === undefined ? {} : this.#readWeights(givenWeights, packed, feeds);
    const steps = this.#timed === undefined ? 1 : packed[this.#timed]!.steps;
    return { signature, rows, steps, inputs: packed, targets, weights, feeds, fresh: readFresh(this.#owner, batch.fresh, rows) };
  }

  /** How many steps of an output are valid, of all rows of a batch; the rows for an output without time. */
  validSteps({ rows, inputs }: PreparedBatch, output: string): number {
    const port = this.#ports.find(({ name }) => name === output)!;
    return port.source ? countSteps(this.#along(port, inputs)) : rows;
  }

  /** The packed input whose steps an output has, or one that stands for steps of the output's own. */
  #along({ source }: TargetPort, packed: Readonly<Record<string, Packed>>): Packed {
    if (source && 'input' in source) return packed[source.input]!;
    const first = packed[this.#first]!;
    return source ? { ...first, steps: source.steps, longest: source.steps, lengths: null } : first;
  }

  #readWeights(given: unknown, packed: Readonly<Record<string, Packed>>, feeds: Record<string, RunArray>): Record<string, Packed> {
    const byOutput = isData(given) ? Object.fromEntries(this.#names.map((name) => [name, given])) : given as Readonly<Record<string, unknown>>;
    checkOptions(`${this.#owner}: weights by output`, byOutput, this.#names);
    return Object.fromEntries(Object.entries(byOutput).map(([name, data]) => {
      const port = this.#ports.find((one) => one.name === name)!;
      if (!isData(data)) throw wrongType(port.weights.owner, 'the weights', port.source ? 'numbers, one for each step' : 'numbers, one for each row', data);
      const weights = packAlong(data, port.weights, this.#along(port, packed));
      const wrong = weights.data.find((weight) => weight < 0);
      if (wrong !== undefined) {
        throw new BpttError('ERR_BPTT_DATA', `${port.weights.owner}: expected numbers of 0 or more, for means divide by their sum, received ${wrong}`, { expected: '0 or more', received: wrong });
      }
      feeds[port.feeds.weights] = weights.data;
      return [name, weights];
    }));
  }
}

function readTarget({ loss: { kind, targetRange }, target: specification }: TargetPort, target: Data, along: Packed): Packed {
  const read = packAlong(target, specification, along);
  if (!targetRange) return read;
  const [least, most] = targetRange;
  const wrong = read.data.find((number) => number < least || number > most);
  if (wrong === undefined) return read;
  throw new BpttError('ERR_BPTT_DATA', `${specification.owner}: expected numbers from ${least} to ${most} for ${kind}, received ${wrong}; scale or relabel the target`,
    { expected: targetRange, received: wrong });
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
