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
  const sizes = outputs[0]?.sizes ?? [];
  if (vocabulary && inputs.length === 1 && outputs.length === 1 && sizes.length === 1 && sizes[0] === vocabulary.size) return { model, vocabulary };
  throw new BpttError('ERR_BPTT_FORMAT', `${folder}: expected a language model with one input over a vocabulary and one logit per token, received another kind of model; `
    + 'train one with "bptt train text"', { expected: 'language model', received: { inputs, outputs } });
}
