import assert from 'node:assert/strict';
import { cell, cellNames, cellSpecification, findCell, gruCell, lstmCell, rnnCell, type BiasMode, type Cell, type CellOptions } from '../../lib/cells/index.ts';
import { add, concat, elementCount, matmul, multiply, reshape, sum, tanh, type Value } from '../../lib/graph/index.ts';
import { assertThrows } from '../support/errors.ts';

type Step = (tools: { x: Value; h: Value; affine: (gate: string, ...operands: Value[]) => Value }) => { output: Value; h: Value };

function broken(name: string, step: Step): Cell<'h'> {
  return cell(name, { state: { h: 'units' } }, step as never);
}

function shapesOf<State extends string, Options extends CellOptions>(measured: Cell<State, Options>, bias: BiasMode, options = {}): Record<string, readonly number[]> {
  const { parameters } = cellSpecification(measured, 3, 5, { bias, options });
  return Object.fromEntries(parameters.map(({ name, shape }) => [name, shape]));
}

function count<State extends string, Options extends CellOptions>(measured: Cell<State, Options>, inputSize: number, units: number, bias: BiasMode): number {
  return cellSpecification(measured, inputSize, units, { bias }).parameters.reduce((total, { shape }) => total + elementCount(shape), 0);
}

describe('what a cell turns out to need', () => {
  it('stacks the gates in order of first use', () => {
    assert.deepEqual(cellSpecification(lstmCell, 3, 5).gates, ['i', 'f', 'g', 'o']);
    assert.deepEqual(cellSpecification(gruCell, 3, 5).gates, ['r', 'z', 'n']);
    assert.deepEqual(cellSpecification(gruCell, 3, 5, { options: { reset: 'before' } }).gates, ['r', 'z', 'n']);
    assert.deepEqual(cellSpecification(rnnCell, 3, 5).gates, ['h']);
  });
  it('gives weights of shape [in, gates · units] and biases as asked', () => {
    const weights = { weight_ih: [3, 20], weight_hh: [5, 20] };
    assert.deepEqual(shapesOf(lstmCell, 'single'), { ...weights, bias_ih: [20] });
    assert.deepEqual(shapesOf(lstmCell, 'double'), { ...weights, bias_ih: [20], bias_hh: [20] });
    assert.deepEqual(shapesOf(lstmCell, false), weights);
  });
  it('keeps the bias inside of the reset gate when biases are single', () => {
    const { parameters } = cellSpecification(gruCell, 3, 5);
    assert.deepEqual(parameters.find(({ name }) => name === 'bias_hh')?.gates, [{ name: 'n', size: 5 }]);
    assert.deepEqual(shapesOf(gruCell, 'single', { reset: 'before' }), { weight_ih: [3, 15], weight_hh: [5, 15], bias_ih: [15] });
  });
  it('has the counts that PyTorch and Keras print', () => {
    assert.equal(count(lstmCell, 1, 100, 'double') + count(lstmCell, 100, 100, 'double'), 122_000);
    assert.equal(count(lstmCell, 64, 128, 'single'), 98_816);
    assert.equal(count(rnnCell, 128, 128, 'single'), 32_896);
    assert.equal(count(gruCell, 7, 5, 'double'), 3 * (5 * 5 + 5 * 7 + 2 * 5));
  });
  it('does not depend on the length of sequences or the batch', () => {
    assert.deepEqual(cellSpecification(lstmCell, 3, 5).state, { h: 5, c: 5 });
    assert.equal(cellSpecification(lstmCell, 3, 5).outputSize, 5);
  });
});

