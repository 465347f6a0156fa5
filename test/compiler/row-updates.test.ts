import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { compile, countOpcodes, decodeProgram } from '../../lib/compiler/index.ts';
import { add, and, broadcast, gather, gradient, input, isFinite as finite, matmul, multiply, select, sum, tanh, variable } from '../../lib/graph/index.ts';
import type { Graph, Value, Variable } from '../../lib/graph/index.ts';
import { dense, embedding, lstm } from '../../lib/layers/index.ts';
import { crossEntropy } from '../../lib/losses/index.ts';
import { sequential } from '../../lib/model/index.ts';
import { adam, clipGradients, sgd } from '../../lib/optimizers/index.ts';
import type { ClipOptions, Optimizer } from '../../lib/optimizers/index.ts';
import { referenceRuntime, setThreads } from '../../lib/runtime/index.ts';
import { Trainer } from '../../lib/training/index.ts';
import { assertAgreement, floats, graphOf, nativeRuntime, needsNative, runGraph } from '../differential/support.ts';
import { someTokens, weightsOf } from '../support/models.ts';

const [classes, width, count] = [1024, 8, 24];
const table: Variable = { name: 'table', shape: [classes, width], type: 'float32' };

interface Step {
  readonly optimizer?: Optimizer;
  readonly clip?: ClipOptions;
  readonly decay?: number;
  /** Also gives the gradient of the whole table, so that it has to be made. */
  readonly whole?: boolean;
  readonly own?: Variable;
}

/** A guarded step of a table of which few rows are read, some of them often. */
function step({ optimizer = sgd(), clip = {}, decay = 0, whole = false, own: owner = table }: Step = {}): Graph {
  const parameter = variable(owner);
  const tokens = input('tokens', [4, count / 4], 'int32');
  const weights = floats('weights', 4, count / 4, width);
  const learningRate = input('learningRate', [], 'float32');
  const loss = sum(multiply(tanh(gather(parameter, tokens)), weights));
  const own = gradient(loss, [parameter]).gradients[0]!;
  const clipped = clipGradients([decay === 0 ? own : add(own, multiply(parameter, decay))], clip);
  const slots = Object.fromEntries(optimizer.slots.map((name) => [name, multiply(parameter, 0.5)]));
  const changed = optimizer.update({ parameter, gradient: clipped.gradients[0]!, slots, learningRate, step: multiply(learningRate, 0) }).parameter;
  const applied: Value = and(finite(loss), finite(clipped.norm));
  const outputs = { loss, norm: clipped.norm, ...(whole ? { gradient: own } : {}) };
  return { inputs: [tokens, weights, learningRate], outputs, assignments: [{ variable: owner, value: select(broadcast(applied, owner.shape), changed, parameter) }] };
}

const compiled = (graph: Graph, own = table): ReturnType<typeof compile> => compile(graph, { layouts: [[own]] });
const opcodesOf = (graph: Graph, own = table): ReturnType<typeof countOpcodes> => countOpcodes(decodeProgram(compiled(graph, own).bytes).instructions);
const clips: Readonly<Record<string, ClipOptions>> = { nothing: {}, value: { value: 0.05 }, norm: { norm: 0.5 }, 'global norm': { globalNorm: 0.5 }, 'value and global norm': { value: 0.3, globalNorm: 0.4 } };

describe('compiler: updates of rows', () => {
  it('makes no gradient of the whole table, and writes the rows last, where they lie', () => {
    for (const [name, clip] of Object.entries(clips)) {
      const { bytes, arenaSize } = compiled(step({ clip }));
      const { instructions } = decodeProgram(bytes);
      assert.equal(instructions.at(-1)!.opcode, 'replaceRows', name);
      assert.equal(instructions.at(-1)!.operands[2]!.space, 'storage 0', name);
      const largest = Math.max(...instructions.flatMap(({ operands }) => operands).filter(({ space }) => space === 'arena').map(({ dimensions }) => dimensions.reduce((a, b) => a * b, 1)));
      assert.ok(largest <= classes && arenaSize < classes * width / 2, `${name}: ${largest} and ${arenaSize} elements`);
      assert.ok(compiled(step({ clip, decay: 0.1 })).arenaSize > 2 * arenaSize, name);
    }
  });

  it('leaves to the whole table what changes rows of which nothing was read, what is read otherwise and what has few rows', () => {
    for (const [name, graph] of Object.entries({ decay: step({ decay: 0.1 }), momentum: step({ optimizer: sgd({ momentum: 0.9 }) }), adam: step({ optimizer: adam() }), whole: step({ whole: true }) })) {
      assert.equal(opcodesOf(graph).replaceRows, undefined, name);
      assert.ok(opcodesOf(graph).scatterAdd, name);
    }
    const small = { ...table, shape: [2 * count - 1, width] };
    assert.equal(opcodesOf(step({ own: small }), small).replaceRows, undefined);
  });

  it('leaves a table that is also a product\'s operand to the whole table', () => {
    const parameter = variable(table);
    const rows = gather(parameter, input('tokens', [count], 'int32'));
    const scores = matmul(tanh(rows), parameter, { transposeB: true });
    const moved = sgd().update({ parameter, gradient: gradient(sum(multiply(scores, scores)), [parameter]).gradients[0]!, slots: {}, learningRate: input('learningRate', [], 'float32'), step: sum(rows) });
    assert.equal(opcodesOf(graphOf({}, [{ variable: table, value: moved.parameter }])).replaceRows, undefined);
  });
});

