// Reads Bach's four-part chorales, quarter by quarter, foretells the next chord, and writes a new one to a MIDI file.
// npx tsx examples/chorales.ts [--file chorale.mid]
import { writeFileSync } from 'node:fs';
import { adam, binaryCrossEntropy, dense, gru, sequential, stepDecay, Trainer, type Model } from '../lib/index.ts';
import { sequences, type SequenceExample } from '../lib/data/index.ts';
import { readData } from './support/data.ts';
import { midiFile } from './support/midi.ts';
import { Random } from './support/random.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 60, units: 200, learningRate: 1e-2, dropout: 0.4, batch: 4, quarters: 64, temperature: 0.5, file: '', seed: 1 };

/** The keys of a piano; key 0 is the note 21 of MIDI. */
const keys = 88;

type Chord = readonly number[];
type Parts = Readonly<Record<'train' | 'valid' | 'test', readonly (readonly Chord[])[]>>;

function roll(chord: Chord): Float32Array {
  const down = new Float32Array(keys);
  for (const key of chord) down[key] = 1;
  return down;
}

/** Each quarter's target are the keys of the next one; the first is foretold from silence. */
function examples(pieces: readonly (readonly Chord[])[]): SequenceExample[] {
  return pieces.map((piece) => ({ input: [roll([]), ...piece.slice(0, -1).map(roll)], target: piece.map(roll) }));
}

/** Mean over all frames of the 88 keys' summed loss when each key sounds as often as it does in `training`, whatever came before. */
function alwaysTheSame(training: readonly (readonly Chord[])[], test: readonly (readonly Chord[])[]): number {
  const frames = training.flat();
  const share = new Float64Array(keys).fill(1e-4);
  for (const chord of frames) for (const key of chord) share[key]! += 1 / frames.length;
  const losses = test.flat().map((chord) => share.reduce((sum, p, key) => sum - Math.log(chord.includes(key) ? p : 1 - p), 0));
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** Four voices, drawn without putting back (as Gumbel noise on logits does), no two of them nearer than three keys. */
function drawChord(logits: ArrayLike<number>, temperature: number, random: Random): number[] {
  const order = Array.from(logits, (logit, key) => ({ key, score: logit / temperature - Math.log(-Math.log(1 - random.uniform())) })).sort((a, b) => b.score - a.score);
  const chord: number[] = [];
  for (const { key } of order) if (chord.length < 4 && chord.every((other) => Math.abs(other - key) > 2)) chord.push(key);
  return chord.sort((a, b) => a - b);
}

/** A piece that goes on from the first chord of a real one. */
function compose(model: Model, opening: Chord, quarters: number, temperature: number, seed: number): number[][] {
  const random = new Random(seed, 'chorale');
  const stream = model.stream();
  stream.step(roll([]));
  const piece = [[...opening]];
  while (piece.length < quarters) piece.push(drawChord(stream.step(roll(piece.at(-1)!)), temperature, random));
  return piece;
}

/** @returns nats per frame over the 88 keys of the test pieces, beside those of key frequencies; and a new chorale as keys (and in `file` where one is named). */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ loss: number; alwaysTheSame: number; piece: number[][] }> {
  const { epochs, units, learningRate, dropout, batch, quarters, temperature, file, seed, tell } = { ...defaults, ...options };
  const parts = JSON.parse(readData('jsb_chorales/jsb_chorales_pianoroll88.json.gz').toString('utf8')) as Parts;
  const model = sequential([gru({ units, dropout: { output: dropout } }), dense({ units: keys })], { input: { features: keys }, seed });
  const optimizer = adam({ learningRate: stepDecay({ learningRate, factor: 0.3, every: Math.ceil(epochs / 3) }) });
  const trainer = new Trainer(model, { loss: binaryCrossEntropy(), optimizer, clip: { globalNorm: 1 }, seed });
  const validation = sequences(examples(parts.valid), { batch: 38 });
  for await (const { kind, epoch, loss, validation: found } of trainer.fit(sequences(examples(parts.train), { batch, shuffle: true, seed }), { epochs, validation })) {
    if (kind === 'epoch' && epoch % 5 === 0) tell?.(`epoch ${epoch}: ${(keys * loss).toFixed(3)} nats per frame, validation ${(keys * found!.loss).toFixed(3)}`);
  }
  const { loss } = await trainer.evaluate(sequences(examples(parts.test), { batch: 77 }));
  const piece = compose(model, parts.test[0]![0]!, quarters, temperature, seed);
  if (file !== '') writeFileSync(file, midiFile(piece.map((chord) => chord.map((key) => key + 21))));
  return { loss: keys * loss, alwaysTheSame: alwaysTheSame(parts.train, parts.test), piece };
}

await start(import.meta.url, defaults, run);
