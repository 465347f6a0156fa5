import { requireNumber, wrongType } from '../checks.ts';
import { BpttError, describe } from '../errors.ts';

/**
 * What a language model says of the next token: natural logarithms of probabilities, at most 0, one for each token; −∞ rules a token out.
 * @param prefix the tokens so far, without blanks and without the start token.
 */
export type NextTokenModel = (prefix: readonly number[]) => ArrayLike<number>;

/** Terms that a search adds to a hypothesis' log-probability. */
export interface ExternalScoreOptions {
  /** A language model beside the network, asked once for each prefix that is extended. */
  readonly languageModel?: NextTokenModel;
  /** What the language model's log-probabilities are multiplied by, 0 or more. Default 1. */
  readonly languageWeight?: number;
  /** Added for every token: above 0 for longer results, below for shorter ones. Default 0. */
  readonly lengthBonus?: number;
}

/** For each next token what a search adds: weight · log-probability + bonus. */
export type ExternalScore = (prefix: () => readonly number[], tokens: number) => (token: number) => number;

/** @throws ERR_BPTT_OPTION, ERR_BPTT_RANGE, ERR_BPTT_TYPE for wrong options. What it returns throws ERR_BPTT_SHAPE, ERR_BPTT_RANGE for wrong answers of the language model. */
export function externalScore(owner: string, { languageModel, languageWeight, lengthBonus = 0 }: ExternalScoreOptions): ExternalScore {
  const bonus = requireNumber(owner, 'lengthBonus', lengthBonus, -Number.MAX_VALUE, Number.MAX_VALUE);
  if (languageModel === undefined) {
    if (languageWeight !== undefined) throw new BpttError('ERR_BPTT_OPTION', `${owner}: languageWeight weighs a languageModel, and there is none; leave it out`, { received: languageWeight });
    return () => () => bonus;
  }
  if (typeof languageModel !== 'function') throw wrongType(owner, 'languageModel', 'a function of a prefix that gives log-probabilities', languageModel);
  const weight = requireNumber(owner, 'languageWeight', languageWeight ?? 1, 0, Number.MAX_VALUE);
  return (prefix, tokens) => {
    const answer = languageModel(prefix());
    requireAnswer(owner, answer, tokens);
    return (token) => weighed(owner, answer[token], token, weight) + bonus;
  };
}

function requireAnswer(owner: string, answer: ArrayLike<number>, tokens: number): void {
  if (typeof answer === 'object' && answer?.length === tokens) return;
  throw new BpttError('ERR_BPTT_SHAPE', `${owner}: expected the languageModel to give ${tokens} log-probabilities, one for each token that the network knows, received ${describe(answer)}`, { expected: tokens, received: answer });
}

function weighed(owner: string, given: number | undefined, token: number, weight: number): number {
  if (typeof given === 'number' && given <= 0) return given === -Infinity ? given : weight * given;
  throw new BpttError('ERR_BPTT_RANGE', `${owner}: expected the languageModel to give natural logarithms of probabilities, at most 0, received ${describe(given)} for token ${token}; logProbabilities(logits) makes them of logits`,
    { expected: 'at most 0', received: given });
}
