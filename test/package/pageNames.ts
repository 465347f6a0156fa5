/**
 * What the pages' code speaks of without making it: the reader's own data and models, by page, as declarations. What the package and node:fs export need not be declared
 * unless the page calls something of its own by such a name.
 */
export const pageNames: Readonly<Record<string, string>> = {
  'docs/analysis.md': `
    declare const data: import('bptt/data').Dataset;
    declare const validation: import('bptt/data').Dataset;
    declare const vocabulary: import('bptt/data').Vocabulary;
    declare const model: import('bptt').Model;
    declare const batch: import('bptt/data').Batch;`,
  'docs/attention.md': `
    declare const source: import('bptt').Symbolic;
    declare const target: import('bptt').Symbolic;`,
  'docs/backpropagation.md': `
    declare const vocabulary: import('bptt/data').Vocabulary;
    declare const tokens: Int32Array;
    declare const tagger: import('bptt').Model;`,
  'docs/classic-networks.md': `
    declare const vocabulary: import('bptt/data').Vocabulary;
    declare const [voltage, speed, planned]: [number[], number[], number[]];`,
  'docs/convolution.md': `
    declare const vocabulary: import('bptt/data').Vocabulary;`,
  'docs/decoding.md': `
    declare const translator: import('bptt').Model;
    declare const source: number[][];
    declare const [start, end]: [number, number];
    declare const network: import('bptt').Model;
    declare const frames: number[][][];
    declare const output: import('bptt/data').Output;
    declare const languageNetwork: import('bptt').Model;`,
  'docs/embeddings.md': `
    declare const vocabulary: import('bptt/data').Vocabulary;
    declare const model: import('bptt').Model;`,
  'docs/long-sequences.md': `
    declare const model: import('bptt').Model;
    declare const input: import('bptt/data').Tensor;
    declare const target: import('bptt/data').Tensor;`,
  'docs/shapes.md': `
    declare const list: readonly import('bptt/data').SequencePair[];
    declare const source: import('bptt').Symbolic;
    declare const target: import('bptt').Symbolic;`,
};
