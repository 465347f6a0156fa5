import assert from 'node:assert/strict';
import * as cells from '../../../lib/cells/index.ts';
import { cell, cellSpecification, gruCell, type Cell } from '../../../lib/cells/index.ts';
import { add, matmul, multiply, sigmoid, tanh } from '../../../lib/graph/index.ts';
import { constantValue, gru, lstm, recurrent, rnn, type Layer } from '../../../lib/layers/index.ts';
import { connect, input, model, modelFromJSON, sequential, type Model } from '../../../lib/model/index.ts';
import { assertThrows } from '../../support/errors.ts';

const [units, features] = [3, 2];

const modelOf = (layer: Layer): Model => sequential([layer], { input: { features }, seed: 5 });

/** A gate's block of a weight [rows, gates · units] or [gates · units]. */
function block(built: Model, name: string, position: number): number[] {
  const { view, shape } = built.parameter(name);
  const width = shape.at(-1)!;
  return Array.from(view).filter((_, i) => Math.floor((i % width) / units) === position);
}

const half = constantValue({ value: 0.5 });

/** "weight_ih_l0 1": the blocks whose numbers are all 0.5, and whether all others are as in `usual`. */
function changedBlocks(built: Model, usual: Model): string[] {
  return built.parameters.flatMap(({ name, shape }) => {
    const blocks = Array.from({ length: shape.at(-1)! / units }, (_, position) => position);
    return blocks.filter((position) => {
      const [now, before] = [block(built, name, position), block(usual, name, position)];
      if (now.every((value) => value === 0.5)) return true;
      assert.deepEqual(now, before, `${name} ${position}`);
      return false;
    }).map((position) => `${name.split('/')[1]!} ${position}`);
  });
}

const ownCell = cell('gateInitializersOwn', { state: { h: 'units' } }, ({ x, h, affine }) => {
  const keep = sigmoid(affine('keep', h));
  return { output: h, h: tanh(multiply(keep, affine('take', x))) };
});

/** Its number has a range within 1, and only one of its modes says where the bias of f begins. */
const choosyCell = cell('gateInitializersChoosy', {
  state: { h: 'units' }, options: { mode: ['open', 'plain'], start: { default: 0.5, least: 0.25, most: 0.75 } }, gateBias: ({ mode, start }): Record<string, number> => (mode === 'open' ? { f: start } : {}),
}, ({ x, h, affine }) => ({ output: h, h: multiply(sigmoid(affine('f', x)), tanh(affine('take', h))) }));

