import type { Vocabulary } from '../data/index.ts';
import { BpttError } from '../errors.ts';
import { loadModel } from '../formats/index.ts';
import type { Model } from '../model/index.ts';

/** A model that reads and writes characters. */
export interface CharacterModel {
  readonly model: Model;
  readonly vocabulary: Vocabulary;
}

/**
 * Loads what `bptt train text` saved, or any saved model of one output over a vocabulary.
 * @throws ERR_BPTT_FORMAT for a folder without such a model.
 */
export async function loadCharacterModel(folder: string): Promise<CharacterModel> {
  const model = await loadModel(folder);
  const { vocabulary, inputs, outputs } = model;
  const { sizes = [], time } = outputs[0] ?? {};
  if (vocabulary && inputs.length === 1 && outputs.length === 1 && sizes.length === 1 && sizes[0] === vocabulary.size) {
    if (time) return { model, vocabulary };
    throw new BpttError('ERR_BPTT_FORMAT', `${folder}: expected a language model that foretells a token at every step, received one that does so after the last step; `
      + 'build its last recurrent layer without output: "last"', { expected: 'logits at every step', received: { outputs } });
  }
  throw new BpttError('ERR_BPTT_FORMAT', `${folder}: expected a language model with one input over a vocabulary and one logit per token, received another kind of model; `
    + 'train one with "bptt train text"', { expected: 'language model', received: { inputs, outputs } });
}
