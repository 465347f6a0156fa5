import { requireChoice, requireInteger } from '../../checks.ts';
import { resolveCellOptions, type BiasMode, type Cell, type CellNumberOption, type CellOption, type CellOptions, type CellOptionValues } from '../../cells/index.ts';
import { BpttError, checkOptions, describe } from '../../errors.ts';
import type { LayerOptions } from '../define.ts';
import { asInitializer, glorotUniform, orthogonal, zeros, type InitializerLike } from '../initializers/index.ts';
import type { Initializer } from '../layer.ts';
import { mostLayers } from '../limits.ts';
import { mergeNames, type MergeName } from '../merging.ts';
import type { ContextUse } from './context.ts';
import { readGateInitializers, type GateInitializers, type GateInitializerSettings, type GatePart } from './gateInitializers.ts';
import { readDropout, type DropoutSettings, type RecurrentDropout } from './dropout.ts';

/** What every recurrent layer accepts, whatever its cell. */
export interface RecurrentOptions extends LayerOptions {
  /** Size of the state and of the output, in each direction; of a projected LSTM, of the cell. */
  readonly units: number;
  /** Recurrences on top of each other, up to 100. Default 1. */
  readonly layers?: number | undefined;
  /**
   * What goes past each stacked layer after the first: its input is added to its output ("residual"), or mixed with it by a learned gate ("highway"); see the layers of these
   * names. Default: nothing.
   */
  readonly skip?: 'residual' | 'highway' | undefined;
  /** Default "forward". A backward direction begins at each row's true end. */
  readonly direction?: 'forward' | 'backward' | 'bidirectional' | undefined;
  /** How the two directions become one; default "concat". Of a bidirectional layer only. */
  readonly merge?: MergeName | undefined;
  /** The output at every step [N, T, H] (default) or where each row ends [N, H]; a backward direction ends at the first step. */
  readonly output?: 'sequence' | 'last' | undefined;
  /**
   * A second input of the layer, one vector v [N, D] for each row, is added as W v in every gate that reads the input of the first stacked layer: at every step, or at
   * the first step of each row only (in each direction the one that it reads first). Default: there is no such input.
   */
  readonly context?: ContextUse | undefined;
  /** What fresh rows begin with: zeros (default) or a learned vector. */
  readonly initialState?: 'zero' | 'learned' | undefined;
  /** A number drops input, output and what passes between stacked layers alike. Default none. */
  readonly dropout?: number | RecurrentDropout | undefined;
  /** One bias per gate (default), two as in PyTorch ("double"), or none. */
  readonly bias?: BiasMode | undefined;
  /**
   * What weights begin with, each gate's block by itself. Defaults: input glorotUniform, recurrent orthogonal, bias zeros. `gates` says otherwise of single gates, by the names that the
   * cell's equations give them: { gates: { f: { recurrent: 'identity', bias: constantValue({ value: 2 }) } } }. A gate with two biases has its own start in the first of them, bias_ih. A gate that
   * the cell does not have is refused when the model is made, and so is one of the three for which it has no weights.
   */
  readonly initializer?: {
    readonly input?: InitializerLike | undefined; readonly recurrent?: InitializerLike | undefined; readonly bias?: InitializerLike | undefined;
    readonly gates?: Readonly<Record<string, GateInitializers>> | undefined;
  } | undefined;
}

/** Options checked and complete. */
export interface RecurrentSettings {
  readonly cell: Cell;
  readonly units: number;
  readonly layers: number;
  readonly direction: 'forward' | 'backward' | 'bidirectional';
  readonly merge: MergeName;
  readonly skip: 'residual' | 'highway' | undefined;
  readonly output: 'sequence' | 'last';
  readonly initialState: 'zero' | 'learned';
  readonly context: ContextUse | undefined;
  readonly dropout: DropoutSettings;
  readonly bias: BiasMode;
  readonly initializer: {
    readonly input: Initializer; readonly recurrent: Initializer; readonly bias: Initializer; readonly gates: GateInitializerSettings;
    /** Those of the three that the user chose. */
    readonly chosen: readonly GatePart[];
  };
  readonly cellOptions: CellOptionValues<CellOptions>;
}

const commonOptions = ['name', 'units', 'layers', 'skip', 'direction', 'merge', 'output', 'context', 'initialState', 'dropout', 'bias', 'initializer'];

