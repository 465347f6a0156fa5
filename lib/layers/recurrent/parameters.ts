import type { CellParameter, CellSpecification } from '../../cells/index.ts';
import type { Value } from '../../graph/index.ts';
import { constantValue, zeros } from '../initializers/index.ts';
import type { Initializer, ParameterOptions, Scope } from '../layer.ts';
import type { RecurrentSettings } from './options.ts';

function initializerOf(settings: RecurrentSettings, { name, group, shape, initializer }: CellParameter): Initializer {
  if (initializer !== undefined) return typeof initializer === 'number' ? constantValue({ value: initializer }) : initializer;
  if (name === 'weight_ih') return settings.initializer.input;
  if (name === 'bias_ih' || name === 'bias_hh') return settings.initializer.bias;
  return shape.length > 1 && group !== 'bias' ? settings.initializer.recurrent : zeros();
}

/** The gates whose bias begins at a number of the cell's choice do so once: in bias_ih where the gate stands there, else in bias_hh. */
function biasGates(specification: CellSpecification, settings: RecurrentSettings, parameter: CellParameter): ParameterOptions['gates'] {
  const chosen = specification.cell.gateBias(settings.cellOptions);
  const inputBias = specification.parameters.find(({ name }) => name === 'bias_ih')?.gates ?? [];
  return parameter.gates?.map(({ name, size }) => {
    const start = chosen[name];
    const elsewhere = parameter.name === 'bias_hh' && inputBias.some((gate) => gate.name === name);
    return start === undefined || elsewhere ? { name, size } : { name, size, initializer: constantValue({ value: start }) };
  });
}

function parameterOptions(specification: CellSpecification, settings: RecurrentSettings, parameter: CellParameter, diskName: string): ParameterOptions {
  const isBias = parameter.name === 'bias_ih' || parameter.name === 'bias_hh';
  const gates = isBias ? biasGates(specification, settings, parameter) : parameter.gates;
  return {
    group: parameter.group,
    initializer: initializerOf(settings, parameter),
    ...(gates ? { gates } : {}),
    disk: { name: diskName, transpose: parameter.transposed },
  };
}

/** Asks the scope for all weights of one recurrence; `suffix` ("_l0", "_l1_reverse") tells stacked layers and directions apart, as in PyTorch. */
export function recurrentParameters(scope: Scope, specification: CellSpecification, settings: RecurrentSettings, suffix: string): Record<string, Value> {
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
