import type { CellParameter, CellSpecification } from '../../cells/index.ts';
import type { Value } from '../../graph/index.ts';
import { layerLabel } from '../define.ts';
import { constantValue, zeros } from '../initializers/index.ts';
import type { Initializer, ParameterOptions, Scope } from '../layer.ts';
import { beginsElsewhere, gateInitializer, requireGates } from './gateInitializers.ts';
import type { RecurrentSettings } from './options.ts';

function initializerOf(settings: RecurrentSettings, { name, group, shape, initializer }: CellParameter): Initializer {
  if (initializer !== undefined) return typeof initializer === 'number' ? constantValue({ value: initializer }) : initializer;
  if (name === 'weight_ih') return settings.initializer.input;
  if (name === 'bias_ih' || name === 'bias_hh') return settings.initializer.bias;
  return shape.length > 1 && group !== 'bias' ? settings.initializer.recurrent : zeros();
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
 * @throws ERR_BPTT_OPTION where initializers are given for gates that the cell does not have.
 */
export function recurrentParameters(scope: Scope, specification: CellSpecification, settings: RecurrentSettings, suffix: string): Record<string, Value> {
  requireGates(layerLabel(specification.cell.name, scope), specification, settings.initializer.gates);
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
