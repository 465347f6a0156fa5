import { wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe } from '../errors.ts';
import type { Data, FloatArray, Nested } from '../data/tensor.ts';
import { isData, isTensor } from '../data/tensor.ts';
import { Trainer } from '../training/index.ts';

/** One sequence and what it should give. */
export interface TraceExample {
  /** [T, C], or [T] for tokens. */
  readonly input: Data;
  /** One per step, or one for the whole sequence: as in a batch of one row, without the row. */
  readonly target: Data | number;
}

export interface TraceOptions {
  /** Where the text goes; default standard output. */
  readonly write?: ((text: string) => void) | undefined;
}

/** What one time step did. */
export interface TracedStep {
  /** C numbers, or one token. */
  readonly input: readonly number[];
  /** Every state by path, before and after. */
  readonly before: Readonly<Record<string, readonly number[]>>;
  readonly after: Readonly<Record<string, readonly number[]>>;
}

/** One training step on one sequence, looked at as it goes. */
export interface Trace {
  readonly steps: readonly TracedStep[];
  /** The first output at the last step. */
  readonly output: readonly number[];
  readonly loss: number;
  readonly gradientNorm: number;
  /** How far each parameter was moved, as the length of its change. */
  readonly moved: Readonly<Record<string, number>>;
  /** The seven steps in words and numbers. */
  readonly text: string;
}

const shown = 6;

function format(numbers: readonly number[]): string {
  const some = numbers.slice(0, shown).map((number) => Number(number.toPrecision(4)).toString());
  return `[${some.join(', ')}${numbers.length > shown ? `, … ${numbers.length} numbers` : ''}]`;
}

function formatStates(states: Readonly<Record<string, readonly number[]>>): string {
  const entries = Object.entries(states).map(([path, numbers]) => `${path} = ${format(numbers)}`);
  return entries.length === 0 ? 'nothing: no layer has a state' : entries.join(', ');
}

/** All numbers of data, one after the other. */
function flatten(part: unknown): number[] {
  if (typeof part === 'number') return [part];
  return isTensor(part) ? Array.from(part.data) : Array.from(part as ArrayLike<unknown>, flatten).flat();
}

/** The steps of one sequence, each as numbers. */
function stepsOf(input: Data, features: number | readonly number[] | null): number[][] {
  const flat = flatten(input);
  const width = typeof features === 'number' ? features : (features ?? []).reduce((product, size) => product * size, 1);
  if (flat.length > 0 && flat.length % width === 0 && flat.every((number) => typeof number === 'number')) return Array.from({ length: flat.length / width }, (_, t) => flat.slice(t * width, (t + 1) * width));
  throw new BpttError('ERR_BPTT_SHAPE', `trace: expected one sequence ${features === null ? '[T] of tokens' : `[T, ${width}]`}, received ${describe(input)}`, { expected: ['T', width], received: input });
}

/** The length of the difference; numbers are too many to be arguments of Math.hypot. */
function distance(a: FloatArray, b: FloatArray): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i]! - b[i]!) ** 2;
  return Math.sqrt(sum);
}

/** Data with a batch axis of one row. */
function asRow(part: Data | number): Data {
  if (isTensor(part)) return { data: part.data, shape: [1, ...part.shape] };
  return [part] as Nested;
}

function checkExample(trainer: Trainer, example: TraceExample): void {
  if (!(trainer instanceof Trainer)) throw wrongType('trace', 'the first argument', 'a trainer', trainer);
  checkOptions('trace: example', example, ['input', 'target']);
  for (const name of ['input', 'target'] as const) {
    if (!isData(example[name]) && !(name === 'target' && typeof example[name] === 'number')) throw wrongType('trace', name, 'one sequence', example[name]);
  }
  const { inputs, outputs } = trainer.model;
  if (inputs.length !== 1 || outputs.length !== 1) {
    throw new BpttError('ERR_BPTT_OPTION', `trace: expected a model of one input and one output, received ${inputs.length} and ${outputs.length}`, { expected: 1, received: inputs.length });
  }
  if (trainer.settings.carryState === true) throw new BpttError('ERR_BPTT_OPTION', 'trace: a sequence begins with fresh states; expected a trainer without carryState: true', { received: true });
}

function numbersOf(states: Readonly<Record<string, { readonly data: ArrayLike<number> }>>): Record<string, number[]> {
  return Object.fromEntries(Object.entries(states).map(([path, { data }]) => [path, Array.from(data)]));
}

function textOf({ steps, output, loss, gradientNorm, moved }: Omit<Trace, 'text'>, target: Data | number): string {
  const each = steps.flatMap(({ input, before, after }, t) => [
    `  t = ${t + 1}`,
    `    1. The input of one time step: x = ${format(input)}.`,
    `    2. The state, of this input and the state before: ${formatStates(after)}, from ${formatStates(before)}.`,
    t + 1 < steps.length ? '    3. It becomes the state before the next step.' : '    3. It is the last one.',
  ]);
  return [
    'Forward through time', ...each,
    `4. ${steps.length} time steps are done; the state joins what all of them told.`,
    `5. The output, of the final state: ${format(output)}.`,
    `6. The error, compared with the target ${format(flatten(target))}: ${Number(loss.toPrecision(6))}.`,
    `7. The error goes back through the steps, a gradient of length ${Number(gradientNorm.toPrecision(4))}, and the weights are updated:`,
    ...Object.entries(moved).map(([name, length]) => `     ${name} by ${Number(length.toPrecision(4))}`),
  ].map((line) => `${line}\n`).join('');
}

/**
 * One training step on one sequence, told as the seven steps of training through a recurrent network: input, state, state before, all time steps, output, error, update.
 * The numbers are those of the step that it makes: the weights have learned from it afterwards. States are shown without dropout.
 * @throws (as a rejection) ERR_BPTT_TYPE for what is no trainer, sequence or function, ERR_BPTT_OPTION for a model of several inputs or outputs, one that reads backwards, or a trainer that carries states; what `step` of trainers
 * throws for data that does not fit.
 */
export async function trace(trainer: Trainer, example: TraceExample, options: TraceOptions = {}): Promise<Trace> {
  checkOptions('trace', options, ['write']);
  checkExample(trainer, example);
  const { write = (text: string) => { process.stdout.write(text); } } = options;
  if (typeof write !== 'function') throw wrongType('trace', 'write', 'a function that takes a text', write);
  const { model } = trainer;
  const stream = model.stream();
  let output: FloatArray | undefined;
  let before = numbersOf(stream.state);
  const steps = stepsOf(example.input, model.inputs[0]!.features).map((input): TracedStep => {
    output = stream.step(input.length === 1 ? input[0]! : input);
    const step = { input, before, after: numbersOf(stream.state) };
    before = step.after;
    return step;
  });
  const shownOutput = Array.from(output!);
  const weights = model.parameters.map(({ view }) => view.slice());
  const { loss, gradientNorm } = await trainer.step({ input: asRow(example.input), target: asRow(example.target) });
  const moved = Object.fromEntries(model.parameters.map(({ name, view }, i) => [name, distance(view, weights[i]!)]));
  const told = { steps, output: shownOutput, loss, gradientNorm, moved };
  const text = textOf(told, example.target);
  write(text);
  return Object.freeze({ ...told, text });
}