describe('initializers gate by gate', () => {
  it('[136] one gate begins otherwise, the others as they would have', () => {
    const usual = modelOf(lstm({ units }));
    const built = modelOf(lstm({ units, initializer: { gates: { f: { recurrent: 'identity' }, o: { input: half, bias: half } } } }));
    assert.deepEqual(block(built, 'lstm/weight_hh_l0', 1), [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    for (const gate of [0, 2, 3]) assert.deepEqual(block(built, 'lstm/weight_hh_l0', gate), block(usual, 'lstm/weight_hh_l0', gate));
    assert.deepEqual(block(built, 'lstm/weight_ih_l0', 3), new Array(6).fill(0.5));
    assert.deepEqual([...built.parameter('lstm/bias_ih_l0').view], [0, 0, 0, 1, 1, 1, 0, 0, 0, 0.5, 0.5, 0.5]);
    const others = modelOf(lstm({ units, initializer: { input: 'zeros', recurrent: 'zeros', gates: { g: { input: 'heNormal', recurrent: 'orthogonal' } } } }));
    for (const weight of ['weight_ih', 'weight_hh']) {
      for (const gate of [0, 1, 2, 3]) assert.equal(block(others, `lstm/${weight}_l0`, gate).every((value) => value === 0), gate !== 2);
    }
  });

  const all = Object.values<unknown>(cells).filter((each): each is Cell => typeof each === 'object' && each !== null && 'equations' in each);
  it('are tested for all cells', () => assert.ok(all.length > 20));
  for (const made of [...all, ownCell as Cell]) {
    it(`every gate of ${made.name}`, () => {
      const layer = (initializer?: object): Layer => recurrent(made, { units, initializer } as never);
      const specification = cellSpecification(made, features, units);
      const usual = modelOf(layer());
      const [first] = specification.parameters.filter(({ gates }) => gates);
      assert.ok(first, 'has gates');
      for (const gate of specification.gates) {
        for (const [part, weights] of Object.entries({ input: ['weight_ih'], recurrent: ['weight_hh'], bias: ['bias_ih', 'bias_hh'] })) {
          const places = specification.parameters.filter((parameter) => weights.includes(parameter.name))
            .map((parameter) => ({ weight: parameter.name, position: parameter.gates!.findIndex((each) => each.name === gate) })).filter(({ position }) => position >= 0);
          const make = (): Model => modelOf(layer({ gates: { [gate]: { [part]: half } } }));
          if (places.length === 0) assertThrows(make, 'ERR_BPTT_OPTION', new RegExp(`gates\\.${gate}\\.${part}: the gate "${gate}" has no`));
          else assert.deepEqual(changedBlocks(make(), usual), [`${places[0]!.weight}_l0 ${places[0]!.position}`]);
        }
      }
    });
  }

  it('in every stacked layer and direction, and in the weights of a context', () => {
    const built = modelOf(gru({ units, layers: 2, direction: 'bidirectional', initializer: { gates: { z: { recurrent: half } } } }));
    for (const suffix of ['l0', 'l0_reverse', 'l1', 'l1_reverse']) {
      const { gates: [...names] } = cellSpecification(gruCell, features, units);
      names.forEach((name, position) => assert.equal(block(built, `gru/weight_hh_${suffix}`, position).every((value) => value === 0.5), name === 'z', `${suffix} ${name}`));
    }
    const [sequence, vector] = [input({ name: 'sequence', features }), input({ name: 'vector', features: 4, time: false })];
    const told = model({ inputs: [sequence, vector], outputs: connect(lstm({ units, context: 'every', initializer: { gates: { g: { input: half } } } }), sequence, vector) });
    assert.deepEqual([0, 1, 2, 3].map((gate) => block(told, 'lstm/weight_ch_l0', gate).every((value) => value === 0.5)), [false, false, true, false]);
  });

  it('once where a gate has two biases', () => {
    const built = modelOf(lstm({ units: 1, bias: 'double', initializer: { bias: constantValue({ value: 3 }), gates: { g: { bias: half } } } }));
    assert.deepEqual([...built.parameter('lstm/bias_ih_l0').view], [3, 1, 0.5, 3]);
    assert.deepEqual([...built.parameter('lstm/bias_hh_l0').view], [3, 3, 3, 3]);
  });

  it('comes back with the model', () => {
    const built = modelOf(lstm({ units, initializer: { recurrent: 'zeros', gates: { f: { recurrent: { kind: 'normal', options: { deviation: 2 } }, bias: half } } } }));
    const text = JSON.stringify(built.definition);
    assert.match(text, /"gates":\{"f":\{"recurrent":\{"kind":"normal","options":\{"deviation":2\}\},"bias":\{"kind":"constant","options":\{"value":0\.5\}\}\}\}/);
    const again = modelFromJSON(JSON.parse(text) as never);
    for (const { name, view } of built.parameters) assert.deepEqual([...again.parameter(name).view], [...view], name);
  });

  it('names the gate that is not there', () => {
    assertThrows(() => modelOf(lstm({ units, name: 'memory', initializer: { gates: { forget: { bias: 'ones' } } } })), 'ERR_BPTT_OPTION',
      /lstm "memory": initializer\.gates: the cell has no gate "forget" \(gates: i, f, g, o\)/);
    assertThrows(() => modelOf(recurrent(ownCell, { units, initializer: { gates: { kep: { bias: 'ones' } } } })), 'ERR_BPTT_OPTION', /no gate "kep"; did you mean "keep"/);
    assertThrows(() => modelOf(recurrent(ownCell, { units, initializer: { gates: { keep: { input: 'ones' } } } })), 'ERR_BPTT_OPTION', /gates\.keep\.input: the gate "keep" has no input weights/);
    assertThrows(() => modelOf(rnn({ units, initializer: { gates: { toString: { input: 'ones' } } } })), 'ERR_BPTT_OPTION', /no gate "toString"/);
  });

  it('refuses initializers that no weight begins with', () => {
    const leak = cell('leakWithoutWeights', { state: { h: 'units' } }, ({ x, h, parameter }) => {
      const next = add(multiply(parameter('keep', ['units']), h), matmul(x, parameter('projection', ['input', 'units'])));
      return { output: next, h: next };
    });
    const chosen = (part: string): Model => modelOf(recurrent(leak, { units, initializer: { [part]: 'ones' } }));
    assertThrows(() => chosen('input'), 'ERR_BPTT_OPTION', /leakWithoutWeights: initializer\.input says what input weights begin with, and the cell's equations leave it none to choose; leave it out/);
    assertThrows(() => chosen('bias'), 'ERR_BPTT_OPTION', /initializer\.bias says what biases begin with/);
    assert.ok(chosen('recurrent').parameter('leakWithoutWeights/projection_l0').view.every((value) => value === 1));
    for (const part of ['input', 'recurrent', 'bias']) modelOf(gru({ units, initializer: { [part]: 'ones' } }));
  });

  it('refuses what would be ignored, and what are no initializers', () => {
    const bias = { gates: { f: { bias: 'ones' } } };
    assertThrows(() => lstm({ units, bias: false, initializer: bias }), 'ERR_BPTT_OPTION', /initializer\.gates\.f\.bias says where biases begin/);
    for (const forgetBias of [3, 1]) {
      assertThrows(() => lstm({ units, forgetBias, initializer: bias }), 'ERR_BPTT_OPTION', /forgetBias and initializer\.gates\.f\.bias both say/);
      assertThrows(() => lstm({ units, forgetBias, bias: false }), 'ERR_BPTT_OPTION', /lstm: forgetBias says where biases begin, and bias: false/);
      lstm({ units, forgetBias, initializer: { gates: { i: { bias: 'ones' }, f: { input: 'ones' } } } });
    }
    lstm({ units, initializer: bias, projection: 1 });
    assertThrows(() => recurrent(choosyCell, { units, mode: 'open', initializer: bias }), 'ERR_BPTT_OPTION', /mode and initializer\.gates\.f\.bias both say/);
    recurrent(choosyCell, { units, mode: 'plain', initializer: bias });
    recurrent(choosyCell, { units, mode: 'plain', bias: false });
    assertThrows(() => recurrent(choosyCell, { units, start: 0.5, initializer: bias }), 'ERR_BPTT_OPTION', /start and initializer\.gates\.f\.bias both say/);
    recurrent(choosyCell, { units, mode: 'plain', start: 0.5, initializer: bias });
    assertThrows(() => lstm({ units, initializer: { gates: { f: { weight: 'ones' } as never } } }), 'ERR_BPTT_OPTION', /unknown option "weight"/);
    assertThrows(() => lstm({ units, initializer: { gates: { f: { input: 'onse' } } } }), 'ERR_BPTT_OPTION', /gates\.f\.input: unknown initializer "onse"; did you mean "ones"/);
    assertThrows(() => lstm({ units, initializer: { gates: { f: 'ones' as never } } }), 'ERR_BPTT_TYPE', /gates\.f: expected an options object/);
    assertThrows(() => lstm({ units, initializer: { gates: ['ones'] as never } }), 'ERR_BPTT_TYPE', /expected initializers by gate/);
  });
});