describe('compiler: updates of rows on the engine', () => {
  needsNative();

  for (const [name, clip] of Object.entries(clips)) {
    it(`gives the reference's numbers, clipping ${name}, with repeated rows`, () => {
      for (const indices of [3, 20, classes]) assertAgreement(step({ clip }), { variables: [table], indices });
    });
  }

  it('gives the bits that the gradient of the whole table gives', () => {
    for (const clip of [{}, { value: 0.05 }, { globalNorm: 1e6 }]) {
      const rows = runGraph(nativeRuntime!, step({ clip }), { variables: [table], indices: 20 });
      const whole = runGraph(nativeRuntime!, step({ clip, whole: true }), { variables: [table], indices: 20 });
      assert.deepEqual(rows.variables, whole.variables);
      assert.deepEqual(rows.outputs['loss'], whole.outputs['loss']);
    }
  });

  it('counts rows that are read often once, with their sum, in the norm', () => {
    const { outputs } = runGraph(nativeRuntime!, step(), { variables: [table], indices: 2, runs: 1 });
    const { outputs: expected } = runGraph(referenceRuntime, step(), { variables: [table], indices: 2, runs: 1 });
    assert.ok(Math.abs(outputs['norm']![0]! / expected['norm']![0]! - 1) < 1e-6);
  });

  it('leaves every row where the norm is not finite', () => {
    const store = nativeRuntime!.store([table]);
    store.view(table).fill(0.25);
    store.touch();
    const executable = nativeRuntime!.compile(step(), { layouts: [[table]] }).bind([store]);
    const feed = { tokens: Int32Array.from({ length: count }, (_, i) => i % 5), weights: new Float32Array(count * width).fill(NaN), learningRate: Float32Array.of(1) };
    executable.run(feed);
    assert.ok(store.view(table).every((number) => number === 0.25));
    executable.run({ ...feed, weights: feed.weights.fill(1) });
    assert.deepEqual(store.view(table).map((number, i) => Number(number === 0.25) - Number(i >= 5 * width)), new Float32Array(classes * width));
  });

  it('gives the same bits for any number of threads', () => {
    try {
      const results = [1, 2, 4].map((threads) => {
        setThreads(threads);
        return runGraph(nativeRuntime!, step({ clip: { globalNorm: 0.5 } }), { variables: [table], indices: 20, runs: 4 });
      });
      for (const result of results) assert.deepEqual(result, results[0]);
    } finally {
      setThreads(Number(process.env['BPTT_THREADS'] ?? availableParallelism()));
    }
  });

  it('trains a model of words: only rows that were read move', async () => {
    const made = sequential([embedding({ size: 4 }), lstm({ units: 4 }), dense({ units: 5 })], { input: { tokens: 200 }, seed: 3 });
    const name = Object.keys(weightsOf(made)).find((own) => own.includes('embedding'))!;
    const trainer = new Trainer(made, { loss: crossEntropy(), optimizer: sgd({ learningRate: 0.5 }), clip: { globalNorm: 1 } });
    const before = weightsOf(made)[name]!.slice();
    const tokens = someTokens(12, 9);
    await trainer.step({ input: [tokens], target: [someTokens(12, 5, 2)] });
    const after = weightsOf(made)[name]!;
    for (let row = 0; row < 200; row++) {
      const same = before.slice(row * 4, row * 4 + 4).every((number, i) => number === after[row * 4 + i]);
      assert.equal(same, !tokens.includes(row), `row ${row}`);
    }
  });
});
