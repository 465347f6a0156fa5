// What `import … from 'bptt/analysis'` gives: looking into cells and models, and drawing what is seen.
export { heatPlot } from './plot/heatPlot.ts';
export type { HeatPlotOptions } from './plot/heatPlot.ts';
export { linePlot } from './plot/linePlot.ts';
export type { LinePlotOptions, PlotSeries } from './plot/linePlot.ts';
export type { PlotAxis, PlotOptions } from './plot/axis.ts';
export { inspectGates } from './gates.ts';
export type { GateInspection, InspectGatesOptions } from './gates.ts';
