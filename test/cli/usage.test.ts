import assert from 'node:assert/strict';
import { run } from '../../lib/cli/program.ts';
import { packageVersion } from '../../lib/cli/nativeBuild.ts';
import { packageRoot } from '../../lib/packageRoot.ts';

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

async function assertUsageError(words: readonly string[], ...messages: RegExp[]): Promise<void> {
  const { code, out, note } = await bptt(...words);
  assert.equal(code, 2, note);
  assert.equal(out, '');
  for (const message of messages) assert.match(note, message);
}

describe('bptt command line', () => {
  it('prints help and version with exit code 0', async () => {
    const help = await bptt('--help');
    assert.equal(help.code, 0);
    for (const command of ['train', 'evaluate', 'generate', 'doctor', 'build']) assert.match(help.out, new RegExp(`^ {2}${command}\\b`, 'm'));
    assert.deepEqual(await bptt('--version'), { code: 0, out: `${packageVersion(packageRoot)}\n`, note: '' });
  });

  it('shows every option of train text with its default', async () => {
    const { code, out } = await bptt('train', 'text', '--help');
    assert.equal(code, 0);
    const defaults: Record<string, string> = {
      units: '128', layers: '2', batch: '50', steps: '50', epochs: '10', 'learning-rate': '0.002', decay: '0.97', 'decay-after': '10', 'clip-value': '5', dropout: '0',
      validation: '0.05', 'init-uniform': '0.08', seed: '1', optimizer: '"rmsprop"', cell: '"lstm"',
    };
    const flat = out.replace(/\s+/g, ' ');
    for (const [option, value] of Object.entries(defaults)) assert.match(flat, new RegExp(`--${option} <[^>]+>[^]*?default: ${value.replace('.', '\\.')}\\)`), option);
  });

  it('exits with 2 and names the nearest option, command or choice', async () => {
    await assertUsageError(['train', 'text', 'x', '--out', 'y', '--unit', '5'], /unknown option '--unit'/, /Did you mean --units\?/);
    await assertUsageError(['generat'], /unknown command 'generat'/, /Did you mean generate\?/);
    await assertUsageError(['train', 'text', 'x', '--out', 'y', '--cell', 'ltsm'], /'ltsm' is invalid\. Allowed choices are lstm, gru, rnn/);
    await assertUsageError(['evaluate', 'folder'], /missing required argument 'file'/);
    await assertUsageError(['train', 'text', 'x'], /required option '--out <folder>' not specified/);
    await assertUsageError([], /Usage: bptt/);
    await assertUsageError(['train'], /Usage: bptt train/);
  });

  it('exits with 2 for values out of range', async () => {
    const text = (...options: string[]): string[] => ['train', 'text', 'x', '--out', 'y', ...options];
    await assertUsageError(text('--units', '0'), /'--units <count>' argument '0' is invalid\. Expected a whole number of 1 or more/);
    await assertUsageError(text('--units', 'many'), /Expected a number/);
    await assertUsageError(text('--units', ''), /Expected a number/);
    await assertUsageError(text('--validation', '1'), /from 0 up to 1/);
    await assertUsageError(text('--learning-rate', '-1'), /greater than 0/);
    await assertUsageError(text('--threads', '0'), /from 1 to 256/);
    await assertUsageError(text('--threads', '1000000'), /from 1 to 256/);
    await assertUsageError(['generate', 'x', '--top-p', '2'], /at most 1/);
  });

  it('exits with 2 for options that exclude each other', async () => {
    await assertUsageError(['train', 'text', 'x', '--out', 'y', '--epochs', '1', '--seconds', '5'], /'--epochs <count>' cannot be used with option '--seconds <time>'/);
    await assertUsageError(['train', 'text', 'x', '--out', 'y', '--clip-value', '1', '--clip-norm', '5'], /cannot be used with/);
    await assertUsageError(['generate', 'x', '--greedy', '--temperature', '1'], /cannot be used with/);
  });
});
