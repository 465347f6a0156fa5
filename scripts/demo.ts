// npm run demo: learns to write this repository's own TypeScript and C++ for about a minute (--seconds 60), showing samples on the way, and saves the model.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { progressBar } from '../lib/cli/bar.ts';
import { continueText } from '../lib/cli/generate.ts';
import { interruptible } from '../lib/cli/interrupt.ts';
import { packageRoot } from '../lib/packageRoot.ts';
import { processTerminal } from '../lib/cli/terminal.ts';
import { TextTraining } from '../lib/cli/textTraining.ts';
import { saveModel } from '../lib/formats/index.ts';
import { selectRuntime } from '../lib/runtime/index.ts';
import { ensureNative } from './buildNative.ts';

const folder = 'runs/demo';
/** Where in the training samples are shown. */
const moments = [0.04, 0.15, 0.4];
const opening = '/** ';

/** The text of all sources, without the characters that are rare in code. */
function ownSources(): string {
  return ['lib', 'native', 'scripts', 'test'].flatMap((top) => (
    readdirSync(path.join(packageRoot, top), { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(?:ts|cpp|h|inl)$/.test(file)).sort().map((file) => readFileSync(path.join(packageRoot, top, file), 'utf8'))
  )).join('\n').replace(/[^\n -~]/g, '');
}

function showSample(training: TextTraining, title: string): void {
  const sample = [...continueText(training.model, training.vocabulary, { prefix: opening, length: 400, temperature: 0.6, seed: 1 })].join('');
  console.log(`\n── ${title} ${'─'.repeat(Math.max(0, 70 - title.length))}\n${opening}${sample}\n`);
}

async function demo(seconds: number): Promise<void> {
  const native = selectRuntime().name === 'native';
  const text = native ? ownSources() : ownSources().slice(0, 40_000);
  const size = native ? { units: 128, layers: 2, batch: 50, steps: 50 } : { units: 24, layers: 1, batch: 5, steps: 20 };
  const training = new TextTraining(text, {
    ...size, out: folder, cell: 'lstm', embedding: 32, seconds, optimizer: 'adam', learningRate: 4e-3, decay: 1, decayAfter: 10, clipNorm: 5,
    dropout: 0, validation: 0.05, initUniform: 0.08, seed: 1,
  });
  console.log(`${size.layers} × LSTM of ${size.units} units read ${text.length.toLocaleString('en-US')} characters of this repository's own source for ${seconds} s.`);
  console.log(native ? 'The native engine computes.' : 'The reference interpreter computes: right, but slow, so the network and the text are small and the samples stay near noise. "npm run bptt doctor" tells why.');
  showSample(training, 'untrained');
  const bar = progressBar(process.stderr.isTTY);
  const pending = [...moments];
  await interruptible(() => training.stop(), async () => {
    await training.run({
      onUpdate: ({ share, loss, epoch, updates, tokensPerSecond }) => {
        bar.update(share, `epoch ${epoch} | loss ${loss.toFixed(3)} | ${tokensPerSecond.toLocaleString('en-US')} characters/s`);
        if (share < (pending[0] ?? Infinity)) return;
        pending.shift();
        bar.above(() => showSample(training, `after ${updates} updates, loss ${loss.toFixed(2)}`));
      },
    });
    bar.stop();
    await saveModel(training.model, path.join(packageRoot, folder));
  });
  const { epochs, tokensPerSecond } = training.report;
  const { validationLoss } = epochs.at(-1)!;
  showSample(training, `at the end, validation loss ${(validationLoss ?? NaN).toFixed(2)} nats per character`);
  console.log(`${tokensPerSecond.toLocaleString('en-US')} characters per second, ${epochs.length} epochs. The model is in ${folder}. Try next:\n`
    + `  npm run bptt -- generate ${folder} --prefix "export function " --length 500\n`
    + `  npm run bptt -- evaluate ${folder} lib/errors.ts\n`
    + '  npm run bptt -- train text YOUR.txt --out runs/mine');
}

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);
if (!(seconds > 0)) {
  console.error(`--seconds: expected a number greater than 0, received ${values.seconds}`);
  process.exitCode = 2;
} else if (process.env['BPTT_RUNTIME'] === 'reference' || (await ensureNative())) {
  processTerminal();
  await demo(seconds);
} else {
  console.error('The engine did not compile. It needs python3, make and g++ (Debian: apt-get install python3 make g++); BPTT_RUNTIME=reference runs the demo without it.');
  process.exitCode = 1;
}
