import { add, multiply, sigmoid, subtract, tanh, matmul } from '../../lib/graph/index.ts';
import { cell, gruCell, lstmCell, rnnCell } from '../../lib/cells/index.ts';
import { testCell } from '../support/cell-conformance.ts';

describe('every cell', () => {
  for (const activation of ['tanh', 'relu', 'sigmoid', 'linear'] as const) testCell(`rnn, ${activation}`, rnnCell, { activation });
  testCell('lstm', lstmCell);
  testCell('gru, reset after', gruCell, { reset: 'after' });
  testCell('gru, reset before', gruCell, { reset: 'before' });

  const peephole = cell('testPeephole', { state: { h: 'units', c: 'units' } }, ({ x, h, c, affine, parameter }) => {
    const i = sigmoid(add(affine('i', x, h), multiply(parameter('peephole_i', ['units']), c)));
    const f = sigmoid(add(affine('f', x, h), matmul(c, parameter('full_peephole_f', ['units', 'units']))));
    const next = add(multiply(f, c), multiply(i, tanh(affine('g', x, h))));
    const o = sigmoid(add(affine('o', x, h), multiply(parameter('peephole_o', ['units']), next)));
    return { output: multiply(o, tanh(next)), h: multiply(o, tanh(next)), c: next };
  });
  testCell('a cell of one\'s own with peepholes, whose output is no state', peephole);

  const average = cell('testAverage', { state: { level: 'input', pair: 2 } }, ({ x, level, pair, units, affine, parameter }) => {
    const next = add(multiply(level, 0.75), multiply(x, 0.25));
    const seen = tanh(add(multiply(pair, 0.5), matmul(next, parameter('mixing', ['input', 2]))));
    const shown = matmul(subtract(seen, 1 / units), parameter('showing', [2, 'units']));
    return { output: add(sigmoid(affine('out', x)), shown), level: next, pair: seen };
  });
  testCell('a cell of one\'s own with states of other sizes', average);
});
