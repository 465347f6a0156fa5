import type { Graph, Value, Variable } from '../../graph/value.ts';
import type { Instruction, InstructionNote, Place, Program, StorageNeed } from '../program.ts';
import { isView, viewedValue } from '../walk.ts';
import { layOutArena, splitPrologue } from './arena.ts';
import { Block } from './block.ts';
import type { PlanOptions } from './block.ts';
import { emitUnits, requestAll } from './emission.ts';
import { Memory } from './memory.ts';
import type { BlockLayout } from './memory.ts';
import { shareRegions } from './sharing.ts';
import { formUnits } from './units.ts';
import type { Unit } from './units.ts';
import { packInProducts } from './packing.ts';

/** A program, where its inputs and outputs lie, and what its errors can be told about. */
export interface Plan {
  readonly program: Program;
  readonly block: BlockLayout;
  readonly notes: readonly InstructionNote[];
}

/** One result and where it goes. */
interface Delivery {
  readonly value: Value;
  readonly target: Place;
  /** The variable that is written. */
  readonly variable: Variable | undefined;
  delivered: boolean;
}

function readsVariable(value: Value, variable: Variable): boolean {
  const { node } = viewedValue(value);
  return node.operation === 'variable' && node.attributes['variable'] === variable;
}

/** Whether a unit reads a variable only as the table whose rows it replaces. */
function replacesRowsOf(unit: Unit, reads: readonly Value[]): boolean {
  return unit.nodes[0]!.operation === 'replaceRows' && reads.length === 1 && reads[0] === unit.inputs[0] && reads[0]!.node.operation === 'variable';
}

/** Whether a map or a replacement of rows may write its result over the variable: all that reads the old value has run, or reads it element for element before. */
function mayWriteVariable(block: Block, delivery: Delivery, deliveries: readonly Delivery[]): boolean {
  const { value, variable } = delivery;
  const producer = block.producer(value);
  if (!variable || !producer || (producer.kind !== 'map' && producer.nodes[0]!.operation !== 'replaceRows')) return false;
  if (deliveries.some((other) => readsVariable(other.value, variable))) return false;
  const end = block.units.indexOf(producer);
  return block.units.every((unit, i) => {
    const reads = unit.inputs.filter((input) => readsVariable(input, variable));
    if (reads.length === 0 || i < end) return true;
    if (i > end) return false;
    if (unit.kind !== 'map') return replacesRowsOf(unit, reads);
    return reads.every((input) => !isView(input.node.operation)
      && unit.code!.lastRead[unit.inputs.indexOf(input)]! <= unit.code!.firstWrite[unit.outputs.indexOf(value)]!);
  });
}

function deliveriesOf(graph: Graph, memory: Memory): Delivery[] {
  const outputs = Object.entries(graph.outputs).map(([name, value]): Delivery => ({ value, target: memory.output(name), variable: undefined, delivered: false }));
  const assignments = graph.assignments.map(({ variable, value }): Delivery => ({ value, target: memory.variable(variable), variable, delivered: false }));
  return [...outputs, ...assignments];
}

/** Copies what no producer wrote in place; what lies in a variable that is itself written goes aside first. */
function deliverRest(block: Block, deliveries: readonly Delivery[]): void {
  const written = new Set(deliveries.map(({ variable }) => variable));
  const rest = deliveries.filter(({ delivered }) => !delivered);
  const aside = new Map<Delivery, Place>();
  for (const delivery of rest) {
    const { node } = viewedValue(delivery.value);
    const endangered = delivery.variable && node.operation === 'variable' && written.has(node.attributes['variable'] as Variable);
    if (endangered) aside.set(delivery, block.copy(block.place(delivery.value), node.scope));
  }
  for (const delivery of rest) {
    const copy = aside.get(delivery);
    const { scope } = delivery.value.node;
    if (copy) block.copyInto(copy, delivery.target, scope);
    else block.deliver(delivery.value, delivery.target, scope);
  }
}

function storageNeeds(memory: Memory, instructions: readonly Instruction[]): StorageNeed[] {
  const needs = memory.storageSizes.map((size) => ({ size, read: false, written: false }));
  const visit = (instruction: Instruction): void => {
    for (const { region } of instruction.reads) if (region.space === 'storage') needs[region.storage]!.read = true;
    for (const { region } of instruction.writes) if (region.space === 'storage') needs[region.storage]!.written = true;
    for (const inner of instruction.body ?? []) visit(inner);
  };
  for (const instruction of instructions) visit(instruction);
  return needs.map((need) => (need.read || need.written ? need : { ...need, read: true }));
}

function noteOf(instruction: Instruction): InstructionNote {
  const checked = instruction.body?.find(({ indexLimit }) => indexLimit !== undefined) ?? instruction;
  return { opcode: checked.opcode, scope: checked.scope, indexLimit: checked.indexLimit };
}

function commitRoots(graph: Graph): { readonly roots: Value[]; readonly last: Value[] } {
  return { roots: Object.values(graph.outputs), last: graph.assignments.map(({ value }) => value) };
}

/** The prologue first; and products that pack for themselves what no prologue keeps packed from run to run. */
function splitAndJoin(written: readonly Instruction[], hasParameters: boolean, { optimize, changing, packing }: PlanOptions): { readonly instructions: Instruction[]; readonly prologue: number } {
  const join = (instructions: readonly Instruction[], prologue: number): Instruction[] => (optimize ? packInProducts(instructions, packing, prologue) : [...instructions]);
  // Without a store of parameters the first storage is the input/output block, whose writes nobody announces.
  if (!hasParameters) return { instructions: join(written, 0), prologue: 0 };
  if (changing) return splitPrologue(join(written, 0));
  const { instructions, prologue } = splitPrologue(written);
  return { instructions: join(instructions, prologue), prologue };
}

/**
 * Gives every value of a graph a place and writes the instructions that compute it: units in order, destinations, lifetimes, arena. What the run
 * writes to variables comes last, so that a run that is stopped before has changed nothing.
 * @throws ERR_BPTT_GRAPH for a variable that no layout lists or an input that the graph does not list.
 */
export function planProgram(graph: Graph, layouts: readonly (readonly Variable[])[], options: PlanOptions): Plan {
  const memory = new Memory(graph, layouts);
  const block = new Block(memory, options);
  const { roots, last } = commitRoots(graph);
  const units: Unit[] = formUnits(roots, { fuse: options.optimize, insideScan: false, last });
  block.setUnits(units, [...roots, ...last]);
  const deliveries = deliveriesOf(graph, memory);
  for (const delivery of deliveries) {
    const allowed = delivery.variable === undefined || mayWriteVariable(block, delivery, deliveries);
    delivery.delivered = allowed && block.request(delivery.value, delivery.target);
  }
  requestAll(block);
  emitUnits(block);
  deliverRest(block, deliveries);
  const { instructions, prologue } = splitAndJoin(block.instructions, layouts.length > 0, options);
  if (options.optimize) shareRegions(instructions);
  const arenaSize = layOutArena(instructions, options.optimize);
  const program = { storages: storageNeeds(memory, instructions), arenaSize, constants: memory.constants(), instructions, prologue };
  return { program, block: memory.block, notes: instructions.map(noteOf) };
}
