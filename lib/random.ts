/** Uniform numbers in [0, 1) with 53 random bits each; the same seed and label always give the same ones. */
export type UniformSource = () => number;

/** Mixes a word into a 32-bit hash (the finaliser of MurmurHash3). */
export function mix(hash: number, word: number): number {
  let mixed = Math.imul(hash ^ word, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) | 0;
}

/** A 32-bit hash of a number of any size (safe integers use both halves) and an optional label. */
export function hashSeed(seed: number, label = ''): number {
  let hash = mix(mix(0x6a09e667, seed | 0), Math.floor(seed / 0x1_0000_0000) | 0);
  for (let i = 0; i < label.length; i++) hash = mix(hash, label.charCodeAt(i));
  return mix(hash, label.length);
}

/** The generator sfc32, started from a seed and a label. */
export function uniformSource(seed: number, label = ''): UniformSource {
  const start = hashSeed(seed, label);
  let a = mix(start, 1);
  let b = mix(start, 2);
  let c = mix(start, 3);
  let counter = 1;
  const word = (): number => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result | 0;
    return result >>> 0;
  };
  for (let i = 0; i < 12; i++) word();
  return () => ((word() >>> 5) * 0x400_0000 + (word() >>> 6)) / 0x20_0000_0000_0000;
}

/** The numbers 0 … count − 1 in a random order (Fisher and Yates). */
export function permutation(count: number, random: UniformSource): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    const kept = order[i]!;
    order[i] = order[j]!;
    order[j] = kept;
  }
  return order;
}
