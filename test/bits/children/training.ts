// training.ts: trains a model of all kinds of layers, with dropout and lengths; prints the losses and the digest of the weights.
import { createHash } from 'node:crypto';
import { adam, crossEntropy, dense, embedding, gru, layerNormLstmCell, lstm, recurrent, rnn, sequential, Trainer } from '../../../lib/index.ts';
import { sequences, textStream } from '../../../lib/data/index.ts';
import type { Model } from '../../../lib/index.ts';

const tokens = 13;
const text = Int32Array.from({ length: 2500 }, (_, i) => (i * i + (i >> 2)) % tokens);
const pieces = Array.from({ length: 23 }, (_, i) => ({ input: text.slice(i * 7, i * 7 + 1 + (i % 9)), target: text.slice(i * 7 + 1, i * 7 + 2 + (i % 9)) }));

function digest(model: Model): string {
  const hash = createHash('sha256');
  for (const { view } of model.parameters) hash.update(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  return hash.digest('hex');
}

const model = sequential([
  embedding({ size: 9 }), lstm({ units: 37, layers: 2, dropout: { input: 0.2, between: 0.1, variational: true } }), gru({ units: 21, dropout: { recurrent: 0.1, candidate: 0.1, recurrentWeight: 0.2, zoneout: 0.1 } }),
  rnn({ units: 18, dropout: 0.1 }), recurrent(layerNormLstmCell, { units: 19 }), lstm({ units: 20, projection: 9 }), dense({ units: tokens }),
], { input: { tokens }, seed: 5 });
const losses: number[] = [];
const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate: 0.01 }), clip: { globalNorm: 1 }, l2: { input: 1e-4, recurrent: 1e-4 }, seed: 3 });
const callbacks = [{ onBatch: ({ loss }: { loss: number }) => { losses.push(loss); } }];
await trainer.fit(textStream(text, { batch: 19, steps: 11 }), { epochs: 1, callbacks });
await trainer.fit(sequences(pieces, { batch: 6, shuffle: true, seed: 2 }), { epochs: 2, callbacks });
const { loss } = await trainer.evaluate(sequences(pieces, { batch: 6 }));
console.log(JSON.stringify({ digest: digest(model), losses, evaluated: loss }));
