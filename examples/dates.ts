// Translates dates: "the 3rd of march, 2019", "3/3/19" and others to "2019-03-03". The decoder looks back at the source by attention; where it looks is shown.
// npx tsx examples/dates.ts
import { adam, bahdanauAttention, crossEntropy, dense, embedding, encoderDecoder, generate, gru, Trainer, type Model } from '../lib/index.ts';
import { inspectGates } from '../lib/analysis/index.ts';
import { characters, pairs, type SequencePair, type Vocabulary } from '../lib/data/index.ts';
import { likeliest } from './support/likeliest.ts';
import { Random } from './support/random.ts';
import { start, type Telling } from './support/start.ts';

export const defaults = { epochs: 4, units: 64, learningRate: 4e-3, dates: 6000, seed: 1 };

const months = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'];

export interface WrittenDate {
  readonly source: string;
  readonly target: string;
}

function ordinal(day: number): string {
  const ending = day > 10 && day < 14 ? 'th' : ['th', 'st', 'nd', 'rd'][day % 10] ?? 'th';
  return `${day}${ending}`;
}

/** A day of 1970 to 2069, as people write it and as ISO 8601 does. Days come first in dates of numbers alone, as in Europe. */
export function writeDate(random: Random): WrittenDate {
  const date = new Date(Date.UTC(1970, 0, 1 + random.below(36_524)));
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const name = random.below(2) === 0 ? months[month]! : months[month]!.slice(0, 3);
  const short = String(year % 100).padStart(2, '0');
  const forms = [
    `${day} ${name} ${year}`, `${name} ${ordinal(day)}, ${year}`, `the ${ordinal(day)} of ${name}, ${year}`, `${day}/${month + 1}/${short}`, `${day}.${month + 1}.${year}`, `${name} ${day} '${short}`,
  ];
  return { source: random.pick(forms), target: date.toISOString().slice(0, 10) };
}

/** What the decoder makes of sources by itself, always taking the likeliest token. */
function translate(model: Model, read: Vocabulary, write: Vocabulary, sources: readonly string[]): string[] {
  const stream = model.stream({ given: { source: sources.map((source) => read.encode(source)) } });
  return generate(stream, { start: write.numberOf('<'), end: write.numberOf('>'), length: 12, greedy: true }).map((tokens) => write.decode(tokens));
}

/** Which letter of the source each letter of the target looked at most. */
async function lookedAt(model: Model, read: Vocabulary, write: Vocabulary, { source, target }: WrittenDate): Promise<string> {
  const { gates } = await inspectGates(model, { source: [read.encode(source)], target: [write.encode(`<${target}`)] }, { layer: 'decoder' });
  const { data, shape } = gates['alignment']!.row(0);
  return Array.from(target, (letter, step) => {
    return `${letter}←${source[likeliest(data.subarray(step * shape[1]!, (step + 1) * shape[1]!))]!}`;
  }).join(' ');
}

/** @returns the share of 500 dates that were not read whose translation is right in every letter, some of them, and where the decoder looked in the first. */
export async function run(options: Partial<typeof defaults> & Telling = {}): Promise<{ exact: number; some: string[]; alignment: string }> {
  const { epochs, units, learningRate, dates, seed, tell } = { ...defaults, ...options };
  const random = new Random(seed, 'dates');
  const all = Array.from({ length: dates + 500 }, () => writeDate(random));
  const read = characters(`${months.join('')}0123456789 ,./'thes`);
  const write = characters('<>0123456789-');
  const list = all.map(({ source, target }): SequencePair => ({ source: read.encode(source), target: write.encode(target) }));
  const model = encoderDecoder({
    source: read, target: write, seed, bridge: 'none',
    encoder: [embedding({ size: 16 }), gru({ units: units / 2, direction: 'bidirectional' })],
    decoder: [embedding({ size: 16 }), bahdanauAttention({ layer: gru({ units }), name: 'decoder' }), dense({ units: write.size })],
  });
  const trainer = new Trainer(model, { loss: crossEntropy(), optimizer: adam({ learningRate }), clip: { globalNorm: 1 }, seed });
  const [begin, end] = [write.numberOf('<'), write.numberOf('>')];
  const test = all.slice(dates);
  for await (const { kind, epoch, loss } of trainer.fit(pairs(list.slice(0, dates), { start: begin, end, batch: 32, shuffle: true, seed }), { epochs })) {
    if (kind === 'epoch') tell?.(`epoch ${epoch}: loss ${loss.toFixed(4)}, ${test[0]!.source} → ${translate(model, read, write, [test[0]!.source])[0]!}`);
  }
  const given = translate(model, read, write, test.map(({ source }) => source));
  return {
    exact: given.filter((text, i) => text === test[i]!.target).length / test.length,
    some: test.slice(0, 5).map(({ source }, i) => `${source} → ${given[i]!}`),
    alignment: await lookedAt(model, read, write, test[0]!),
  };
}

await start(import.meta.url, defaults, run);
