// The lecture notes' first Keras model: Embedding(1000, 64), LSTM(128), SimpleRNN(128), Dense(10). As printed it does not run, since its LSTM gives its last output only and
// a recurrence needs a sequence; here the refusal is shown beside the model that was meant.
// npx tsx examples/lectures/recurrencesInARow.ts
import { BpttError, dense, embedding, lstm, rnn, sequential, type Model } from '../../lib/index.ts';
import { parameterCounts } from '../support/parameterCounts.ts';
import { Random } from '../support/random.ts';
import { start, type Telling } from '../support/start.ts';

export const defaults = { tokens: 1000, units: 128, classes: 10, rows: 4, steps: 12, seed: 1 };

export interface Figures {
  /** Why the model as printed is refused. */
  readonly refusal: { readonly code: string; readonly message: string };
  readonly parameters: Readonly<Record<string, number>>;
  readonly total: number;
  /** Of the output for `rows` sequences of `steps` tokens. */
  readonly shape: readonly number[];
}

/** @param first what the LSTM hands on: its last output is what Keras gives unless asked for sequences. */
function build({ tokens, units, classes, seed }: typeof defaults, first: 'sequence' | 'last'): Model {
  return sequential([embedding({ size: 64 }), lstm({ units, output: first }), rnn({ units, output: 'last' }), dense({ units: classes })], { input: { tokens }, seed });
}

function refusalOf(settings: typeof defaults): Figures['refusal'] {
  try {
    build(settings, 'last');
  } catch (error) {
    if (error instanceof BpttError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('the model as printed was built');
}

/** @returns the refusal of the printed model, and the parameters and output of the one that was meant. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<Figures> {
  const { tell, ...chosen } = options;
  const settings = { ...defaults, ...chosen };
  const model = build(settings, 'sequence');
  tell?.(model.summary());
  const random = new Random(settings.seed);
  const { output } = await model.predict(Array.from({ length: settings.rows }, () => Array.from({ length: settings.steps }, () => random.below(settings.tokens))));
  return { refusal: refusalOf(settings), parameters: parameterCounts(model), total: model.parameterCount, shape: output.shape };
}

await start(import.meta.url, { ...defaults }, async (options) => ({ ...await run(options) }));
