// What `import … from 'bptt/analysis'` gives: looking into cells and models, and drawing what is seen.
export { heatPlot } from './plot/heatPlot.ts';
export type { HeatPlotOptions } from './plot/heatPlot.ts';
export { linePlot } from './plot/linePlot.ts';
export type { LinePlotOptions, PlotSeries } from './plot/linePlot.ts';
export type { PlotAxis, PlotOptions } from './plot/axis.ts';
export { inspectGates } from './gates.ts';
export type { GateInspection, InspectGatesOptions } from './gates.ts';
export { gradientCheck } from './gradientCheck.ts';
export type { GradientCheckEntry, GradientCheckOptions, GradientCheckReport, GradientCheckTarget } from './gradientCheck.ts';
export { gradientNorms } from './gradientNorms.ts';
export type { GradientNormOptions, GradientNorms } from './gradientNorms.ts';
export { jacobianNorms } from './jacobians.ts';
export type { JacobianOptions, JacobianReport, JacobianRow } from './jacobians.ts';
export type { WeightBound } from './jacobianVerdict.ts';
export { singularValues } from './singularValues.ts';
export { tap } from './tap.ts';
export type { FixedPoint, TapActivation, TapMap, TwoCycle } from './tap.ts';
