import { adam, crossEntropy, dense, embedding, lstm, sequential, Trainer } from '../../../lib/index.ts';
import { textStream } from '../../../lib/data/index.ts';

/** Where a process may be when it is told to end. */
export type Stage = 'compile' | 'fit' | 'predict' | 'stream';

const tokens = 16;

export function tokenModel(units: number, seed = 1): ReturnType<typeof sequential> {
  return sequential([embedding({ size: 8 }), lstm({ units, layers: 2 }), dense({ units: tokens })], { input: { tokens }, seed });
}

/** Tokens with a little order in them. */
export function tokenText(length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => (i * i + (i >> 3)) % tokens);
}

export function tokenBatch(rows: number, steps: number): { data: Int32Array; shape: number[] } {
  return { data: tokenText(rows * steps), shape: [rows, steps] };
}

/** Does the stage's work over and over, and says when it is in the middle of it. */
export async function workOn(stage: Stage, started: () => void): Promise<never> {
  const model = tokenModel(stage === 'compile' ? 16 : 96);
  if (stage === 'fit') {
    const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam() });
    started();
    for (;;) await trainer.fit(textStream(tokenText(64 * 400), { batch: 32, steps: 40 }), { epochs: 1 });
  }
  if (stage === 'predict') {
    const batch = tokenBatch(64, 400);
    started();
    for (;;) await model.predict(batch);
  }
  if (stage === 'stream') {
    const stream = model.stream();
    for (let step = 0; ; step++) {
      stream.step([step % tokens]);
      if (step === 20) started();
      if (step % 500 === 0) await new Promise((resolve) => { setImmediate(resolve); });
    }
  }
  for (let length = 2; ; length++) {
    await model.predict(tokenBatch(1, length));
    if (length === 3) started();
  }
}
