// What `import … from 'bptt'` gives. Data readers are in 'bptt/data', the functions that cells' equations are written with in 'bptt/graph'.
export { BpttError } from './errors.ts';
export type { ErrorCode } from './errors.ts';
export type {
  Affine, Cell, CellDeclaration, CellNumberOption, CellOption, CellOptions, CellOptionValues, CellParameterOptions, CellSize, CellSizes, CellStep, CellTools, GateProduct,
} from './cells/index.ts';
export { cell, gruCell, lstmCell, rnnCell } from './cells/index.ts';
export { elmanCell } from './cells/index.ts';
export { layerNormGruCell, layerNormLstmCell } from './cells/index.ts';
export { linearOutputLstmCell, peepholeLstmCell, sharedGateLstmCell, squashedLstmCell } from './cells/index.ts';
export { cifgCell, fgrCell, nfgCell, niafCell, nigCell, noafCell, nogCell, npCell, vanillaLstmCell } from './cells/index.ts';
export {
  jozefowiczLstmCell, lstmWithoutForgetGateCell, lstmWithoutInputGateCell, lstmWithoutOutputGateCell, mut1Cell, mut2Cell, mut3Cell,
} from './cells/index.ts';
export * from './layers/index.ts';
export * from './losses/index.ts';
export * from './optimizers/index.ts';
export * from './model/index.ts';
export * from './training/index.ts';
export * from './decoding/index.ts';
export * from './formats/index.ts';
export type { Compiled, CompileOptions, Executable, RunArray, Runtime, VariableStore } from './runtime/index.ts';
export { referenceRuntime, selectRuntime, setThreads } from './runtime/index.ts';
