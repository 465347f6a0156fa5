/** Philox 4×32 with 10 rounds (Salmon et al. 2011): a block of four words from a counter and a key, all unsigned 32-bit. */
export type Words4 = readonly [number, number, number, number];

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

function highWord(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/** The block of four words at `counter` under the key `key0`, `key1`. */
export function philox(counter: Words4, key0: number, key1: number): Words4 {
  let [c0, c1, c2, c3] = counter as [number, number, number, number];
  let k0 = key0 >>> 0;
  let k1 = key1 >>> 0;
  for (let round = 0; round < ROUNDS; round++) {
    const high0 = highWord(MULTIPLIER_0, c0 >>> 0);
    const low0 = Math.imul(MULTIPLIER_0, c0);
    const high1 = highWord(MULTIPLIER_1, c2 >>> 0);
    const low1 = Math.imul(MULTIPLIER_1, c2);
    [c0, c1, c2, c3] = [high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0];
    k0 = (k0 + WEYL_0) | 0;
    k1 = (k1 + WEYL_1) | 0;
  }
  return [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
}

const UNIT = 2 ** -24;

export interface Draw {
  readonly key: readonly [number, number];
  readonly stream: number;
  readonly distribution: 'uniform' | 'normal';
  /** Elements of the draw that lie before the target. Default 0. */
  readonly before?: number;
}

/** Fills `target` with uniform numbers in [0, 1) or standard normal ones: element i of the draw depends on key, stream and i alone. */
export function fillRandom(target: Float64Array, { key, stream, distribution, before = 0 }: Draw): void {
  let words: Words4 = [0, 0, 0, 0];
  for (let i = 0; i < target.length; i++) {
    const place = before + i;
    const lane = place % 4;
    const block = (place - lane) / 4;
    if (lane === 0 || i === 0) words = philox([block >>> 0, Math.floor(block / 2 ** 32), stream >>> 0, 0], key[0], key[1]);
    target[i] = distribution === 'uniform' ? (words[lane]! >>> 8) * UNIT : normal(words, lane);
  }
}

/** Box–Muller: words 0, 1 give lanes 0, 1; words 2, 3 give lanes 2, 3. */
function normal(words: Words4, lane: number): number {
  const first = lane & 2;
  const u1 = ((words[first]! >>> 8) + 1) * UNIT;
  const u2 = (words[first + 1]! >>> 8) * UNIT;
  const radius = Math.sqrt(-2 * Math.log(u1));
  const angle = 2 * Math.PI * u2;
  return radius * (lane & 1 ? Math.sin(angle) : Math.cos(angle));
}
