export { crossEntropy } from './crossEntropy.ts';
export { absoluteError, binaryCrossEntropy, huber, squaredError } from './elementwise.ts';
export { defineLoss } from './loss.ts';
export type { Loss } from './loss.ts';
export { accuracySums, bitsPerToken, isClassification, lossSums, perplexity } from './metrics.ts';
export type { MetricSums } from './metrics.ts';
export { reduceLoss, reductions, stepWeights } from './reduction.ts';
export type { Reduction, ReductionOptions, StepSelection } from './reduction.ts';
export { lossFromDescription } from './registry.ts';
