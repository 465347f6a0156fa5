import { dense, dropout, jordan, nonlinearAutoregression, stateSpace, timeDelay } from '../../../lib/layers/index.ts';
import { testMemoryLayer } from '../../support/layer-conformance.ts';

describe('networks before the recurrent one', () => {
  testMemoryLayer('[14] timeDelay', timeDelay({ units: 3, window: 3, activation: 'tanh' }));
  testMemoryLayer('[14] timeDelay with a window longer than the sequence', timeDelay({ units: 2, window: 9, bias: false }));
  testMemoryLayer('[17] nonlinearAutoregression in closed loop', nonlinearAutoregression({ units: 2, inputDelays: [0, 3], outputDelays: [1, 3] }));
  testMemoryLayer('[17] nonlinearAutoregression with one delay each', nonlinearAutoregression({ units: 1, inputDelays: [1], outputDelays: [1], transition: [dense({ units: 1, activation: 'tanh' })] }));
  for (const context of ['sum', 'average'] as const) testMemoryLayer(`[18] jordan, ${context}`, jordan({ units: 3, outputs: 2, context, outputActivation: 'sigmoid', decay: 0.3 }));
  testMemoryLayer('[20] stateSpace with a transition of two layers', stateSpace({ units: 3, transition: [dense({ units: 5, activation: 'tanh' }), dense({ units: 3, activation: 'sigmoid' })] }));
  testMemoryLayer('[20] stateSpace of four layers and a learned beginning', stateSpace({
    units: 2, initialState: 'learned', transition: [dense({ units: 4, activation: 'tanh' }), dropout({ rate: 0.5 }), dense({ units: 3, activation: 'softplus' }), dense({ units: 2 })],
  }));
});
