import { BpttError, formatShape } from '../../errors.ts';
import { elementCount, operationNamed, topologicalOrder } from '../../graph/index.ts';
import type { ElementType, Node, ReferenceContext, Shape, Tensor, Value, Variable } from '../../graph/index.ts';

/** What a graph's leaves stand for. Plain numbers are row-major in the leaf's shape. */
export interface Bindings {
  /** By name of the input. */
  readonly inputs?: Readonly<Record<string, ArrayLike<number>>>;
  readonly variables?: ReadonlyMap<Variable, ArrayLike<number>>;
  /** Any value at all: what it needs is then not computed. */
  readonly values?: ReadonlyMap<Value, Tensor>;
}

/** Numbers as the interpreter holds them: float32 in Float64Array, int32 and bool in Int32Array. Shares memory when it can. */
export function toTensor(owner: string, numbers: ArrayLike<number>, shape: Shape, type: ElementType): Tensor {
  if (numbers.length !== elementCount(shape)) {
    throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected ${elementCount(shape)} numbers for shape ${formatShape(shape)}, received ${numbers.length}`,
      { expected: elementCount(shape), received: numbers.length });
  }
  if (type === 'float32') return { shape, type, data: numbers instanceof Float64Array ? numbers : Float64Array.from(numbers) };
  return { shape, type, data: numbers instanceof Int32Array ? numbers : Int32Array.from(numbers) };
}

/** What to do for one node: where its inputs lie, where its outputs go, and which places nobody reads after it. */
interface Step {
  readonly node: Node;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
  readonly released: readonly number[];
}

interface Plan {
  readonly bound: readonly (readonly [Value, number])[];
  readonly constants: readonly (readonly [number, Tensor])[];
  readonly steps: readonly Step[];
  readonly roots: readonly number[];
  readonly places: number;
}

function makePlan(roots: readonly Value[], given: ReadonlySet<Value>, context: ReferenceContext): Plan {
  const places = new Map<Value, number>();
  const placeOf = (value: Value): number => {
    const known = places.get(value) ?? places.size;
    places.set(value, known);
    return known;
  };
  const lastUse = new Map<number, number>();
  const order = topologicalOrder(roots, given).filter((node) => !node.outputs.every((value) => given.has(value)));
  const constants = order.filter((node) => node.operation === 'constant').map((node) => [placeOf(node.outputs[0]!), operationNamed('constant').reference(node, [], context)[0]!] as const);
  const computed = order.filter((node) => node.operation !== 'constant');
  computed.forEach((node, step) => {
    for (const value of [...node.inputs, ...node.outputs]) lastUse.set(placeOf(value), step);
  });
  for (const place of [...roots.map(placeOf), ...constants.map(([known]) => known)]) lastUse.delete(place);
  const released = computed.map((): number[] => []);
  for (const [place, step] of lastUse) released[step]!.push(place);
  return {
    bound: [...places].filter(([value]) => given.has(value)),
    constants,
    steps: computed.map((node, i) => ({ node, inputs: node.inputs.map(placeOf), outputs: node.outputs.map(placeOf), released: released[i]! })),
    roots: roots.map(placeOf),
    places: places.size,
  };
}

/** Evaluates graphs in float64. Holds what leaves stand for, and the plans of the bodies it has met. */
export class Interpreter implements ReferenceContext {
  readonly #bindings: Bindings;
  readonly #plans: WeakMap<readonly Value[], Plan>;

  constructor(bindings: Bindings, plans: WeakMap<readonly Value[], Plan> = new WeakMap()) {
    this.#bindings = bindings;
    this.#plans = plans;
  }

  /** The plan for a list of values is made once: the same list must always come with the same bound values. */
  evaluate(values: readonly Value[], bindings: ReadonlyMap<Value, Tensor>): Tensor[] {
    let plan = this.#plans.get(values);
    if (!plan) {
      plan = makePlan(values, new Set(bindings.keys()), this);
      this.#plans.set(values, plan);
    }
    const tensors = new Array<Tensor | undefined>(plan.places).fill(undefined);
    for (const [value, place] of plan.bound) tensors[place] = bindings.get(value);
    for (const [place, tensor] of plan.constants) tensors[place] = tensor;
    for (const step of plan.steps) {
      const results = this.#leaf(step.node) ?? operationNamed(step.node.operation).reference(step.node, step.inputs.map((place) => tensors[place]!), this);
      step.outputs.forEach((place, i) => { tensors[place] = results[i]; });
      for (const place of step.released) tensors[place] = undefined;
    }
    return plan.roots.map((place) => tensors[place]!);
  }

  #leaf({ operation, attributes, outputs }: Node): Tensor[] | undefined {
    if (operation === 'input') {
      const name = attributes['name'] as string;
      const numbers = this.#bindings.inputs?.[name];
      return numbers && [toTensor(`input "${name}"`, numbers, outputs[0]!.shape, outputs[0]!.type)];
    }
    if (operation !== 'variable') return undefined;
    const variable = attributes['variable'] as Variable;
    const numbers = this.#bindings.variables?.get(variable);
    return numbers && [toTensor(`variable "${variable.name}"`, numbers, variable.shape, variable.type)];
  }
}

/**
 * The meaning of values, in float64.
 * @throws ERR_BPTT_GRAPH for a leaf that is not bound, ERR_BPTT_SHAPE for numbers that do not fill their leaf's shape, ERR_BPTT_VOCABULARY for an index out of range.
 */
export function evaluate(values: readonly Value[], bindings: Bindings = {}): Tensor[] {
  return new Interpreter(bindings).evaluate(values, bindings.values ?? new Map());
}
