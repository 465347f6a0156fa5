import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { run } from '../../lib/cli/program.ts';
import { packageRoot } from '../../lib/packageRoot.ts';
import { characters, words } from '../../lib/data/index.ts';
import { sample } from '../../lib/decoding/index.ts';
import { loadModel, saveModel } from '../../lib/formats/index.ts';
import { dense, lstm, oneHot } from '../../lib/layers/index.ts';
import { sequential } from '../../lib/model/index.ts';

interface Result {
  readonly code: number;
  readonly out: string;
  readonly note: string;
}

async function bptt(...words: string[]): Promise<Result> {
  let out = '';
  let note = '';
  const code = await run(words, { out: (text) => { out += text; }, note: (text) => { note += text; }, interactive: false });
  return { code, out, note };
}

const lastLine = (text: string): unknown => JSON.parse(text.trimEnd().split('\n').at(-1)!);
const small = ['--units', '8', '--layers', '1', '--batch', '4', '--steps', '10'];
const corpus = 'the cat sat on the mat and the dog sat on the cat.\n'.repeat(40);

describe('bptt train, evaluate, generate', function () {
  this.timeout(120_000);
  let place = '';
  let text = '';
  let out = '';
  before(() => {
    place = mkdtempSync(path.join(tmpdir(), 'bptt-cli-'));
    text = path.join(place, 'text.txt');
    out = path.join(place, 'model');
    writeFileSync(text, corpus);
  });
  after(() => rmSync(place, { recursive: true, force: true }));

  it('trains, and ends with one line of JSON', async () => {
    const { code, out: printed, note } = await bptt('train', 'text', text, '--out', out, ...small, '--epochs', '3', '--sample-every', '50', '--json');
    assert.equal(code, 0, note);
    const report = lastLine(printed) as { epochs: Record<string, number>[]; parameters: number; tokensPerSecond: number };
    assert.deepEqual(Object.keys(report), ['epochs', 'parameters', 'tokensPerSecond']);
    assert.deepEqual(report.epochs.map((epoch) => Object.keys(epoch)), Array(3).fill(['epoch', 'trainLoss', 'validationLoss', 'seconds']));
    assert.deepEqual(report.epochs.map(({ epoch }) => epoch), [1, 2, 3]);
    assert.ok(report.epochs[2]!['validationLoss']! < report.epochs[0]!['validationLoss']!);
    assert.ok(report.tokensPerSecond > 0);
    const vocabulary = new Set(corpus).size;
    assert.equal(report.parameters, 4 * 8 * (vocabulary + 8 + 1) + vocabulary * (8 + 1));
    assert.match(printed, /"sample":"/);
  });

  it('saves what the run learned: evaluation, perplexity and accuracy agree', async () => {
    const { code, out: printed } = await bptt('evaluate', out, text, '--json');
    assert.equal(code, 0);
    const { loss, perplexity, accuracy, tokens } = lastLine(printed) as { loss: number; perplexity: number; accuracy: number; tokens: number };
    assert.ok(Math.abs(Math.exp(loss) - perplexity) < 1e-9 * perplexity);
    assert.ok(loss < Math.log(new Set(corpus).size) && accuracy > 0.1 && accuracy <= 1);
    assert.ok(tokens > corpus.length - 10 && tokens < corpus.length);
    assert.match((await bptt('evaluate', out, text)).out, /^\d\.\d{4} nats per character, perplexity \d+\.\d{3}, accuracy \d+\.\d\d % over [\d,]+ characters\n$/);
  });

  it('generates the same text for the same seed, and goes on from a prefix', async () => {
    const once = await bptt('generate', out, '--length', '30', '--seed', '3', '--json');
    assert.deepEqual(once, await bptt('generate', out, '--length', '30', '--seed', '3', '--json'));
    assert.notDeepEqual(once, await bptt('generate', out, '--length', '30', '--seed', '4', '--json'));
    const { text: written, tokens } = lastLine(once.out) as { text: string; tokens: number };
    assert.equal(tokens, 30);
    assert.equal([...written].length, 30);
    const { out: greedy } = await bptt('generate', out, '--greedy', '--prefix', 'the ', '--length', '5');
    assert.match(greedy, /^the [^]{5}\n$/);
    const { out: narrow } = await bptt('generate', out, '--top-k', '1', '--prefix', 'the ', '--length', '5');
    assert.equal(narrow, greedy);
  });

  it('gives the same weights for the same seed whatever the number of threads', async () => {
    const weights = async (folder: string, ...options: string[]): Promise<number[][]> => {
      assert.equal((await bptt('train', 'text', text, '--out', folder, ...small, '--epochs', '1', '--dropout', '0.2', ...options)).code, 0);
      return (await loadModel(folder)).parameters.map(({ view }) => [...view]);
    };
    const one = await weights(path.join(place, 'one'), '--threads', '1');
    assert.deepEqual(await weights(path.join(place, 'two'), '--threads', '2'), one);
    assert.notDeepEqual(await weights(path.join(place, 'three'), '--seed', '2'), one);
  });

  it('accepts every cell, optimizer and bound', async () => {
    for (const options of [['--cell', 'gru'], ['--cell', 'rnn', '--clip-norm', '5'], ['--embedding', '6', '--clip-value', '1'], ['--layers', '2', '--dropout', '0.1', '--validation', '0'],
      ...['sgd', 'adagrad', 'adadelta', 'adam', 'adamw', 'nadam'].map((name) => ['--optimizer', name])]) {
      const { code, note, out: printed } = await bptt('train', 'text', text, '--out', out, ...small, '--seconds', '0.01', '--json', ...options);
      assert.equal(code, 0, `${options.join(' ')}: ${note}${printed}`);
    }
  });

  it('exits with 1 and says what to do when the input is bad', async () => {
    const fails = async (words: string[], message: RegExp): Promise<void> => {
      const { code, note } = await bptt(...words);
      assert.equal(code, 1, note);
      assert.match(note, message);
      assert.ok(note.split('\n').length < 4, note);
    };
    const file = (name: string, content: string | Uint8Array): string => {
      writeFileSync(path.join(place, name), content);
      return path.join(place, name);
    };
    const fresh = path.join(place, 'fresh');
    await fails(['train', 'text', path.join(place, 'none.txt'), '--out', fresh], /none\.txt: expected a text file, but there is no such file/);
    await fails(['train', 'text', place, '--out', fresh], /it is a folder/);
    await fails(['train', 'text', file('empty', ''), '--out', fresh], /received an empty file/);
    await fails(['train', 'text', file('latin', Uint8Array.of(0x63, 0xe9, 0x21)), '--out', fresh], /expected UTF-8 text/);
    await fails(['train', 'text', file('short', 'ab'), '--out', fresh], /expected at least 51 tokens for 50 rows.*choose a smaller batch/);
    await fails(['train', 'text', text, '--out', text], /expected a folder or nothing there, found a file/);
    mkdirSync(path.join(place, 'home'));
    file('home/diary.txt', 'x');
    await fails(['train', 'text', text, '--out', path.join(place, 'home')], /found "diary\.txt" in it/);
    await fails(['generate', fresh], /expected a model folder with model\.json, found none/);
    await fails(['generate', out, '--prefix', 'Ω'], /--prefix: expected characters that the model was trained on, received "Ω", which is none of its \d+; leave it out, or train/);
    await fails(['evaluate', out, file('strange', 'Ω'.repeat(20))], /strange.*: expected characters that the model was trained on, received "Ω".*train a model on a text that has it/);
    assert.ok(!existsSync(fresh));
  });

  it('reports errors as JSON under --json', async () => {
    const { code, out: printed, note } = await bptt('generate', path.join(place, 'nowhere'), '--json');
    assert.equal(code, 1);
    assert.equal(note, '');
    assert.equal((lastLine(printed) as { error: { code: string } }).error.code, 'ERR_BPTT_FORMAT');
    const wrong = await bptt('generate', out, '--lenght', '5', '--json');
    assert.equal(wrong.code, 2);
    assert.deepEqual((lastLine(wrong.out) as { error: { code: string; message: string } }).error.code, 'ERR_BPTT_OPTION');
  });

  it('writes nothing of a prefix that the model does not know', async () => {
    const { code, out: printed } = await bptt('generate', out, '--prefix', 'aΩ');
    assert.deepEqual({ code, printed }, { code: 1, printed: '' });
  });

  it('writes nothing of a prefix that the model cannot go on from', async () => {
    const backward = path.join(place, 'backward');
    const vocabulary = characters(corpus);
    await saveModel(sequential([oneHot(), lstm({ units: 2, direction: 'bidirectional' }), dense({ units: vocabulary.size })], { input: vocabulary }), backward);
    const { code, out: printed, note } = await bptt('generate', backward, '--prefix', 'the');
    assert.deepEqual({ code, printed }, { code: 1, printed: '' });
    assert.match(note, /^error: .*reads steps ahead/);
  });

  it('puts spaces between words, and counts words', async () => {
    const folder = path.join(place, 'words');
    const vocabulary = words(corpus);
    const model = sequential([oneHot(), lstm({ units: 2 }), dense({ units: vocabulary.size })], { input: vocabulary, seed: 2 });
    await saveModel(model, folder);
    const prefix = vocabulary.encode('the cat');
    const drawn = [...sample(model.stream(), { prefix, length: 12, temperature: 0.8, seed: 1 })];
    const whole = vocabulary.decode([...prefix, ...drawn]);
    assert.equal((await bptt('generate', folder, '--prefix', 'the cat', '--length', '12')).out, `${whole}\n`);
    assert.equal((await bptt('generate', folder, '--prefix', 'the cat ', '--length', '12')).out, `the cat ${whole.slice('the cat '.length)}\n`);
    assert.deepEqual(lastLine((await bptt('generate', folder, '--prefix', 'the cat', '--length', '12', '--json')).out), { text: whole.slice('the cat'.length), prefix: 'the cat', tokens: 12 });
    assert.match(whole, /^the cat [a-z]/);
  });

  it('leaves nothing behind when it refuses, and takes no empty path', async () => {
    const short = path.join(place, 'letters');
    writeFileSync(short, 'ab');
    assert.equal((await bptt('train', 'text', short, '--out', path.join(place, 'new', 'folders', 'model'))).code, 1);
    assert.ok(!existsSync(path.join(place, 'new')));
    const { code, note } = await bptt('train', 'text', text, '--out', '', ...small, '--epochs', '1');
    assert.equal(code, 1);
    assert.equal(note, 'error: expected the path of a folder to write, received ""; name one, "." for the folder where you are\n');
  });

  it('evaluates no text of one character', async () => {
    const one = path.join(place, 'single');
    writeFileSync(one, 't');
    const { code, note } = await bptt('evaluate', out, one);
    assert.equal(code, 1);
    assert.match(note, /single: expected a text of at least 2 characters, .*received 1; give a longer text/);
  });

  it('says what is wrong with a model that foretells only after the last step', async () => {
    const folder = path.join(place, 'lastOnly');
    const vocabulary = characters(corpus);
    await saveModel(sequential([oneHot(), lstm({ units: 4, output: 'last' }), dense({ units: vocabulary.size })], { input: { vocabulary } }), folder);
    for (const words of [['evaluate', folder, text], ['generate', folder]]) {
      const { code, note } = await bptt(...words);
      assert.equal(code, 1);
      assert.match(note, /lastOnly: expected a language model that foretells a token at every step, received one that does so after the last step; build .* without output: "last"/);
    }
  });

  it('stops on Ctrl-C after the update, saves, and exits with 0', async () => {
    const folder = path.join(place, 'stopped');
    const main = path.join(packageRoot, 'lib', 'cli', 'main.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', main, 'train', 'text', text, '--out', folder, ...small, '--epochs', '1000000', '--sample-every', '20', '--json'], { cwd: packageRoot });
    let printed = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (printed === '') child.kill('SIGINT');
      printed += chunk.toString();
    });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    assert.equal(code, 0);
    assert.ok((lastLine(printed) as { epochs: unknown[] }).epochs.length >= 1);
    assert.deepEqual(readdirSync(folder).sort(), ['model.json', 'model.safetensors']);
    assert.equal((await bptt('generate', folder, '--length', '5')).code, 0);
  });
});

describe('bptt doctor', () => {
  it('tells platform, instruction set, threads and runtime', async () => {
    const { out } = await bptt('doctor', '--json');
    const found = lastLine(out) as Record<string, unknown>;
    assert.equal(found['platform'], `${process.platform}-${process.arch}`);
    assert.ok(found['runtime'] === 'native' || found['runtime'] === 'reference');
    assert.equal(typeof found['threads'], 'number');
    assert.match((await bptt('doctor')).out, /platform +\S+-\S+/);
  });

  it('names what is wrong and the cure, and exits with 1', async () => {
    const saved = process.env['BPTT_RUNTIME'];
    try {
      for (const [asked, expected] of [['reference', /Problem: .+ the slow interpreter\nCure: +.+\n$/], ['cuda', /Problem: BPTT_RUNTIME: .* received "cuda"\nCure: +unset it .+\n$/]] as const) {
        process.env['BPTT_RUNTIME'] = asked;
        const { code, out } = await bptt('doctor');
        assert.equal(code, 1);
        assert.match(out, expected);
      }
    } finally {
      if (saved === undefined) delete process.env['BPTT_RUNTIME'];
      else process.env['BPTT_RUNTIME'] = saved;
    }
  });
});
