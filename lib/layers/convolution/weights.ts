import { BpttError } from '../../errors.ts';
import { divide, multiply, reshape, sqrt, square, sum, type Shape, type Value } from '../../graph/index.ts';
import { defineInitializer } from '../initializers/initializer.ts';
import type { Initializer, ParameterGroup, ParameterOptions, Scope } from '../layer.ts';

/** The filters of a convolution. */
export interface FilterOptions {
  /** [kernel…, channels, filters]. */
  readonly shape: Shape;
  readonly initializer: Initializer;
  readonly weightNorm: boolean;
  /** Default "weight". */
  readonly name?: string | undefined;
  /** Default "input". */
  readonly group?: ParameterGroup | undefined;
}

/** Lengths of the last axis's vectors: what a weight of this shape begins with, filled by its own initializer from the same random numbers. Filling throws ERR_BPTT_RANGE for a vector of zeros. */
function lengthsOf(initializer: Initializer, shape: Shape): Initializer {
  return defineInitializer('lengthsOf', {}, (_block, random) => {
    const filters = shape.at(-1)!;
    const inputs = shape.slice(0, -1).reduce((product, size) => product * size, 1);
    const field = shape.slice(0, -2).reduce((product, size) => product * size, 1);
    const direction = initializer.fill({ shape, fanIn: inputs, fanOut: filters * field }, random);
    const squares = new Float64Array(filters);
    direction.forEach((number, i) => { squares[i % filters]! += number * number; });
    if (squares.includes(0)) {
      throw new BpttError('ERR_BPTT_RANGE', `weightNorm: expected an initializer that gives every filter a direction, received zeros of ${initializer.kind}; choose one that gives other numbers, or leave weightNorm out`,
        { expected: 'other numbers than 0', received: initializer.kind });
    }
    return squares.map(Math.sqrt);
  });
}

/**
 * w = g v / ‖v‖, each filter's length g apart from its direction v: T. Salimans and D. Kingma, "Weight normalization: a simple reparameterization to accelerate training
 * of deep neural networks", arXiv:1602.07868 (2016). The norm is over everything but the last axis of v [..., filters]; g is [filters].
 */
export function weightNormalized(v: Value, g: Value): Value {
  const axes = v.shape.slice(0, -1).map((_, axis) => axis);
  return multiply(v, divide(g, sqrt(sum(square(v), axes))));
}

/**
 * Asks the scope for filters and gives them as a matrix [kernel · channels, filters]; with weight normalisation the scope holds "weight_g" and "weight_v". On disk filters are
 * [filters, channels, kernel…], as in PyTorch.
 */
export function filterMatrix(scope: Scope, { shape, initializer, weightNorm, name = 'weight', group = 'input' }: FilterOptions): Value {
  const matrix = (weight: Value): Value => reshape(weight, [-1, shape.at(-1)!]);
  const disk = (suffix: string): ParameterOptions['disk'] => ({ name: `${name}${suffix}`, transpose: true });
  if (!weightNorm) return matrix(scope.parameter(name, shape, { group, initializer, disk: disk('') }));
  const g = scope.parameter(`${name}_g`, [shape.at(-1)!], { group, initializer: lengthsOf(initializer, shape), randomOf: `${name}_v` });
  const v = scope.parameter(`${name}_v`, shape, { group, initializer, disk: disk('_v') });
  return weightNormalized(matrix(v), g);
}
