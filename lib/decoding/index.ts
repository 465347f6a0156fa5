export { distribution } from './distribution.ts';
export type { DistributionOptions } from './distribution.ts';
export { sample, suggest } from './sample.ts';
export type { SampleOptions, Suggestion, TokenStream } from './sample.ts';
export { generate } from './generate.ts';
export type { GenerateOptions, TokenRows } from './generate.ts';