describe('sizes, options and products of a cell', () => {
  const ranged = cell('testRanged', {
    state: { h: ({ units, input, options }) => units + input + options.more, c: 'units' },
    options: { more: { default: 2, least: 0, whole: true }, gain: { default: 1, least: 0, most: 4 } },
  }, ({ x, h, c, affine, parameter, options }) => {
    const i = affine('i', x, h);
    return { output: i, h: matmul(multiply(add(i, c), options.gain), parameter('back', ['units', ({ input, options: { more } }) => 5 + input + more], { transposed: true })), c };
  });

  it('a state\'s size may follow from units, features and options, and recurrent weights go with it', () => {
    const { state, recurrentSize, parameters, outputSize } = cellSpecification(ranged, 3, 5);
    assert.deepEqual([state, recurrentSize, outputSize], [{ h: 10, c: 5 }, 10, 5]);
    assert.deepEqual(parameters.map(({ name, shape, transposed }) => [name, shape, transposed]),
      [['weight_ih', [3, 5], true], ['weight_hh', [10, 5], true], ['bias_ih', [5], false], ['back', [5, 10], true]]);
    assert.equal(cellSpecification(ranged, 3, 5, { options: { more: 0 } }).recurrentSize, 8);
  });
  it('a size must be one', () => {
    const nowhere = cell('testNowhere2', { state: { h: ({ units }) => units / 2 } }, ({ h }) => ({ output: h, h }));
    assertThrows(() => cellSpecification(nowhere, 3, 5), 'ERR_BPTT_SHAPE', /cell "testNowhere2": state "h": expected a size of 1 or more, received 2\.5/);
  });
  it('a number may have a range', () => {
    const refuse = (options: object, message: RegExp): void => assertThrows(() => cellSpecification(ranged, 3, 5, { options: options as Record<string, unknown> }), 'ERR_BPTT_RANGE', message);
    refuse({ more: 0.5 }, /expected more to be an integer of 0 or more, received 0\.5/);
    refuse({ more: -1 }, /more/);
    refuse({ gain: 5 }, /gain to be a number of 0 or more and at most 4, received 5/);
    assertThrows(() => cellSpecification(ranged, 3, 5, { options: { gain: 'much' } }), 'ERR_BPTT_TYPE', /gain/);
  });
  it('affineThrough gives every product to a transform, which must keep its shape', () => {
    const seen: string[] = [];
    const noted = cell('testNoted', { state: { h: 'units' } }, ({ x, h, affineThrough }) => {
      const affine = affineThrough((product, { gate, weight }) => {
        seen.push(`${gate} ${weight}`);
        return product;
      });
      return { output: h, h: add(affine('a', x, h), affine('b', x)) };
    });
    assert.deepEqual(cellSpecification(noted, 3, 5).gates, ['a', 'b']);
    assert.deepEqual(seen, ['a input', 'a recurrent', 'b input']);
    const summing = cell('testSumming', { state: { h: 'units' } }, ({ x, h, affineThrough }) => ({ output: h, h: affineThrough((product) => sum(product, [1]))('a', x, h) }));
    assertThrows(() => cellSpecification(summing, 3, 5), 'ERR_BPTT_SHAPE', /affineThrough: expected \[1, 5\] again, received float32 \[1\]/);
  });
  it('candidate marks a value of the cell\'s units', () => {
    assert.ok(cellSpecification(lstmCell, 3, 5).candidate);
    assert.ok(!cellSpecification(rnnCell, 3, 5).candidate);
    const narrow = cell('testNarrow', { state: { h: 'units' } }, ({ x, h, candidate }) => ({ output: candidate(x), h }));
    assertThrows(() => cellSpecification(narrow, 3, 5), 'ERR_BPTT_SHAPE', /candidate: expected \[N, 5\], received \[1, 3\]/);
  });
});

