import { add, matmul, multiply, slice, type Value } from '../graph/index.ts';
import { hasRecurrentBias, type CellSpecification } from './specification.ts';
import { traceCell, type AffineCall, type TracedStep, type WeightSource } from './trace.ts';

/** The values that one step is built of. */
export interface CellStepInputs {
  /** [N, C]. */
  readonly x: Value;
  /** [N, size] each. */
  readonly state: Readonly<Record<string, Value>>;
  /** By the names of the specification. */
  readonly weights: Readonly<Record<string, Value>>;
  /** [N, size of the recurrent operands]; multiplies what goes into recurrent products, never the states themselves. */
  readonly recurrentMask?: Value | undefined;
  /** [N, units]; multiplies what the equations mark as candidate. */
  readonly candidateMask?: Value | undefined;
}

/** Gives each gate its block of the stacked weights. */
class StackedWeights implements WeightSource {
  private readonly specification: CellSpecification;
  private readonly inputs: CellStepInputs;
  private readonly blocks = new Map<string, Value>();
  private biases: Value | undefined;

  constructor(specification: CellSpecification, inputs: CellStepInputs) {
    this.specification = specification;
    this.inputs = inputs;
  }

  private block(name: string, gate: string): Value {
    const key = `${name}.${gate}`;
    const known = this.blocks.get(key);
    if (known) return known;
    const made = this.blockOf(this.parameter(name), name, gate);
    this.blocks.set(key, made);
    return made;
  }

  /** A gate's block of something that has blocks as a parameter has. */
  private blockOf(whole: Value, name: string, gate: string): Value {
    const { units, parameters } = this.specification;
    const position = parameters.find((parameter) => parameter.name === name)!.gates!.findIndex((block) => block.name === gate);
    const leading = whole.shape.slice(0, -1);
    return slice(whole, [...leading.map(() => 0), position * units], [...leading, units]);
  }

  affine({ gate, x, recurrent, transform }: AffineCall): Value {
    const { bias, jointBiases } = this.specification;
    const terms: Value[] = [];
    if (x) {
      const product = transform(matmul(x, this.block('weight_ih', gate)), { gate, weight: 'input' });
      terms.push(jointBiases ? add(product, this.jointBias(gate)) : bias === false ? product : add(product, this.block('bias_ih', gate)));
    }
    if (recurrent) {
      const mask = this.inputs.recurrentMask;
      const product = transform(matmul(mask ? multiply(recurrent, mask) : recurrent, this.block('weight_hh', gate)), { gate, weight: 'recurrent' });
      terms.push(!jointBiases && hasRecurrentBias(bias, x, recurrent) ? add(product, this.block('bias_hh', gate)) : product);
    }
    return terms.length === 2 ? add(terms[0]!, terms[1]!) : terms[0]!;
  }

  /** A gate's two biases, added to each other once for all gates and steps. */
  private jointBias(gate: string): Value {
    this.biases ??= add(this.parameter('bias_ih'), this.parameter('bias_hh'));
    return this.blockOf(this.biases, 'bias_ih', gate);
  }

  parameter(name: string): Value {
    return this.inputs.weights[name]!;
  }
}

/** One step of a cell as graph: shapes as in its specification. */
export function cellStep(specification: CellSpecification, inputs: CellStepInputs): TracedStep {
  const { cell, units, bias, options } = specification;
  return traceCell({ cell, units, biased: bias !== false, options, x: inputs.x, state: inputs.state, candidateMask: inputs.candidateMask }, new StackedWeights(specification, inputs));
}
