import { requireInteger } from '../checks.ts';
import { checkOptions } from '../errors.ts';
import { argMax, logProbabilities } from './distribution.ts';
import { framesOf } from './frames.ts';
import type { FrameLogits } from './frames.ts';
import { externalScore } from './languageModel.ts';
import type { ExternalScoreOptions } from './languageModel.ts';
import { PrefixBeam } from './prefixBeam.ts';

export interface CtcGreedyOptions {
  /** The label that stands for "nothing new". Default 0. */
  readonly blank?: number;
}

export interface CtcBeamSearchOptions extends CtcGreedyOptions, ExternalScoreOptions {
  /** How many prefixes are kept from frame to frame, 1 or more. */
  readonly width: number;
  /** How many results are given, at most `width`. Default 1. */
  readonly count?: number;
}

/** A sequence of labels that a search found. */
export interface CtcHypothesis {
  /** Without blanks; repeated where the sequence repeats them. */
  readonly labels: readonly number[];
  /** Natural logarithm of the labels' probability given the frames: the sum over the alignments that the search kept, which are all where nothing was cut away. */
  readonly logProbability: number;
  /** What results are ordered by: `logProbability` with what the language model and the bonus add. */
  readonly score: number;
}

/**
 * The labels of the likeliest alignment (best path): the likeliest label of each frame, repetitions merged, then blanks left out (A. Graves, S. Fernández, F. Gomez and
 * J. Schmidhuber, "Connectionist temporal classification", 2006, section 3.2). The likeliest sequence of labels can be another, for it has many alignments.
 * @param logits [T, C] of one sequence, finite or −∞.
 * @throws ERR_BPTT_SHAPE, ERR_BPTT_TYPE for what are no frames; ERR_BPTT_NON_FINITE; ERR_BPTT_OPTION, ERR_BPTT_RANGE for wrong options.
 */
export function ctcGreedy(logits: FrameLogits, options: CtcGreedyOptions = {}): number[] {
  checkOptions('ctcGreedy', options, ['blank']);
  const frames = framesOf('ctcGreedy', logits);
  const blank = requireInteger('ctcGreedy', 'blank', options.blank ?? 0, 0, frames[0]!.length - 1);
  return frames.map(argMax).filter((label, t, path) => label !== blank && label !== path[t - 1]);
}

/**
 * The likeliest sequences of labels, by prefix beam search: the probability of a prefix is the sum over the alignments that spell it, kept apart by whether they end with a
 * blank; of all prefixes that a frame makes the `width` best go on (A. Graves and N. Jaitly, "Towards end-to-end speech recognition with recurrent neural networks", 2014; A. Hannun et
 * al., arXiv:1408.2873). Ranked by p(labels | frames) · p_LM(labels)^weight · e^(bonus · length). Beside the logits it takes memory of the prefixes alone.
 * @param logits [T, C] of one sequence, finite or −∞; log-probabilities are as good.
 * @returns `count` results, best first; fewer where fewer are possible.
 * @throws ERR_BPTT_SHAPE, ERR_BPTT_TYPE for what are no frames; ERR_BPTT_NON_FINITE; ERR_BPTT_OPTION, ERR_BPTT_RANGE, ERR_BPTT_TYPE for wrong options; ERR_BPTT_SHAPE or
 * ERR_BPTT_RANGE where the language model does not give a log-probability for every label and the blank (whose entry is not used).
 */
export function ctcBeamSearch(logits: FrameLogits, options: CtcBeamSearchOptions): CtcHypothesis[] {
  const owner = 'ctcBeamSearch';
  checkOptions(owner, options, ['blank', 'width', 'count', 'languageModel', 'languageWeight', 'lengthBonus']);
  const frames = framesOf(owner, logits);
  const blank = requireInteger(owner, 'blank', options.blank ?? 0, 0, frames[0]!.length - 1);
  const width = requireInteger(owner, 'width', options.width, 1);
  const count = requireInteger(owner, 'count', options.count ?? 1, 1, width);
  const prefixes = new PrefixBeam(width, blank, externalScore(owner, options));
  for (const frame of frames) prefixes.read(logProbabilities(frame));
  return prefixes.results(count);
}
