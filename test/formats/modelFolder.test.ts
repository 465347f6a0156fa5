import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { characters, scaler } from '../../lib/data/index.ts';
import { BpttError } from '../../lib/errors.ts';
import { decodeSafetensors, encodeSafetensors, loadModel, loadSavedModel, saveModel, type StoredTensor } from '../../lib/formats/index.ts';
import { bidirectional, concatenate, dense, embedding, gru, lstm, rnn, stack, type Layer } from '../../lib/layers/index.ts';
import { connect, input, model, sequential, type Model } from '../../lib/model/index.ts';

const vocabulary = characters('hello, world\n');

function textModel(seed: number, recurrent: Layer = lstm({ units: 3, layers: 2 })): Model {
  return sequential([embedding({ size: 4 }), recurrent, dense({ units: vocabulary.size })], { input: vocabulary, seed });
}

function weightsOf({ parameters }: Model): [string, number[]][] {
  return parameters.map(({ name, view }) => [name, [...view]]);
}

describe('model folder', () => {
  let place = '';
  let folder = '';
  const file = (name: string): string => path.join(folder, name);
  beforeEach(() => {
    place = mkdtempSync(path.join(tmpdir(), 'bptt-model-'));
    folder = path.join(place, 'saved');
  });
  afterEach(() => rmSync(place, { recursive: true, force: true }));

  async function assertRejects(message: RegExp): Promise<void> {
    await assert.rejects(loadModel(folder), (error: unknown) => {
      assert.ok(error instanceof BpttError, String(error));
      assert.equal(error.code, 'ERR_BPTT_FORMAT', error.message);
      assert.match(error.message, message);
      return true;
    });
  }

  function changeJSON(change: (description: { [key: string]: unknown; definition: { layers: { options: Record<string, unknown> }[] } }) => void): void {
    const description = JSON.parse(readFileSync(file('model.json'), 'utf8')) as Parameters<typeof change>[0];
    change(description);
    writeFileSync(file('model.json'), JSON.stringify(description));
  }

  function changeWeights(change: (tensors: Map<string, StoredTensor>) => void): void {
    const tensors = new Map(decodeSafetensors(readFileSync(file('model.safetensors'))).tensors);
    change(tensors);
    writeFileSync(file('model.safetensors'), encodeSafetensors(tensors));
  }

  for (const [name, layer] of Object.entries({
    lstm: lstm({ units: 3, layers: 2 }), 'gru, one bias': gru({ units: 3 }), 'gru, both biases': gru({ units: 3, bias: 'double' }), 'rnn without bias': rnn({ units: 2, bias: false }),
    bidirectional: lstm({ units: 2, direction: 'bidirectional' }), 'learned state': gru({ units: 2, reset: 'before', initialState: 'learned' }),
  })) {
    it(`gives back a model of ${name}: same weights, same vocabulary, same answers`, async () => {
      const original = textModel(1, layer);
      await saveModel(original, folder);
      const loaded = await loadModel(folder);
      assert.deepEqual(weightsOf(loaded), weightsOf(original));
      assert.deepEqual(loaded.vocabulary?.tokens, vocabulary.tokens);
      const tokens = [[...vocabulary.encode('hello')]];
      assert.deepEqual([...(await loaded.predict(tokens)).output.data], [...(await original.predict(tokens)).output.data]);
    });
  }

  it('writes the names and shapes of PyTorch', async () => {
    await saveModel(textModel(1), folder);
    const { tensors } = decodeSafetensors(readFileSync(file('model.safetensors')));
    const shapes = Object.fromEntries([...tensors].map(([name, { shape }]) => [name, shape]));
    for (const layer of [0, 1]) {
      assert.deepEqual(shapes[`lstm.weight_ih_l${layer}`], [12, layer === 0 ? 4 : 3]);
      assert.deepEqual(shapes[`lstm.weight_hh_l${layer}`], [12, 3]);
      assert.deepEqual(shapes[`lstm.bias_ih_l${layer}`], [12]);
      assert.deepEqual(shapes[`lstm.bias_hh_l${layer}`], [12]);
    }
    const forget = tensors.get('lstm.bias_ih_l0')!.data;
    assert.deepEqual([...forget], [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0]);
  });

  it('keeps models of several inputs, and how data were scaled', async () => {
    const [a, b] = [input({ name: 'a', features: 2 }), input({ name: 'b', features: 1 })];
    const original = model({ inputs: [a, b], outputs: connect(dense({ units: 1 }), connect(concatenate(), connect(lstm({ units: 2 }), a), b)), seed: 3, name: 'pair' });
    const scale = scaler([[1, 2], [3, 8]]);
    await saveModel(original, folder, { scalers: { a: scale } });
    const saved = await loadSavedModel(folder);
    assert.equal(saved.model.name, 'pair');
    assert.deepEqual(weightsOf(saved.model), weightsOf(original));
    assert.deepEqual(saved.scalers['a']?.toJSON(), scale.toJSON());
  });

  it('names a misspelt option', async () => {
    await assert.rejects(saveModel(textModel(1), folder, { scaler: {} } as object), { code: 'ERR_BPTT_OPTION', message: /unknown option "scaler"; did you mean "scalers"/ });
  });

  it('refuses weights of another model', async () => {
    await saveModel(textModel(1), folder);
    changeWeights((all) => all.delete('lstm.weight_hh_l1'));
    await assertRejects(/expected at most \d+ weights|expected a tensor "lstm\.weight_hh_l1", found none/);
    await saveModel(textModel(1), folder);
    changeWeights((all) => all.set('extra', { shape: [1], data: Float32Array.of(1) }));
    await assertRejects(/holds "extra", which the model does not have/);
    await saveModel(textModel(1), folder);
    changeWeights((all) => all.set('lstm.bias_ih_l0', { shape: [12], data: new Int32Array(12) }));
    await assertRejects(/model\.safetensors: tensor "lstm\.bias_ih_l0": expected float32/);
    await saveModel(textModel(1), folder);
    changeWeights((all) => all.set('lstm.bias_ih_l0', { shape: [3, 4], data: new Float32Array(12) }));
    await assertRejects(/expected shape \[12\], received \[3, 4\]/);
  });

  it('refuses weights that are no finite numbers', async () => {
    await saveModel(textModel(1, lstm({ units: 3 })), folder);
    changeWeights((all) => { (all.get('lstm.bias_ih_l0')!.data as Float32Array)[5] = NaN; });
    await assertRejects(/"lstm\.bias_ih_l0": expected finite numbers, received NaN/);
  });

  it('refuses descriptions that ask for more than the weights bear out, before building it', async () => {
    const grow = async (change: (options: Record<string, unknown>) => void): Promise<void> => {
      await saveModel(textModel(1), folder);
      changeJSON(({ definition }) => definition.layers.forEach(({ options }) => { if ('units' in options) change(options); }));
    };
    await grow((options) => { options['units'] = 2_000_000_000; });
    await assertRejects(/model\.json: .*weights/);
    await grow((options) => { options['layers'] = 1_000_000_000; });
    await assertRejects(/describes \d+000000000 stacked layers/);
    for (const nested of [stack({ layers: [lstm({ units: 3 })] }), bidirectional({ forward: lstm({ units: 3 }) })]) {
      await saveModel(textModel(1, nested), folder);
      writeFileSync(file('model.json'), readFileSync(file('model.json'), 'utf8').replaceAll('"units": 3', '"units": 3, "layers": 1000000000'));
      await assertRejects(/describes \d+000000000 stacked layers/);
    }
    await grow((options) => { options['units'] = -1; });
    await assertRejects(/units/);
    await grow((options) => { options['unit'] = 5; });
    await assertRejects(/unknown option "unit"; did you mean "units"/);
  });

  it('refuses descriptions of another kind', async () => {
    const change = async (replace: (description: Record<string, unknown>) => void, message: RegExp): Promise<void> => {
      await saveModel(textModel(1), folder);
      changeJSON(replace);
      await assertRejects(message);
    };
    await change((all) => { all['format'] = 'other'; }, /at "format"/);
    await change((all) => { all['version'] = 2; }, /at "version"/);
    await change((all) => { all['more'] = 1; }, /more/);
    await change((all) => { all['definition'] = []; }, /at "definition"/);
    await change((all) => { all['definition'] = {}; }, /definition/);
    await change((all) => { all['scalers'] = { a: { kind: 'standard', offsets: [0], scales: [0] } }; }, /scaler/);
    writeFileSync(file('model.json'), '{"format":');
    await assertRejects(/model\.json: expected the description of a bptt model/);
    writeFileSync(file('model.json'), Uint8Array.of(0xff, 0xfe));
    await assertRejects(/model\.json: expected the description/);
  });

  it('refuses truncated weights and folders without a file', async () => {
    await saveModel(textModel(1), folder);
    truncateSync(file('model.safetensors'), 1000);
    await assertRejects(/cut short|header/);
    rmSync(file('model.safetensors'));
    await assertRejects(/expected a model folder with model\.safetensors, found none/);
    rmSync(folder, { recursive: true });
    await assertRejects(/expected a model folder with model\.json, found none/);
  });

  it('answers flipped bytes in either file with a typed error or a model, nothing else', async () => {
    await saveModel(textModel(1), folder);
    for (const name of ['model.json', 'model.safetensors']) {
      const whole = readFileSync(file(name));
      await fc.assert(fc.asyncProperty(fc.nat(Math.min(whole.length, 1500) - 1), fc.nat(255), async (at, value) => {
        const bytes = Uint8Array.from(whole);
        bytes[at] = value;
        writeFileSync(file(name), bytes);
        await loadModel(folder).catch((error: unknown) => assert.ok(error instanceof BpttError && error.code === 'ERR_BPTT_FORMAT', String(error)));
      }), { numRuns: 150 });
      writeFileSync(file(name), whole);
    }
  });
});
