import { BpttError } from '../../errors.ts';
import { elementCount } from '../../graph/value.ts';
import type { ElementType, Graph, Node, Shape, Value, Variable } from '../../graph/value.ts';
import { makeRegion } from '../program.ts';
import type { Place, Region } from '../program.ts';
import { bitsOf } from './bytecode.ts';
import { broadcastPlace, placeIn } from './places.ts';

/** Elements on which variables, inputs and outputs begin: 64 bytes. */
export const alignment = 16;

export function alignUp(count: number): number {
  return Math.ceil(count / alignment) * alignment;
}

/** Where one array lies in a storage, in elements. */
export interface Slot {
  readonly name: string;
  readonly offset: number;
  readonly shape: Shape;
  readonly type: ElementType;
}

/** Offsets of variables in their storage: in list order, each on a boundary. */
export function layOutVariables(variables: readonly Variable[]): { readonly slots: readonly Slot[]; readonly size: number } {
  let offset = 0;
  const slots = variables.map(({ name, shape, type }) => {
    const slot = { name, offset, shape, type };
    offset += alignUp(elementCount(shape));
    return slot;
  });
  return { slots, size: offset };
}

/** The input/output block: inputs first, then outputs. */
export interface BlockLayout {
  readonly inputs: readonly Slot[];
  readonly outputs: readonly Slot[];
  readonly size: number;
}

export function layOutBlock(graph: Graph): BlockLayout {
  const inputs = graph.inputs.map(({ node, shape, type }) => ({ name: String(node.attributes['name']), shape, type }));
  const outputs = Object.entries(graph.outputs).map(([name, { shape, type }]) => ({ name, shape, type }));
  const { slots, size } = layOutVariables([...inputs, ...outputs]);
  return { inputs: slots.slice(0, inputs.length), outputs: slots.slice(inputs.length), size };
}

/** The memory that a program is planned over: storages, constants and what will be the arena. */
export class Memory {
  readonly block: BlockLayout;
  readonly storageSizes: readonly number[];
  private readonly variablePlaces = new Map<Variable, Place>();
  private readonly inputPlaces = new Map<string, Place>();
  private readonly outputPlaces = new Map<string, Place>();
  private readonly constantWords: number[] = [];
  private readonly constantPlaces = new Map<string, Region>();

  constructor(graph: Graph, layouts: readonly (readonly Variable[])[]) {
    const sizes = layouts.map((variables, storage) => {
      const { slots, size } = layOutVariables(variables);
      variables.forEach((variable, i) => this.variablePlaces.set(variable, storagePlace(storage, slots[i]!)));
      return size;
    });
    this.block = layOutBlock(graph);
    for (const slot of this.block.inputs) this.inputPlaces.set(slot.name, storagePlace(layouts.length, slot));
    for (const slot of this.block.outputs) this.outputPlaces.set(slot.name, storagePlace(layouts.length, slot));
    this.storageSizes = [...sizes, this.block.size];
  }

  /** @throws ERR_BPTT_GRAPH when the variable is in none of the stores. */
  variable(variable: Variable): Place {
    const place = this.variablePlaces.get(variable);
    if (!place) {
      throw new BpttError('ERR_BPTT_GRAPH', `variable "${variable.name}" is in none of the stores that will be bound; list its store in the layouts`, { received: variable.name });
    }
    return place;
  }

  output(name: string): Place {
    return this.outputPlaces.get(name)!;
  }

  /**
   * Where a leaf lies.
   * @throws ERR_BPTT_GRAPH for an input that the graph does not list or a variable of no store.
   */
  leaf(node: Node): Place {
    if (node.operation === 'variable') return this.variable(node.attributes['variable'] as Variable);
    if (node.operation === 'constant') return this.constant(node.outputs[0]!);
    const name = String(node.attributes['name']);
    const place = node.operation === 'input' ? this.inputPlaces.get(name) : undefined;
    if (!place) throw new BpttError('ERR_BPTT_GRAPH', `${node.operation} "${name}" is used but not among the graph's inputs`, { received: name });
    return place;
  }

  arena(size: number): Region {
    return makeRegion('arena', size);
  }

  constants(): Int32Array {
    return Int32Array.from(this.constantWords);
  }

  private constant(value: Value): Place {
    const data = value.node.attributes['data'] as ArrayLike<number>;
    const words = Array.from(data, (number) => bitsOf(number, value.type));
    const key = words.join();
    let region = this.constantPlaces.get(key);
    if (!region) {
      while (words.length >= alignment && this.constantWords.length % alignment !== 0) this.constantWords.push(0);
      region = makeRegion('constants', words.length, 0, this.constantWords.length);
      for (const word of words) this.constantWords.push(word);
      this.constantPlaces.set(key, region);
    }
    if (data.length !== elementCount(value.shape)) return broadcastPlace(placeIn(region, [], value.type), value.shape);
    return placeIn(region, value.shape, value.type);
  }
}

function storagePlace(storage: number, slot: Slot): Place {
  return placeIn(makeRegion('storage', elementCount(slot.shape), storage, slot.offset), slot.shape, slot.type);
}
