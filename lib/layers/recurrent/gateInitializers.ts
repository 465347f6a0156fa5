import type { CellParameter, CellSpecification } from '../../cells/index.ts';
import { BpttError, checkOptions, describe, nearest } from '../../errors.ts';
import { asInitializer, type InitializerLike } from '../initializers/index.ts';
import type { Initializer } from '../layer.ts';

/** What a gate's input weights, recurrent weights and bias begin with; what is left out begins as that of the other gates. */
export interface GateInitializers {
  readonly input?: InitializerLike | undefined;
  readonly recurrent?: InitializerLike | undefined;
  readonly bias?: InitializerLike | undefined;
}

/** The kinds of weights that have a block for each gate. */
export type GatePart = keyof GateInitializers;

export type GateInitializerSettings = ReadonlyMap<string, { readonly [Part in GatePart]?: Initializer }>;

const parts = ['input', 'recurrent', 'bias'] as const;

/** The weights of each part; a gate has a block in one of them, or in several. */
const weightsOf: Readonly<Record<GatePart, readonly string[]>> = { input: ['weight_ih'], recurrent: ['weight_hh'], bias: ['bias_ih', 'bias_hh'] };

/** @throws ERR_BPTT_TYPE or ERR_BPTT_OPTION for what are no initializers by gate and part. */
export function readGateInitializers(owner: string, given: Readonly<Record<string, GateInitializers>> = {}): GateInitializerSettings {
  const where = `${owner}: initializer.gates`;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new BpttError('ERR_BPTT_TYPE', `${where}: expected initializers by gate, such as { f: { bias: 'ones' } }, received ${describe(given)}`, { expected: 'object', received: given });
  }
  return new Map(Object.entries(given).filter(([, of]) => of !== undefined).map(([gate, of]) => {
    checkOptions(`${where}.${gate}`, of, parts);
    const chosen = parts.filter((part) => of[part] !== undefined);
    return [gate, Object.fromEntries(chosen.map((part) => [part, asInitializer(`${where}.${gate}.${part}`, of[part]!)]))];
  }));
}

function hasBlock({ parameters }: CellSpecification, gate: string, part: GatePart): boolean {
  return parameters.some(({ name, gates }) => weightsOf[part].includes(name) && gates!.some((block) => block.name === gate));
}

/** @throws ERR_BPTT_OPTION for a gate that the cell does not have, and for a weight that its gate does not have. */
export function requireGates(label: string, specification: CellSpecification, settings: GateInitializerSettings): void {
  const where = `${label}: initializer.gates`;
  const { gates } = specification;
  for (const [gate, chosen] of settings) {
    if (!gates.includes(gate)) {
      const hint = nearest(gate, gates);
      throw new BpttError('ERR_BPTT_OPTION', `${where}: the cell has no gate "${gate}"${hint === undefined ? '' : `; did you mean "${hint}"?`} (gates: ${gates.join(', ')})`, { expected: gates, received: gate });
    }
    const missing = parts.find((part) => chosen[part] && !hasBlock(specification, gate, part));
    if (missing === undefined) continue;
    throw new BpttError('ERR_BPTT_OPTION', `${where}.${gate}.${missing}: the gate "${gate}" has no ${missing === 'bias' ? 'bias' : `${missing} weights`}; leave it out`, { received: missing });
  }
}

/** Which of two biases a gate's own start belongs to: bias_ih where the gate stands there, else bias_hh. */
export function beginsElsewhere({ parameters }: CellSpecification, parameter: CellParameter, gate: string): boolean {
  return parameter.name === 'bias_hh' && (parameters.find(({ name }) => name === 'bias_ih')?.gates ?? []).some(({ name }) => name === gate);
}

/** The initializer of a gate's own block, where there is one. */
export function gateInitializer(settings: GateInitializerSettings, weight: string, gate: string): Initializer | undefined {
  const part = parts.find((one) => weightsOf[one].includes(weight));
  return part && settings.get(gate)?.[part];
}
