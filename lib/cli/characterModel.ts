import type { Vocabulary } from '../data/index.ts';
import { BpttError, describe } from '../errors.ts';
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

/**
 * The tokens of a text that somebody gives to a trained model, whose vocabulary is what it is.
 * @param place what the text is called: a file, or "--prefix".
 * @throws ERR_BPTT_VOCABULARY for a character or word that the model does not know.
 */
export function encodeFor({ vocabulary }: CharacterModel, place: string, text: string): Int32Array {
  try {
    return vocabulary.encode(text);
  } catch (error) {
    if (!(error instanceof BpttError) || error.code !== 'ERR_BPTT_VOCABULARY') throw error;
    throw new BpttError('ERR_BPTT_VOCABULARY', `${place}: expected ${vocabulary.kind} that the model was trained on, received ${describe(error.received)}, which is none of its ${vocabulary.size}; `
      + 'leave it out, or train a model on a text that has it', { expected: error.expected, received: error.received, cause: error });
  }
}
