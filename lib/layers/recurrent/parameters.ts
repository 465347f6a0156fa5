import type { CellParameter, CellSpecification } from '../../cells/index.ts';
import type { Value } from '../../graph/index.ts';
import { BpttError } from '../../errors.ts';
import { layerLabel } from '../define.ts';
import { constantValue, zeros } from '../initializers/index.ts';
import type { Initializer, ParameterOptions, Scope } from '../layer.ts';
import { beginsElsewhere, gateInitializer, requireGates, type GatePart } from './gateInitializers.ts';
import type { RecurrentSettings } from './options.ts';

/** Which of the layer's initializers a weight begins with; none where its cell says what with, or it is a vector of the cell's own, which begins with zeros. */
function partOf({ name, group, shape, initializer }: CellParameter): GatePart | undefined {
  if (initializer !== undefined) return undefined;
  if (name === 'weight_ih') return 'input';
  if (name === 'bias_ih' || name === 'bias_hh') return 'bias';
  return shape.length > 1 && group !== 'bias' ? 'recurrent' : undefined;
}

function initializerOf(settings: RecurrentSettings, parameter: CellParameter): Initializer {
  const { initializer } = parameter;
  if (initializer !== undefined) return typeof initializer === 'number' ? constantValue({ value: initializer }) : initializer;
  const part = partOf(parameter);
  return part === undefined ? zeros() : settings.initializer[part];
}

/** @throws ERR_BPTT_OPTION for an initializer that no weight begins with. */
function requireParts(label: string, { parameters }: CellSpecification, { initializer, context }: RecurrentSettings): void {
  const used = new Set([...parameters.map(partOf), ...(context ? ['input'] : [])]);
  const ignored = initializer.chosen.find((part) => !used.has(part));
  if (ignored === undefined) return;
  throw new BpttError('ERR_BPTT_OPTION', `${label}: initializer.${ignored} says what ${ignored === 'bias' ? 'biases begin' : `${ignored} weights begin`} with, and the cell's equations leave it none to choose; leave it out`, { received: ignored });
}

/**
 * The gates' blocks, each with what it begins with where that is its own: by the layer's options, else, of biases, the number of the cell's choice. A bias of its own is there
 * once: in bias_ih where the gate stands there, else in bias_hh.
 */
function gateBlocks(specification: CellSpecification, settings: RecurrentSettings, parameter: CellParameter): ParameterOptions['gates'] {
  const isBias = parameter.name === 'bias_ih' || parameter.name === 'bias_hh';
  const starts = isBias ? specification.cell.gateBias(settings.cellOptions) : {};
  return parameter.gates?.map(({ name, size }) => {
    if (beginsElsewhere(specification, parameter, name)) return { name, size };
    const initializer = gateInitializer(settings.initializer.gates, parameter.name, name) ?? (starts[name] === undefined ? undefined : constantValue({ value: starts[name] }));
    return initializer ? { name, size, initializer } : { name, size };
  });
}

function parameterOptions(specification: CellSpecification, settings: RecurrentSettings, parameter: CellParameter, diskName: string): ParameterOptions {
  const gates = gateBlocks(specification, settings, parameter);
  return {
    group: parameter.group,
    initializer: initializerOf(settings, parameter),
    ...(gates ? { gates } : {}),
    disk: { name: diskName, transpose: parameter.transposed },
  };
}

/**
 * Asks the scope for all weights of one recurrence; `suffix` ("_l0", "_l1_reverse") tells stacked layers and directions apart, as in PyTorch.
 * @throws ERR_BPTT_OPTION where initializers are given for gates or weights that the cell does not have.
 */
export function recurrentParameters(scope: Scope, specification: CellSpecification, settings: RecurrentSettings, suffix: string): Record<string, Value> {
  const label = layerLabel(specification.cell.name, scope);
  requireGates(label, specification, settings.initializer.gates);
  requireParts(label, specification, settings);
  return Object.fromEntries(specification.parameters.map((parameter) => {
    const name = `${parameter.name}${suffix}`;
    return [parameter.name, scope.parameter(name, parameter.shape, parameterOptions(specification, settings, parameter, name))];
  }));
}

/** What fresh rows begin with, by state: learned vectors, or nothing (zeros). */
export function initialStates(scope: Scope, specification: CellSpecification, settings: RecurrentSettings, suffix: string): Record<string, Value> {
  if (settings.initialState === 'zero') return {};
  return Object.fromEntries(Object.entries(specification.state).map(([name, size]) => (
    [name, scope.parameter(`initial_${name}${suffix}`, [size], { group: 'state', initializer: zeros() })])));
}
