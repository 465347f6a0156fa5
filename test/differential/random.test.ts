import fc from 'fast-check';
import { graphSeeds, randomOutputs } from '../compiler/randomGraphs.ts';
import { assertAgreement, graphOf, needsNative } from './support.ts';

describe('random graphs on the engine', () => {
  needsNative();
  it('give the reference\'s numbers, with and without passes', () => {
    fc.assert(fc.property(graphSeeds, (numbers) => assertAgreement(graphOf(randomOutputs(numbers)), { tolerance: 2e-4 })), { numRuns: 60 });
  });

  it('give the reference\'s gradients, with and without passes', () => {
    fc.assert(fc.property(graphSeeds, (numbers) => assertAgreement(graphOf(randomOutputs(numbers, { gradients: true })), { tolerance: 2e-4 })), { numRuns: 40 });
  });
});
