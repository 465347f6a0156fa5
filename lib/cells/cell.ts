import { requireBoolean, requireInteger, requireNumber, wrongType } from '../checks.ts';
import { BpttError, checkOptions, describe, nearest } from '../errors.ts';
import type { Value } from '../graph/index.ts';
import type { Initializer, ParameterGroup } from '../layers/layer.ts';

/** A number that a cell declares as an option, with the range that it may have. */
export interface CellNumberOption {
  readonly default: number;
  /** Default: no bounds. */
  readonly least?: number | undefined;
  readonly most?: number | undefined;
  /** Whether it counts something. Default false. */
  readonly whole?: boolean | undefined;
}

/**
 * An option that a cell declares, by its default: a list of words (the first is the default), a number (any finite one, or one of a range) or a boolean.
 */
export type CellOption = readonly [string, ...string[]] | number | boolean | CellNumberOption;
export type CellOptions = Readonly<Record<string, CellOption>>;

/** What the equations see of the declared options: one word of each list, a number, a boolean. */
export type CellOptionValues<Options extends CellOptions> = {
  readonly [Name in keyof Options]: Options[Name] extends readonly (infer Word)[] ? Word : Options[Name] extends number | CellNumberOption ? number : boolean;
};

/** What a size may be computed from. */
export interface CellSizes<Options extends CellOptions = CellOptions> {
  readonly units: number;
  /** Features of the input. */
  readonly input: number;
  readonly options: CellOptionValues<Options>;
}

/** A size in a cell's own terms: its units, the features of its input, a fixed number, or one that follows from these and the options. */
export type CellSize<Options extends CellOptions = CellOptions> = 'units' | 'input' | number | { of(sizes: CellSizes<Options>): number }['of'];

/** Settings of a weight that a cell names itself. */
export interface CellParameterOptions {
  /** Which regularisers reach it; default "recurrent" for matrices, "bias" for vectors. */
  readonly group?: ParameterGroup | undefined;
  /** What it begins with; a number is that of every element. Default: the layer's recurrent initializer for matrices, zeros for vectors. */
  readonly initializer?: Initializer | number | undefined;
  /** Whether a matrix [in, out] lies on disk as [out, in], as those of `affine` do. Default false. */
  readonly transposed?: boolean | undefined;
}

/** Makes a gate of its operands, as `CellTools` says. */
export type Affine = (gate: string, ...operands: readonly Value[]) => Value;

/** Which product it is that goes into a gate. */
export interface GateProduct {
  readonly gate: string;
  readonly weight: 'input' | 'recurrent';
}

/** What a cell's equations are written with: everything of one time step, for all N rows at once. */
export interface CellTools<Options extends CellOptions = CellOptions> {
  /** This step's input, [N, C]. */
  readonly x: Value;
  /**
   * One gate before its activation, [N, units]: the sum of the operands' products with this gate's weights, and its bias. The operand `x` meets the
   * input weight of the gate; any other (a state, or something made of states, all of one size in a cell) its recurrent weight. A gate may be asked for in
   * several calls, one with x and one without: then the recurrent part has a bias of its own. Gates stand in the weights in order of first use.
   * @throws ERR_BPTT_SHAPE for an operand that is no [N, features] or of another size than before; ERR_BPTT_GRAPH for two recurrent operands in one call.
   */
  readonly affine: Affine;
  /** An `affine` that gives every product [N, units] to `transform`, which may normalise or scale it, before products and bias are added up. */
  readonly affineThrough: (transform: (product: Value, place: GateProduct) => Value) => Affine;
  /** Marks what a step would add to the cell, [N, units], after its activation: the dropout called "candidate" acts there. Itself otherwise. */
  readonly candidate: (value: Value) => Value;
  /** A weight beside those of `affine`, such as a peephole: the same one whenever it is asked for under this name. */
  readonly parameter: (name: string, shape: readonly CellSize<Options>[], options?: CellParameterOptions) => Value;
  readonly units: number;
  /** Whether the layer has biases: vectors that a cell adds as biases of its own belong to it only then. */
  readonly biased: boolean;
  readonly options: CellOptionValues<Options>;
}

/** One step's results: what the cell shows and every state as it goes on. */
export type CellStep<State extends string = string> = {
  readonly output: Value;
  /** The gates after their activations, by name, [N, features] each: for those who look inside; the recurrence itself needs none of them. */
  readonly gates?: Readonly<Record<string, Value>> | undefined;
} & (string extends State ? object : { readonly [Name in State]: Value });

