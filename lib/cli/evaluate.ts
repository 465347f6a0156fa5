import { BpttError } from '../errors.ts';
import { textStream } from '../data/index.ts';
import { crossEntropy } from '../losses/index.ts';
import { sgd } from '../optimizers/index.ts';
import { Trainer } from '../training/index.ts';
import { encodeFor, loadCharacterModel } from './characterModel.ts';
import { jsonLine, type Terminal } from './terminal.ts';
import { readText } from './textFile.ts';
import { setThreads } from '../runtime/index.ts';

export interface EvaluateOptions {
  readonly threads?: number;
  readonly json?: true;
}

/** Parts of the text that are read side by side: as many as leave each one long, so that where a part begins hardly counts. */
const mostRows = 50;
const tokensPerRow = 1000;
const steps = 100;

/** `bptt evaluate`: how well a model predicts a text. */
export async function evaluate(folder: string, file: string, options: EvaluateOptions, terminal: Terminal): Promise<number> {
  if (options.threads !== undefined) setThreads(options.threads);
  const loaded = await loadCharacterModel(folder);
  const { model, vocabulary } = loaded;
  const tokens = encodeFor(loaded, file, await readText(file));
  if (tokens.length < 2) {
    throw new BpttError('ERR_BPTT_DATA', `${file}: expected a text of at least 2 ${vocabulary.kind}, for each is foretold from those before it, received ${tokens.length}; give a longer text`,
      { expected: 2, received: tokens.length });
  }
  const batch = Math.max(1, Math.min(mostRows, Math.floor(tokens.length / tokensPerRow)));
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: sgd() });
  const { loss, perplexity, accuracy, steps: judged } = await trainer.evaluate(textStream(tokens, { batch, steps }));
  if (options.json) {
    terminal.out(jsonLine({ loss, perplexity, accuracy, tokens: judged }));
  } else {
    const token = vocabulary.kind === 'characters' ? 'character' : 'word';
    terminal.out(`${loss.toFixed(4)} nats per ${token}, perplexity ${(perplexity ?? Math.exp(loss)).toFixed(3)}, `
      + `accuracy ${((accuracy ?? 0) * 100).toFixed(2)} % over ${judged.toLocaleString('en-US')} ${token}${judged === 1 ? '' : 's'}\n`);
  }
  return 0;
}
