export type { CompiledProgram, CompileProgramOptions } from './compile.ts';
export { compile } from './compile.ts';
export { prepare } from './optimize.ts';
export type { DecodedInstruction, DecodedMapInstruction, DecodedOperand, DecodedProgram } from './decode.ts';
export { decodeProgram } from './decode.ts';
export { countOpcodes, describeProgram } from './describe.ts';
export type { BlockLayout, Slot } from './plan/memory.ts';
export { layOutVariables } from './plan/memory.ts';
export type { InstructionNote } from './program.ts';