export interface CellDeclaration<State extends string, Options extends CellOptions> {
  /** The states that a step hands to the next one, with their sizes. */
  readonly state: Readonly<Record<State, CellSize<Options>>>;
  /** Options of the cell's own; every layer made of it accepts them beside the common ones. */
  readonly options?: Options;
  /** Where a gate's bias begins, for gates that do not begin at the bias initializer. */
  readonly gateBias?: (options: CellOptionValues<Options>) => Readonly<Record<string, number>>;
}

/** A recurrence, written as its equations. Frozen; made by `cell`. */
export interface Cell<State extends string = string, Options extends CellOptions = CellOptions> {
  readonly name: string;
  readonly state: Readonly<Record<State, CellSize>>;
  readonly options: Options;
  gateBias(options: CellOptionValues<Options>): Readonly<Record<string, number>>;
  equations(tools: CellTools<Options> & { readonly [Name in State]: Value }): CellStep<State>;
}

const cells = new Map<string, Cell>();
const identifier = /^[A-Za-z][A-Za-z0-9]*$/;
const reservedStates = ['x', 'affine', 'affineThrough', 'candidate', 'parameter', 'units', 'biased', 'options', 'output', 'gates', 'step', 'recurrentMask'];

function checkDeclaration(name: string, declaration: CellDeclaration<string, CellOptions>): void {
  if (typeof name !== 'string' || !identifier.test(name)) {
    throw new BpttError('ERR_BPTT_OPTION', `cell: expected a name of letters and digits that begins with a letter, received ${describe(name)}`,
      { expected: 'identifier', received: name });
  }
  if (cells.has(name)) {
    throw new BpttError('ERR_BPTT_OPTION', `cell "${name}": a cell of this name is already defined and models are saved by it; choose another name`, { received: name });
  }
  checkOptions(`cell "${name}"`, declaration, ['state', 'options', 'gateBias']);
  const states = Object.entries(declaration.state ?? {});
  if (states.length === 0) throw new BpttError('ERR_BPTT_OPTION', `cell "${name}": expected at least one state, such as state: { h: 'units' }`, { received: declaration.state });
  for (const [state, size] of states) {
    const sized = size === 'units' || size === 'input' || typeof size === 'function' || (Number.isSafeInteger(size) && Number(size) >= 1);
    if (!identifier.test(state) || reservedStates.includes(state) || !sized) {
      throw new BpttError('ERR_BPTT_OPTION', `cell "${name}": expected states called by letters and digits (not ${reservedStates.join(', ')}) of size 'units', 'input', a whole number or a function,`
        + ` received ${state}: ${describe(size)}`, { received: { [state]: size } });
    }
  }
}