describe('cell', () => {
  it('is known by its name', () => {
    assert.equal(findCell('lstm'), lstmCell);
    assert.equal(findCell('nothing'), undefined);
    assert.ok(['rnn', 'lstm', 'gru'].every((name) => cellNames().includes(name)));
    assert.ok(Object.isFrozen(lstmCell));
  });
  it('refuses a name that is taken, and what is no name', () => {
    assertThrows(() => cell('lstm', { state: { h: 'units' } }, ({ h }) => ({ output: h, h })), 'ERR_BPTT_OPTION', /"lstm".*already defined.*another name/);
    assertThrows(() => cell('my cell', { state: { h: 'units' } }, ({ h }) => ({ output: h, h })), 'ERR_BPTT_OPTION', /letters and digits/);
  });
  it('refuses states that are no sizes, no states and misspelt settings', () => {
    assertThrows(() => cell('testNone', { state: {} }, () => ({}) as never), 'ERR_BPTT_OPTION', /at least one state/);
    assertThrows(() => cell('testSize', { state: { h: 'unit' as 'units' } }, ({ h }) => ({ output: h, h })), 'ERR_BPTT_OPTION', /h: "unit"/);
    assertThrows(() => cell('testReserved', { state: { x: 'units' } }, ({ x }) => ({ output: x, x })), 'ERR_BPTT_OPTION', /states called/);
    assertThrows(() => cell('testTypo', { state: { h: 'units' }, gatebias: 1 } as never, () => ({}) as never), 'ERR_BPTT_OPTION', /did you mean "gateBias"/);
  });
  it('refuses options that no layer could read', () => {
    const declare = (options: unknown): Cell => cell(`testOption${cellNames().length}`, { state: { h: 'units' }, options } as never, (({ h }: { h: Value }) => ({ output: h, h })) as never);
    for (const none of [null, 7, ['a']]) assertThrows(() => declare(none), 'ERR_BPTT_TYPE', /expected options to be an object of declared options/);
    for (const words of [[], [1, 2], ['a', 'a']]) assertThrows(() => declare({ mode: words }), 'ERR_BPTT_OPTION', /options\.mode to be a list of different words/);
    for (const odd of [null, 'word', () => 1]) assertThrows(() => declare({ mode: odd }), 'ERR_BPTT_TYPE', /options\.mode to be a number/);
    assertThrows(() => declare({ mode: NaN }), 'ERR_BPTT_RANGE', /options\.mode/);
    assertThrows(() => declare({ rate: { defualt: 1 } }), 'ERR_BPTT_OPTION', /did you mean "default"/);
    assertThrows(() => declare({ rate: {} }), 'ERR_BPTT_TYPE', /options\.rate\.default to be a number/);
    assertThrows(() => declare({ rate: { default: 5, most: 2 } }), 'ERR_BPTT_RANGE', /options\.rate\.default to be a number of .* at most 2, received 5/);
    assertThrows(() => declare({ rate: { default: 1, least: 3, most: 0 } }), 'ERR_BPTT_RANGE', /options\.rate\.least/);
    assertThrows(() => declare({ rate: { default: 1.5, whole: true } }), 'ERR_BPTT_RANGE', /options\.rate\.default to be an integer/);
    assertThrows(() => declare({ rate: { default: 1, whole: 'yes' } }), 'ERR_BPTT_TYPE', /options\.rate\.whole/);
    declare({ mode: ['a', 'b'], on: false, scale: -2, rate: { default: 1, least: 1, most: 1, whole: true } });
  });
  it('refuses beginnings of biases that no gate has, or that are no numbers', () => {
    const begin = (gateBias: unknown): Cell => cell(`testBias${cellNames().length}`, { state: { h: 'units' }, gateBias } as never, (({ x, h, affine }: { x: Value; h: Value; affine: (gate: string, ...operands: Value[]) => Value }) => ({ output: h, h: affine('f', x, h) })) as never);
    assertThrows(() => begin({ f: 1 }), 'ERR_BPTT_TYPE', /gateBias to be a function/);
    assertThrows(() => cellSpecification(begin(() => ({ forget: 1 })), 3, 5), 'ERR_BPTT_GRAPH', /bias of the gate "forget" begins, and the equations have no such gate \(gates: f\)/);
    assertThrows(() => cellSpecification(begin(() => undefined), 3, 5), 'ERR_BPTT_TYPE', /numbers by gate/);
    assertThrows(() => cellSpecification(begin(() => ({ f: NaN })), 3, 5), 'ERR_BPTT_RANGE', /gateBias of f/);
    cellSpecification(begin(() => ({ f: 1 })), 3, 5);
  });
  it('refuses settings of a weight that nobody would read', () => {
    const weigh = (settings: unknown) => (): unknown => cellSpecification(cell(`testWeight${cellNames().length}`, { state: { h: 'units' } }, ({ h, parameter }) => {
      const next = multiply(h, parameter('p', ['units'], settings as never));
      return { output: next, h: next };
    }), 3, 5);
    assertThrows(weigh({ initialiser: 1 }), 'ERR_BPTT_OPTION', /parameter "p": unknown option "initialiser"; did you mean "initializer"/);
    assertThrows(weigh({ group: 'recurent' }), 'ERR_BPTT_OPTION', /group to be one of/);
    assertThrows(weigh({ initializer: 'ones' }), 'ERR_BPTT_TYPE', /a number or an initializer such as/);
    assertThrows(weigh({ initializer: Infinity }), 'ERR_BPTT_RANGE', /initializer/);
    assertThrows(weigh({ transposed: 1 }), 'ERR_BPTT_TYPE', /transposed/);
    weigh({ group: 'output', initializer: 1, transposed: false })();
  });
  it('refuses equations that forget a state or change its shape', () => {
    const forgetful = broken('testForgetful', ({ x, h, affine }) => ({ output: affine('h', x, h) }) as never);
    assertThrows(() => cellSpecification(forgetful, 3, 5), 'ERR_BPTT_GRAPH', /give \{ output, h \}, received \{ output \}/);
    const growing = broken('testGrowing', ({ h }) => ({ output: h, h: concat([h, h], 1) }));
    assertThrows(() => cellSpecification(growing, 3, 5), 'ERR_BPTT_SHAPE', /next h of shape \[1, 5\], received \[1, 10\]/);
  });
  it('refuses two recurrent operands on one weight, operands of other sizes and none', () => {
    const shared = broken('testShared', ({ x, h, affine }) => ({ output: h, h: affine('h', x, h, tanh(h)) }));
    assertThrows(() => cellSpecification(shared, 3, 5), 'ERR_BPTT_GRAPH', /share one weight; give each product a gate of its own/);
    const wide = broken('testWide', ({ x, h, affine }) => ({ output: h, h: add(affine('h', x, h), affine('g', x, concat([h, h], 1))) }));
    assertThrows(() => cellSpecification(wide, 3, 5), 'ERR_BPTT_SHAPE', /affine\('g', …\): expected a recurrent operand of shape \[N, 5\] as the ones before, received \[N, 10\].*parameter\(\) and matmul\(\)/);
    const deep = broken('testDeep', ({ x, h, affine }) => ({ output: h, h: affine('h', x, reshape(h, [-1, 5, 1])) }));
    assertThrows(() => cellSpecification(deep, 3, 5), 'ERR_BPTT_SHAPE', /recurrent operand of shape \[N, features\], received float32 \[1, 5, 1\]/);
    const empty = broken('testEmpty', ({ h, affine }) => ({ output: h, h: affine('h') }));
    assertThrows(() => cellSpecification(empty, 3, 5), 'ERR_BPTT_GRAPH', /at least one operand/);
  });
  it('refuses one parameter name for two shapes', () => {
    const twice = cell('testTwice', { state: { h: 'units' } }, ({ h, parameter }) => (
      { output: h, h: add(multiply(h, parameter('p', ['units'])), parameter('p', [1])) }));
    assertThrows(() => cellSpecification(twice, 3, 5), 'ERR_BPTT_GRAPH', /"p" of shape \[1\]: the name is taken by one of shape \[5\]/);
  });
});
