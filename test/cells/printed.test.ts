import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { cell, gruCell, lstmCell, type Cell } from '../../lib/cells/index.ts';
import { add, concat, matmul, multiply, sigmoid, sliceAxis, subtract, tanh } from '../../lib/graph/index.ts';
import { dense, gru, lstm, referenceRuntime, sequential } from '../../lib/index.ts';
import { runCell, units, type WeightChoice } from '../support/named-weights.ts';
import { largestDifference } from '../support/numbers.ts';
import { buildLayer, initialNumbers, numbersFor } from '../support/scope.ts';
import { numbers } from '../support/tensors.ts';

const root = path.resolve(import.meta.dirname, '../..');
const page = (name: string): string => readFileSync(path.join(root, 'docs/cells', name), 'utf8');

describe('cells as the lecture notes print them', () => {
  it('[58] [i f o g] = W [h; x] in one product is the LSTM', () => {
    const printed = cell('testPrintedLstm', { state: { h: 'units', c: 'units' } }, ({ x, h, c, parameter }) => {
      const all = add(matmul(concat([h, x], 1), parameter('W', [units + 4, 4 * units])), parameter('b', [4 * units]));
      const [i, f, o] = [0, 1, 2].map((gate) => sigmoid(sliceAxis(all, 1, gate * units, units)));
      const g = tanh(sliceAxis(all, 1, 3 * units, units));
      const memory = add(multiply(f!, c), multiply(i!, g));
      const next = multiply(o!, tanh(memory));
      return { output: next, h: next, c: memory };
    });
    const order = ['i', 'f', 'o', 'g'];
    const weights: WeightChoice = (name, shape) => {
      const columns = shape.at(-1)!;
      return Float64Array.from({ length: shape.reduce((count, size) => count * size, 1) }, (_, at) => {
        const [row, column] = [Math.floor(at / columns), at % columns];
        const [gate, unit] = [order[Math.floor(column / units)]!, column % units];
        if (name === 'b') return numbersFor(`bias_ih.${gate}`, [units])[unit]!;
        return row < units ? numbersFor(`weight_hh.${gate}`, [units, units])[row * units + unit]! : numbersFor(`weight_ih.${gate}`, [4, units])[(row - units) * units + unit]!;
      });
    };
    assert.ok(largestDifference(runCell(printed as unknown as typeof lstmCell, { weights }).output.data, runCell(lstmCell).output.data) < 1e-14);
  });
  it('[67] [68] [83] h = (1 − u) ⊙ g + u ⊙ h with the reset before the product: the GRU with reset "before", bit for bit', () => {
    const printed = cell('testPrintedGru', { state: { h: 'units' } }, ({ x, h, affine }) => {
      const r = sigmoid(affine('r', x, h));
      const u = sigmoid(affine('z', x, h));
      const g = tanh(affine('n', x, multiply(h, r)));
      const next = add(multiply(subtract(1, u), g), multiply(u, h));
      return { output: next, h: next };
    }) as unknown as typeof gruCell;
    assert.deepEqual(runCell(printed).output.data, runCell(gruCell, { options: { reset: 'before' } }).output.data);
    assert.ok(largestDifference(runCell(printed).output.data, runCell(gruCell, { options: { reset: 'before', update: 'replace' } }).output.data) > 1e-3);
  });
  it('[69] h = (1 − z) ⊙ h + z ⊙ n without biases: reset "before", update "replace", bias false', () => {
    const layer = gru({ units: 5, reset: 'before', update: 'replace', bias: false });
    const { parameters } = buildLayer({ layer, x: numbers([1, 1, 2], [1, 2]) }).scope.requests;
    assert.deepEqual([...parameters.keys()], ['weight_ih_l0', 'weight_hh_l0']);
  });
});

describe('the LSTM of PyTorch', () => {
  const onDisk = (units: number, layers: number): Record<string, number[]> => {
    const made = sequential([lstm({ units, layers, bias: 'double' })], { input: { features: 1 }, runtime: referenceRuntime });
    return Object.fromEntries(made.parameters.map(({ diskName, diskTransposed, shape }) => [diskName.replace(/^lstm\./, ''), diskTransposed ? [...shape].reverse() : [...shape]]));
  };

  it('[61] has these keys and shapes: weight_ih_l0 [16, 1], weight_hh_l0 [16, 4], bias_ih_l0 [16], bias_hh_l0 [16]', () => {
    assert.deepEqual(onDisk(4, 1), { weight_ih_l0: [16, 1], weight_hh_l0: [16, 4], bias_ih_l0: [16], bias_hh_l0: [16] });
  });
  it('[61] two layers of 100 units over one feature have 122,000 weights, and the dense layer of one unit on top 101', () => {
    const made = sequential([lstm({ units: 100, layers: 2, bias: 'double' }), dense({ units: 1 })], { input: { features: 1 }, runtime: referenceRuntime });
    const count = (layer: string): number => made.parameters.filter(({ name }) => name.startsWith(`${layer}/`)).reduce((total, parameter) => total + parameter.count, 0);
    assert.deepEqual([count('lstm'), count('dense'), made.parameterCount], [122_000, 101, 122_101]);
    assert.deepEqual(Object.keys(onDisk(100, 2)), ['weight_ih_l0', 'weight_hh_l0', 'bias_ih_l0', 'bias_hh_l0', 'weight_ih_l1', 'weight_hh_l1', 'bias_ih_l1', 'bias_hh_l1']);
  });
  it('[62] the page answers the four questions, and as the layer is', () => {
    const text = page('lstm.md');
    const section = text.slice(text.indexOf('## Four questions'));
    for (const answer of [/What are `weight_ih` and `weight_hh`\?/, /dimensions\?.*i, f, g, o/s, /Which LSTM is it\?.*no peepholes/s, /initiali[sz]ed\?.*gate by gate/s]) assert.match(section, answer);
    const { parameters } = buildLayer({ layer: lstm({ units: 6 }), x: numbers([1, 1, 2], [1, 2]) }).scope.requests;
    assert.ok(![...parameters.keys()].some((name) => name.startsWith('peephole')));
    const weight = parameters.get('weight_hh_l0')!;
    assert.deepEqual(weight.options.gates!.map(({ name }) => name), ['i', 'f', 'g', 'o']);
    const values = initialNumbers('weight_hh_l0', weight);
    for (let gate = 0; gate < 4; gate++) {
      const column = Array.from({ length: 6 }, (_, row) => values[row * 24 + gate * 6]!);
      assert.ok(Math.abs(column.reduce((total, value) => total + value * value, 0) - 1) < 1e-12, 'each gate\'s block is orthogonal on its own');
    }
  });
  it('[66] the page lists what LSTMs succeed at, with examples that are there', () => {
    const text = page('lstm.md');
    const section = text.slice(text.indexOf('## What it has been good for'));
    const named = [...section.matchAll(/\]\(\.\.\/\.\.\/(examples\/[^)]+)\)/g)].map(([, file]) => file!);
    assert.ok(named.length >= 3, named.join());
    for (const file of named) assert.ok(existsSync(path.join(root, file)), file);
  });
  it('every cell of the package is on one of the pages', async () => {
    const all = Object.entries(await import('../../lib/cells/index.ts')).filter(([name, value]) => name.endsWith('Cell') && typeof value === 'object').map(([, value]) => (value as unknown as Cell).name);
    const texts = `${page('lstm.md')}${page('gru.md')}${page('rnn.md')}`;
    assert.deepEqual(all.filter((name) => !texts.includes(`\`${name}Cell\``)), []);
  });
});
