import { BpttError, checkOptions, describe, formatShape } from '../errors.ts';
import { sameShape, type Shape, type Value } from '../graph/index.ts';
import { traitsOf } from './chain.ts';
import { defineLayer, layerLabel, type LayerOptions } from './define.ts';
import type { Layer, Scope, Signal } from './layer.ts';
import { asLayer, describeLayer, registerLayer, type LayerDescription } from './registry.ts';

export interface WithInitialStateOptions extends LayerOptions {
  /** A layer with states: recurrent, or an attention around one. */
  readonly layer: Layer | LayerDescription;
  /** Which state a vector begins; default "h". Refused where the source is a recurrent layer, whose states go to those of the same path. */
  readonly state?: string | undefined;
}

/** The part of a state's path that says where in a recurrent layer it is: "layer_1/h" of "stack/lstm/layer_1/h". */
function placeInLayer(path: string): string {
  return /(?:layer_\d+\/)?(?:(?:forward|backward)\/)?[^/]+$/.exec(path)![0];
}

/** What states begin with, by path, and which of them were asked for. */
class Beginnings {
  readonly used = new Set<string>();
  readonly asked: string[] = [];
  private readonly label: string;
  private readonly given: Readonly<Record<string, Value>>;

  constructor(label: string, given: Readonly<Record<string, Value>>) {
    this.label = label;
    this.given = given;
  }

  /** The state of this path, or the only one of the same place in a recurrent layer. */
  find(path: string, shape: Shape): Value | undefined {
    this.asked.push(path);
    const alike = Object.keys(this.given).filter((name) => placeInLayer(name) === placeInLayer(path));
    const name = alike.includes(path) ? path : alike.length === 1 ? alike[0] : undefined;
    if (name === undefined) return undefined;
    this.used.add(name);
    const value = this.given[name]!;
    if (sameShape(value.shape, shape)) return value;
    throw new BpttError('ERR_BPTT_SHAPE', `${this.label}: expected ${formatShape(shape)} for the state "${path}" to begin with, received ${formatShape(value.shape)}; give both layers the same units, `
      + 'or bring it to size by dense()', { expected: shape, received: value.shape });
  }

  requireUse(): void {
    if (this.used.size > 0) return;
    const [given, asked] = [Object.keys(this.given), this.asked];
    throw new BpttError('ERR_BPTT_STATE', `${this.label}: none of the states ${given.join(', ') || '(none)'} that it is given is a state of its layer (${asked.join(', ') || 'none'}); `
      + 'give both layers the same cell, layers and direction, or hand over one state by namedOutput()', { expected: asked, received: given });
  }
}

function beginning(scope: Scope, beginnings: Beginnings, below = ''): Scope {
  return Object.assign(Object.create(scope) as Scope, {
    child: (name: string) => beginning(scope.child(name), beginnings, `${below}${name}/`),
    state: (name: string, shape: Shape, initial?: Value) => scope.state(name, shape, beginnings.find(`${below}${name}`, shape) ?? initial),
  });
}

/** The states that a source hands over: those of a layer, else a vector as one state. */
function statesOf(label: string, source: Signal, state: string | undefined): Record<string, Value> {
  const named = Object.entries(source.named ?? {}).filter(([, { time, value }]) => !time && value.type === 'float32');
  if (named.length > 0 && state !== undefined) {
    throw new BpttError('ERR_BPTT_OPTION', `${label}: state says which state a vector begins, and its last input hands over states by name (${named.map(([name]) => name).join(', ')}); `
      + 'leave it out, or hand over one of them by namedOutput()', { received: state });
  }
  if (named.length > 0) return Object.fromEntries(named.map(([name, { value }]) => [name, value]));
  if (!source.time && source.value.type === 'float32') return { [state ?? 'h']: source.value };
  throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected its last input to be a recurrent layer or a vector [N, units], received a sequence of a layer without states`, { received: source.value.shape });
}

/**
 * A recurrent layer whose fresh rows begin with what another layer ended with, as a decoder does: I. Sutskever, O. Vinyals and Q. Le, "Sequence to sequence learning with
 * neural networks", arXiv:1409.3215 (2014). Its inputs are those of the layer, then the source: a recurrent layer, whose states go to the states of the same path (h to
 * h, c to c, layer_1/h to layer_1/h; the others begin as usual), or a vector [N, units], which the state named by `state` begins with.
 *
 * ```ts
 * const encoded = connect(lstm({ units: 64 }), source);
 * const decoded = connect(withInitialState({ layer: lstm({ units: 64 }) }), target, encoded);
 * ```
 * @throws ERR_BPTT_TYPE for something that is no layer, ERR_BPTT_OPTION for a state that is no text; when built, ERR_BPTT_GRAPH without a source,
 * ERR_BPTT_OPTION for a state beside a source that hands over its own by name, ERR_BPTT_STATE when no state fits, ERR_BPTT_SHAPE when one is of another size.
 */
export function withInitialState(options: WithInitialStateOptions): Layer {
  checkOptions('withInitialState', options, ['name', 'layer', 'state']);
  const layer = asLayer('withInitialState: layer', options.layer);
  const { state } = options;
  if (state !== undefined && (typeof state !== 'string' || state === '')) throw new BpttError('ERR_BPTT_OPTION', `withInitialState: expected state to be a name, received ${describe(state)}`, { received: state });
  return defineLayer('withInitialState', { ...options, layer: describeLayer(layer) }, (scope, ...inputs) => {
    const label = layerLabel('withInitialState', scope);
    const source = inputs.at(-1);
    if (!source || inputs.length < 2) throw new BpttError('ERR_BPTT_GRAPH', `${label}: expected what its layer reads and then what it begins with, received ${inputs.length} inputs`, { received: inputs.length });
    const beginnings = new Beginnings(label, statesOf(label, source, state));
    const result = layer.build(beginning(scope, beginnings), ...inputs.slice(0, -1));
    beginnings.requireUse();
    return result;
  }, { furtherInputs: (layer.furtherInputs ?? 0) + 1, readsTokens: layer.readsTokens, direction: traitsOf([layer]).direction });
}

registerLayer('withInitialState', withInitialState);
