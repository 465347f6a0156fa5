import type { ElementType, Node, Value } from '../../graph/value.ts';
import { mapConstantBase, mapInputBase, mapLimits, mapOperation, mapOutputBase, mapWrittenBase } from '../format.ts';
import type { MapOperationName } from '../format.ts';
import type { MapEntry } from '../program.ts';
import { mapOperationOf } from './elementwise.ts';

const floatView = new Float32Array(1);
const bitsView = new Int32Array(floatView.buffer);

/** The word that stands for a number of the given type. */
export function bitsOf(number: number, type: ElementType): number {
  if (type !== 'float32') return number | 0;
  floatView[0] = number;
  return bitsView[0]!;
}

/** The number that fills a value everywhere, where that is known: a constant of one repeated number. */
export function filledWith(value: Value): number | undefined {
  let source = value;
  while (source.node.operation === 'broadcast' || source.node.operation === 'reshape') source = source.node.inputs[0]!;
  if (source.node.operation !== 'constant') return undefined;
  const data = source.node.attributes['data'] as ArrayLike<number>;
  return data.length === 1 ? data[0] : undefined;
}

type Source = Step | { readonly input: number } | { readonly bits: number };

/** One map operation before it has registers. */
interface Step {
  operation: MapOperationName;
  sources: Source[];
  /** Registers that its evaluation needs, roughly: deeper sources are computed first. */
  depth: number;
  uses: number;
  /** Positions among the outputs. */
  outputs: number[];
}

/** A map's bytecode, with what decides whether an output may take the place of an input. */
export interface MapCode {
  readonly entry: MapEntry;
  /** Index of the last instruction that reads each input; −1: none does. */
  readonly lastRead: readonly number[];
  /** Index of the first instruction that writes each output. */
  readonly firstWrite: readonly number[];
}

function isStep(source: Source): source is Step {
  return 'operation' in source;
}

/** Elementwise nodes as steps, multiply-adds contracted. */
class StepGraph {
  private readonly steps = new Map<Value, Step>();
  private readonly inputs: readonly Value[];

  constructor(nodes: readonly Node[], inputs: readonly Value[], outputs: readonly Value[], contract: boolean) {
    this.inputs = inputs;
    for (const node of nodes) this.add(node);
    outputs.forEach((value, position) => this.steps.get(value)!.outputs.push(position));
    if (contract) for (const node of nodes) this.contract(this.steps.get(node.outputs[0]!)!);
  }

  step(value: Value): Step {
    return this.steps.get(value)!;
  }

  private add(node: Node): void {
    const sources = node.inputs.map((value) => this.source(value));
    const depth = Math.max(1, ...sources.map((source) => (isStep(source) ? source.depth + 1 : 1)));
    this.steps.set(node.outputs[0]!, { operation: mapOperationOf(node), sources, depth, uses: 0, outputs: [] });
    for (const source of sources) if (isStep(source)) source.uses++;
  }

  private source(value: Value): Source {
    const step = this.steps.get(value);
    if (step) return step;
    const number = filledWith(value);
    return number === undefined ? { input: this.inputs.indexOf(value) } : { bits: bitsOf(number, value.type) };
  }

  /** a·b + c in one operation where nothing else needs a·b. */
  private contract(step: Step): void {
    const [left, right] = step.sources;
    const only = (source: Source | undefined, operation: MapOperationName): source is Step =>
      source !== undefined && isStep(source) && source.operation === operation && source.uses === 1 && source.outputs.length === 0;
    const become = (operation: MapOperationName, product: Step, other: Source): void => {
      step.operation = operation;
      step.sources = [product.sources[0]!, product.sources[1]!, other];
    };
    if (step.operation === 'add') {
      if (only(left, 'tanhGradient')) become('tanhGradientAdd', left, right!);
      else if (only(right, 'tanhGradient')) become('tanhGradientAdd', right, left!);
      else if (only(left, 'multiply')) become('fusedMultiplyAdd', left, right!);
      else if (only(right, 'multiply')) become('fusedMultiplyAdd', right, left!);
    } else if (step.operation === 'subtract') {
      if (only(left, 'multiply')) become('fusedMultiplySubtract', left, right!);
      else if (only(right, 'multiply')) become('negatedMultiplyAdd', right, left!);
    }
  }
}