/** @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for what no layer could read an option by, such as a default outside of its own range. */
function checkDeclaredOption(owner: string, name: string, declared: CellOption): void {
  const place = `options.${name}`;
  if (isWords(declared)) {
    if (declared.length > 0 && declared.every((word) => typeof word === 'string') && new Set(declared).size === declared.length) return;
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected ${place} to be a list of different words, the default first, received ${describe(declared)}`, { expected: 'words', received: declared });
  }
  if (typeof declared === 'boolean') return;
  if (typeof declared !== 'object' || declared === null) {
    requireNumber(owner, place, declared, -Number.MAX_VALUE, Number.MAX_VALUE);
    return;
  }
  checkOptions(`${owner}: ${place}`, declared, ['default', 'least', 'most', 'whole']);
  const { least = -Number.MAX_VALUE, most = Number.MAX_VALUE, whole = false } = declared;
  requireBoolean(owner, `${place}.whole`, whole);
  requireNumber(owner, `${place}.most`, most, -Number.MAX_VALUE, Number.MAX_VALUE);
  requireNumber(owner, `${place}.least`, least, -Number.MAX_VALUE, most);
  requireNumber(owner, `${place}.default`, declared.default, least, most);
  resolveOption(owner, `${place}.default`, declared, declared.default);
}

function checkOptionsAndBias(name: string, { options = {}, gateBias }: CellDeclaration<string, CellOptions>): void {
  const owner = `cell "${name}"`;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw wrongType(owner, 'options', "an object of declared options, such as { activation: ['tanh', 'relu'] }", options);
  for (const [option, declared] of Object.entries(options)) checkDeclaredOption(owner, option, declared);
  if (gateBias !== undefined && typeof gateBias !== 'function') throw wrongType(owner, 'gateBias', 'a function of the options that gives numbers by gate', gateBias);
}

/** What a declared `gateBias` gives. @throws ERR_BPTT_TYPE or ERR_BPTT_RANGE unless that is finite numbers by gate. */
function checkedGateBias(name: string, given: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  if (typeof given !== 'object' || given === null) throw wrongType(`cell "${name}"`, 'what gateBias gives', 'numbers by gate, such as { f: 1 }', given);
  for (const [gate, bias] of Object.entries(given)) requireNumber(`cell "${name}"`, `gateBias of ${gate}`, bias, -Number.MAX_VALUE, Number.MAX_VALUE);
  return given;
}

/**
 * Defines a recurrence by the equations of one step; a layer is made of it by `recurrent(cell, options)`. The time loop, its gradient and the fusion of
 * the gates into the matrix products are derived from the equations: a cell of one's own takes the same path as `lstm`.
 *
 * ```ts
 * const minimalGated = cell('minimalGated', { state: { h: 'units' } }, ({ x, h, affine }) => {
 *   const f = sigmoid(affine('f', x, h));
 *   const n = tanh(affine('n', x, multiply(f, h)));
 *   const next = add(multiply(subtract(1, f), h), multiply(f, n));
 *   return { output: next, h: next, gates: { f, n } };
 * });
 * ```
 *
 * The name goes into saved models: loading one needs the module that defines the cell to have been imported.
 * @throws ERR_BPTT_OPTION for a name that is taken or no identifier, and for states that are no sizes; ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for options, a gateBias
 * or equations that are none.
 */
export function cell<const State extends string, const Options extends CellOptions = Readonly<Record<never, never>>>(
  name: string,
  declaration: CellDeclaration<State, Options>,
  equations: (tools: CellTools<Options> & { readonly [Name in State]: Value }) => CellStep<State>,
): Cell<State, Options> {
  checkDeclaration(name, declaration as CellDeclaration<string, CellOptions>);
  checkOptionsAndBias(name, declaration as unknown as CellDeclaration<string, CellOptions>);
  if (typeof equations !== 'function') {
    throw new BpttError('ERR_BPTT_TYPE', `cell "${name}": expected the equations as a function of ({ x, affine, … }), received ${describe(equations)}`, { received: equations });
  }
  const { gateBias } = declaration;
  const defined: Cell<State, Options> = Object.freeze({
    name,
    state: Object.freeze({ ...declaration.state }),
    options: Object.freeze({ ...declaration.options }) as Options,
    gateBias: (options: CellOptionValues<Options>) => (gateBias ? checkedGateBias(name, gateBias(options)) : {}),
    equations,
  });
  cells.set(name, defined);
  return defined;
}

/** The cell defined under a name, or undefined. */
export function findCell(name: string): Cell | undefined {
  return cells.get(name);
}

export function cellNames(): string[] {
  return [...cells.keys()];
}

const isWords = (declared: CellOption): declared is readonly [string, ...string[]] => Array.isArray(declared);

function defaultOf(declared: CellOption): string | number | boolean {
  if (isWords(declared)) return declared[0];
  return typeof declared === 'object' ? declared.default : declared;
}

function resolveOption(owner: string, name: string, declared: CellOption, given: unknown): unknown {
  if (given === undefined) return defaultOf(declared);
  if (isWords(declared)) {
    if (declared.includes(given as string)) return given;
    const hint = typeof given === 'string' ? nearest(given, declared) : undefined;
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected ${name} to be one of ${declared.map((word) => `"${word}"`).join(', ')}, received ${describe(given)}`
      + (hint ? `; did you mean "${hint}"?` : ''), { expected: declared, received: given });
  }
  if (typeof declared === 'object') {
    const { least = -Number.MAX_VALUE, most = Number.MAX_VALUE, whole = false } = declared;
    if (whole) return requireInteger(owner, name, given, Math.max(least, Number.MIN_SAFE_INTEGER), Math.min(most, Number.MAX_SAFE_INTEGER));
    return requireNumber(owner, name, given, least, most);
  }
  if (typeof given === typeof declared && (typeof given !== 'number' || Number.isFinite(given))) return given;
  throw new BpttError('ERR_BPTT_TYPE', `${owner}: expected ${name} to be ${typeof declared === 'number' ? 'a finite number' : 'true or false'}, received ${describe(given)}`,
    { expected: typeof declared, received: given });
}

/**
 * The values of a cell's own options: what was given, checked, and the defaults of the rest. Keys that the cell does not declare are left out.
 * @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE for a value that the declaration does not allow.
 */
export function resolveCellOptions(cell: Cell, given: Readonly<Record<string, unknown>>, owner: string = cell.name): CellOptionValues<CellOptions> {
  return Object.fromEntries(Object.entries(cell.options).map(([name, declared]) => [name, resolveOption(owner, name, declared, given[name])])) as
    CellOptionValues<CellOptions>;
}
