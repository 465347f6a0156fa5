export { cell, cellNames, findCell, resolveCellOptions } from './cell.ts';
export type { Cell, CellDeclaration, CellOption, CellOptionValues, CellOptions, CellParameterOptions, CellSize, CellStep, CellTools } from './cell.ts';
export { cellSpecification } from './specification.ts';
export type { BiasMode, CellParameter, CellSpecification } from './specification.ts';
export { cellStep } from './step.ts';
export { gruCell } from './gru.ts';
export { lstmCell } from './lstm.ts';
export { rnnCell } from './rnn.ts';