function readSkip(owner: string, skip: unknown, layers: number): RecurrentSettings['skip'] {
  if (skip === undefined) return undefined;
  if (layers > 1) return requireChoice(owner, 'skip', skip, ['residual', 'highway'] as const);
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: skip goes past stacked layers after the first; expected layers of at least 2, received 1; use residual({ layer }) or highway({ layer })`, { received: layers });
}

function readBias(owner: string, bias: unknown): BiasMode {
  if (bias === 'single' || bias === 'double' || bias === false) return bias;
  throw new BpttError('ERR_BPTT_OPTION', `${owner}: expected bias to be "single", "double" or false, received ${describe(bias)}`,
    { expected: ['single', 'double', false], received: bias });
}

function readInitializers(owner: string, given: NonNullable<RecurrentOptions['initializer']>): RecurrentSettings['initializer'] {
  checkOptions(`${owner}: initializer`, given, ['input', 'recurrent', 'bias', 'gates']);
  return {
    input: asInitializer(`${owner}: initializer.input`, given.input ?? glorotUniform()),
    recurrent: asInitializer(`${owner}: initializer.recurrent`, given.recurrent ?? orthogonal()),
    bias: asInitializer(`${owner}: initializer.bias`, given.bias ?? zeros()),
    gates: readGateInitializers(owner, given.gates),
    chosen: (['input', 'recurrent', 'bias'] as const).filter((part) => given[part] !== undefined),
  };
}

function readContext(owner: string, { context, bias }: RecurrentOptions): ContextUse | undefined {
  if (context === undefined) return undefined;
  if (bias === false) throw new BpttError('ERR_BPTT_OPTION', `${owner}: context is added where the bias is, and bias: false leaves none; leave one of them out`, { received: 'context' });
  return requireChoice(owner, 'context', context, ['every', 'first'] as const);
}

/** Other values of an option of the cell's own: with each of them something else may follow from it. */
function othersThan(declared: CellOption, value: unknown): unknown[] {
  if (Array.isArray(declared)) return (declared as readonly string[]).filter((word) => word !== value);
  if (typeof value !== 'number') return [!value];
  const { least = -Infinity, most = Infinity } = typeof declared === 'object' ? declared as CellNumberOption : {};
  return [value - 1, value + 1, least, most].filter((other) => other !== value && Number.isFinite(other) && other >= least && other <= most);
}

/** The options of the cell's own that are given, at their default too, and say where a gate's bias begins, with these gates. */
function saidBiases(cell: Cell, options: RecurrentOptions, cellOptions: RecurrentSettings['cellOptions']): { readonly option: string; readonly gates: readonly string[] }[] {
  const begins = cell.gateBias(cellOptions);
  const given = Object.entries(cell.options).filter(([option]) => (options as unknown as Readonly<Record<string, unknown>>)[option] !== undefined);
  return given.map(([option, declared]) => {
    const others = othersThan(declared, cellOptions[option]).map((other) => cell.gateBias({ ...cellOptions, [option]: other } as typeof cellOptions));
    return { option, gates: Object.keys(begins).filter((gate) => others.some((other) => other[gate] !== begins[gate])) };
  }).filter(({ gates }) => gates.length > 0);
}

/** Each bias begins at one place, and without biases nothing can say where. @throws ERR_BPTT_OPTION naming the option that would be ignored. */
function checkBiasUse(cell: Cell, options: RecurrentOptions, cellOptions: RecurrentSettings['cellOptions'], { gates }: RecurrentSettings['initializer']): void {
  const said = saidBiases(cell, options, cellOptions);
  const ofGates = [...gates].filter(([, { bias }]) => bias).map(([gate]) => gate);
  if (options.bias === false) {
    const ignored = [options.initializer?.bias && 'initializer.bias', ...ofGates.map((gate) => `initializer.gates.${gate}.bias`), said.map(({ option }) => option).join(', ')].find(Boolean);
    if (ignored) throw new BpttError('ERR_BPTT_OPTION', `${cell.name}: ${ignored} says where biases begin, and bias: false leaves none; leave one of them out`, { received: ignored });
  }
  for (const gate of ofGates) {
    const option = said.find((each) => each.gates.includes(gate))?.option;
    if (option !== undefined) throw new BpttError('ERR_BPTT_OPTION', `${cell.name}: ${option} and initializer.gates.${gate}.bias both say where the bias of ${gate} begins; leave one of them out`, { received: option });
  }
}

function checkCell(cell: Cell): void {
  const shadowed = Object.keys(cell.options).find((name) => commonOptions.includes(name));
  if (shadowed === undefined) return;
  throw new BpttError('ERR_BPTT_OPTION', `cell "${cell.name}": its option "${shadowed}" is one that every recurrent layer has; call it something else`, { received: shadowed });
}

/** @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE or ERR_BPTT_TYPE naming the layer and the option. */
export function readRecurrentOptions(cell: Cell, options: RecurrentOptions): RecurrentSettings {
  const owner = cell.name;
  checkCell(cell);
  checkOptions(owner, options, [...commonOptions, ...Object.keys(cell.options)]);
  const direction = requireChoice(owner, 'direction', options.direction ?? 'forward', ['forward', 'backward', 'bidirectional'] as const);
  if (options.merge !== undefined && direction !== 'bidirectional') {
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: merge joins the two directions of direction: 'bidirectional'; received direction "${direction}"; leave merge out`, { received: direction });
  }
  const layers = requireInteger(owner, 'layers', options.layers ?? 1, 1, mostLayers);
  const { dropout = 0 } = options;
  if (typeof dropout === 'object' && dropout?.between !== undefined && layers === 1) {
    throw new BpttError('ERR_BPTT_OPTION', `${owner}: dropout.between acts between stacked layers; expected layers of at least 2, received 1; use dropout.output`, { received: layers });
  }
  const cellOptions = resolveCellOptions(cell, options as unknown as Readonly<Record<string, unknown>>, owner);
  const initializer = readInitializers(owner, options.initializer ?? {});
  checkBiasUse(cell, options, cellOptions, initializer);
  return {
    cell, direction, layers, cellOptions, initializer,
    units: requireInteger(owner, 'units', options.units, 1),
    skip: readSkip(owner, options.skip, layers),
    merge: requireChoice(owner, 'merge', options.merge ?? 'concat', mergeNames),
    output: requireChoice(owner, 'output', options.output ?? 'sequence', ['sequence', 'last'] as const),
    context: readContext(owner, options),
    initialState: requireChoice(owner, 'initialState', options.initialState ?? 'zero', ['zero', 'learned'] as const),
    dropout: readDropout(owner, cell, dropout),
    bias: readBias(owner, options.bias ?? 'single'),
  };
}
