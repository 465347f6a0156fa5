// Does a strand of DNA hold a promoter? Made-up strands of the four letters A, C, G, T: half of them hold a TATA box and, 15 to 20 letters on, an initiator,
// each with a few slips; the others hold the same two motifs in the other order or too near. Labels every letter too: where is the box?
// npx tsx examples/motifs.ts
import { adam, binaryCrossEntropy, connect, dense, input, lstm, model, oneHot, Trainer } from '../lib/index.ts';
import { characters, sequences, type SequenceExample } from '../lib/data/index.ts';
import { Random } from './support/random.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 14, units: 32, learningRate: 8e-3, strands: 3000, length: 80, seed: 1 };

const letters = 'ACGT';
const box = 'TATAAA';
const initiator = 'TCAGTC';

export interface Strand {
  readonly text: string;
  readonly promoter: boolean;
  /** For every letter 1 inside of the TATA box, else 0. */
  readonly inBox: readonly number[];
}

/** A motif with a slip in every tenth letter. */
function written(motif: string, random: Random): string {
  return [...motif].map((letter) => (random.uniform() < 0.1 ? random.pick(letters) : letter)).join('');
}

export function makeStrand(random: Random, length: number): Strand {
  const promoter = random.below(2) === 1;
  const turned = !promoter && random.below(2) === 1;
  const gap = promoter || turned ? 15 + random.below(6) : random.below(8);
  const order = turned ? [initiator, box] : [box, initiator];
  const text = Array.from({ length }, () => random.pick(letters));
  const at = random.below(length - gap - box.length - initiator.length + 1);
  const second = at + order[0]!.length + gap;
  text.splice(at, order[0]!.length, ...written(order[0]!, random));
  text.splice(second, order[1]!.length, ...written(order[1]!, random));
  const first = turned ? second : at;
  return { text: text.join(''), promoter, inBox: text.map((_, i) => (i >= first && i < first + box.length ? 1 : 0)) };
}

/** @returns the share of 500 other strands judged right, and the share of their letters that are rightly said to be inside or outside of the box. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ promoters: number; letters: number; outside: number }> {
  const { epochs, units, learningRate, strands, length, seed, tell } = { ...defaults, ...options };
  const random = new Random(seed, 'strands');
  const all = Array.from({ length: strands + 500 }, () => makeStrand(random, length));
  const vocabulary = characters(letters);
  const examples = all.map(({ text, promoter, inBox }): SequenceExample => ({
    input: vocabulary.encode(text), target: { promoter: [promoter ? 1 : 0], box: inBox.map((inside) => [inside]) },
  }));
  const strand = input({ vocabulary });
  const read = connect(lstm({ units, direction: 'bidirectional' }), connect(oneHot(), strand));
  const overall = connect(lstm({ units, output: 'last' }), read);
  const reader = model({ inputs: strand, outputs: [connect(dense({ units: 1, name: 'promoter' }), overall), connect(dense({ units: 1, name: 'box' }), read)], seed });
  const loss = { promoter: binaryCrossEntropy(), box: binaryCrossEntropy() };
  const trainer = new Trainer(reader, { loss, optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  for await (const { kind: what, epoch, loss: sum } of trainer.fit(sequences(examples.slice(0, strands), { batch: 32, shuffle: true, seed }), { epochs })) {
    if (what === 'epoch') tell?.(`epoch ${epoch}: loss ${sum.toFixed(4)}`);
  }
  const test = all.slice(strands);
  const { outputs } = await reader.predict(test.map(({ text }) => vocabulary.encode(text)));
  const said = { promoter: outputs['promoter']!.data, box: outputs['box']!.data };
  const inside = test.flatMap(({ inBox }) => inBox);
  return {
    promoters: test.filter(({ promoter }, i) => said.promoter[i]! > 0 === promoter).length / test.length,
    letters: inside.filter((is, i) => said.box[i]! > 0 === (is === 1)).length / inside.length,
    outside: inside.filter((is) => is === 0).length / inside.length,
  };
}

await start(import.meta.url, defaults, run);