/** Depth first from the outputs, deeper sources first: few values live at a time. */
function schedule(roots: readonly Step[]): Step[] {
  const order: Step[] = [];
  const visited = new Set<Step>();
  const visit = (step: Step): void => {
    if (visited.has(step)) return;
    visited.add(step);
    const inner = step.sources.filter(isStep).sort((a, b) => b.depth - a.depth);
    for (const source of inner) visit(source);
    order.push(step);
  };
  for (const root of [...roots].sort((a, b) => a.depth - b.depth)) visit(root);
  return order;
}

/** Gives steps registers and writes them down. */
class Assembler {
  private readonly code: [number, number, number, number, number][] = [];
  private readonly constants: number[] = [];
  /** A register, or the output that a step was written to. */
  private readonly placeOf = new Map<Step, number>();
  private readonly remaining = new Map<Step, number>();
  private readonly free: number[] = [];
  private registers = 0;
  private readonly lastRead: number[];
  private readonly firstWrite: number[];

  constructor(inputCount: number, outputCount: number) {
    this.lastRead = new Array<number>(inputCount).fill(-1);
    this.firstWrite = new Array<number>(outputCount).fill(0);
  }

  assemble(order: readonly Step[]): MapCode | undefined {
    for (const step of order) for (const source of step.sources) if (isStep(source)) this.remaining.set(source, (this.remaining.get(source) ?? 0) + 1);
    for (const step of order) this.emit(step);
    const { code, constants, registers, lastRead, firstWrite } = this;
    const fits = code.length <= mapLimits.instructions && constants.length <= mapLimits.constants && registers <= mapLimits.registers;
    return fits ? { entry: { constants, registers, code }, lastRead, firstWrite } : undefined;
  }

  private emit(step: Step): void {
    const places = step.sources.map((source) => this.place(source));
    const [a = 0, b = 0, c = 0] = places;
    for (const source of step.sources) if (isStep(source)) this.release(source);
    const [output, ...others] = step.outputs;
    if (output === undefined) {
      this.code.push([mapOperation[step.operation], this.allocate(step), a, b, c]);
      return;
    }
    this.write(output, [mapOperation[step.operation], mapOutputBase + output, a, b, c]);
    this.placeOf.set(step, mapWrittenBase + output);
    for (const other of others) this.write(other, [mapOperation.copy, mapOutputBase + other, mapWrittenBase + output, 0, 0]);
  }

  private write(output: number, instruction: [number, number, number, number, number]): void {
    this.firstWrite[output] = this.code.length;
    this.code.push(instruction);
  }

  private allocate(step: Step): number {
    const register = this.free.pop() ?? this.registers++;
    this.placeOf.set(step, register);
    return register;
  }

  private release(step: Step): void {
    const left = this.remaining.get(step)! - 1;
    this.remaining.set(step, left);
    const place = this.placeOf.get(step)!;
    if (left === 0 && place < mapInputBase) this.free.push(place);
  }

  private place(source: Source): number {
    if (isStep(source)) return this.placeOf.get(source)!;
    if ('input' in source) {
      this.lastRead[source.input] = this.code.length;
      return mapInputBase + source.input;
    }
    let index = this.constants.indexOf(source.bits);
    if (index < 0) index = this.constants.push(source.bits) - 1;
    return mapConstantBase + index;
  }
}

/**
 * Bytecode for elementwise `nodes` (in topological order) over `inputs` that gives `outputs`; an output may be listed more than once. `contract`
 * allows a·b + c to round once. Undefined when it does not fit a map's limits.
 */
export function assembleMap(nodes: readonly Node[], inputs: readonly Value[], outputs: readonly Value[], contract: boolean): MapCode | undefined {
  if (inputs.length > mapLimits.inputs || outputs.length > mapLimits.outputs) return undefined;
  const graph = new StepGraph(nodes, inputs, outputs, contract);
  return new Assembler(inputs.length, outputs.length).assemble(schedule(outputs.map((value) => graph.step(value))));
}

/** A map that copies one input to each of `outputs` outputs. */
export function copyEntry(outputs: number): MapEntry {
  return { constants: [], registers: 0, code: Array.from({ length: outputs }, (_, j) => [mapOperation.copy, mapOutputBase + j, mapInputBase, 0, 0] as const) };
}

/** A map of one output, filled with one number. */
export function fillEntry(bits: number): MapEntry {
  return { constants: [bits], registers: 0, code: [[mapOperation.copy, mapOutputBase, mapConstantBase, 0, 0]] };
}
