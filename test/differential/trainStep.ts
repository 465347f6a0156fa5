import { add, cast, gradient, input, variable, zeros } from '../../lib/graph/index.ts';
import type { Graph, Shape, Value, Variable } from '../../lib/graph/index.ts';
import { dense, dropout, embedding, gru, lstm } from '../../lib/layers/index.ts';
import type { Layer, Scope, Signal } from '../../lib/layers/layer.ts';
import { crossEntropy, reduceLoss } from '../../lib/losses/index.ts';
import { adam, clipGradients } from '../../lib/optimizers/index.ts';

export interface ModelSizes {
  readonly steps: number;
  readonly rows: number;
  readonly vocabulary: number;
  readonly embedding: number;
  readonly units: number;
  readonly layers: number;
  readonly kind?: 'lstm' | 'gru';
  readonly dropout?: number;
}

/** Parameters as variables; states begin at zero. */
class VariableScope implements Scope {
  readonly path: string;
  readonly training = true;
  readonly parameters: Map<string, { readonly variable: Variable; readonly value: Value }>;

  constructor(path = '', parameters: VariableScope['parameters'] = new Map()) {
    this.path = path;
    this.parameters = parameters;
  }

  child(name: string): VariableScope {
    return new VariableScope(`${this.path}/${name}`, this.parameters);
  }

  parameter(name: string, shape: Shape): Value {
    const path = `${this.path}/${name}`;
    const known = this.parameters.get(path);
    if (known) return known.value;
    const made: Variable = { name: path, shape, type: 'float32' };
    const entry = { variable: made, value: variable(made) };
    this.parameters.set(path, entry);
    return entry.value;
  }

  state(_name: string, shape: Shape, initial?: Value): Value {
    return initial ?? zeros(shape);
  }

  carry(): void {
    // States are not carried here.
  }

  readsAhead(): void {
    // Whole sequences are run here.
  }

  randomKey(): Value {
    return input('key', [2], 'int32');
  }
}

/** A language model's whole training step: embedding, recurrent layers, dense, cross entropy, clipping, Adam. `prepare` rewrites the forward graph. */
export function trainStep(sizes: ModelSizes, prepare: (values: readonly Value[]) => readonly Value[]): { readonly graph: Graph; readonly layouts: Variable[][] } {
  const recurrent = sizes.kind === 'gru' ? gru : lstm;
  const layers: Layer[] = [
    embedding({ tokens: sizes.vocabulary, size: sizes.embedding }),
    recurrent({ units: sizes.units, layers: sizes.layers }),
    ...(sizes.dropout ? [dropout({ rate: sizes.dropout })] : []),
    dense({ units: sizes.vocabulary }),
  ];
  const scope = new VariableScope();
  const tokens = input('tokens', [sizes.steps, sizes.rows], 'int32');
  const target = input('target', [sizes.steps, sizes.rows], 'int32');
  const prediction = layers.reduce((signal: Signal, layer, i) => layer.build(scope.child(`${layer.kind}_${i}`), signal), { value: tokens, time: true });
  const forward = reduceLoss({ loss: crossEntropy(), prediction, target });
  const entries = [...scope.parameters.values()];
  const [loss, ...parameters] = prepare([forward, ...entries.map(({ value }) => value)]) as [Value, ...Value[]];
  const { gradients, rewrite } = gradient(loss, parameters);
  const clipped = clipGradients(gradients, { globalNorm: 5 });
  const optimizer = adam({ learningRate: 2e-3 });
  const stepVariable: Variable = { name: 'step', shape: [], type: 'int32' };
  const counted = add(variable(stepVariable), 1);
  const slotVariables: Variable[] = [stepVariable];
  const assignments: { variable: Variable; value: Value }[] = [{ variable: stepVariable, value: counted }];
  const rate = input('learningRate', [], 'float32');
  entries.forEach(({ variable: own }, i) => {
    const names = optimizer.slots;
    const slots = Object.fromEntries(names.map((name) => [name, { name: `${own.name}.${name}`, shape: own.shape, type: 'float32' } satisfies Variable]));
    slotVariables.push(...Object.values(slots));
    const values = Object.fromEntries(Object.entries(slots).map(([name, slot]) => [name, variable(slot)]));
    const result = optimizer.update({ parameter: parameters[i]!, gradient: clipped.gradients[i]!, slots: values, learningRate: rate, step: cast(counted, 'float32') });
    assignments.push({ variable: own, value: result.parameter });
    for (const [name, slot] of Object.entries(slots)) assignments.push({ variable: slot, value: result.slots[name]! });
  });
  const inputs = [tokens, target, rate, ...(sizes.dropout ? [input('key', [2], 'int32')] : [])];
  return { graph: { inputs, outputs: { loss: rewrite(loss), norm: clipped.norm }, assignments }, layouts: [entries.map((entry) => entry.variable), slotVariables] };
}
