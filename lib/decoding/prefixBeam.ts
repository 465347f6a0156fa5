import { Best } from './best.ts';
import type { CtcHypothesis } from './ctc.ts';
import type { ExternalScore } from './languageModel.ts';

/** A prefix of labels as a place in a tree, with the log-probability of the alignments up to now that spell it. Each prefix has one place. */
class Prefix {
  readonly parent: Prefix | null;
  /** −1 at the root. */
  readonly label: number;
  /** What language model and bonus have added on the way here. */
  readonly external: number;
  readonly children = new Map<number, Prefix>();
  /** Of the alignments that end with a blank, and of those that end with the label: before the frame and after it. */
  endsBlank = -Infinity;
  endsLabel = -Infinity;
  nextBlank = -Infinity;
  nextLabel = -Infinity;
  kept = false;
  #extension: ((label: number) => number) | undefined;

  constructor(parent: Prefix | null, label: number, external: number) {
    this.parent = parent;
    this.label = label;
    this.external = external;
  }

  get mass(): number {
    return logSum(this.endsBlank, this.endsLabel);
  }

  /** What the next label adds. */
  extension(external: ExternalScore, width: number): (label: number) => number {
    return this.#extension ??= external(() => labelsOf(this), width);
  }

  /** The place of the prefix with one more label. */
  child(label: number, external: number): Prefix {
    const there = this.children.get(label);
    if (there) return there;
    const child = new Prefix(this, label, external);
    this.children.set(label, child);
    return child;
  }
}

function labelsOf(prefix: Prefix): number[] {
  const labels: number[] = [];
  for (let place = prefix; place.parent; place = place.parent) labels.push(place.label);
  return labels.reverse();
}

/** Takes places out of the tree that neither are kept nor lead to one. */
function release(prefix: Prefix): void {
  for (let place = prefix; place.parent && !place.kept && place.children.size === 0; place = place.parent) place.parent.children.delete(place.label);
}

/** log(e^a + e^b). */
function logSum(a: number, b: number): number {
  const most = Math.max(a, b);
  return most === -Infinity ? most : most + Math.log1p(Math.exp(Math.min(a, b) - most));
}

/** A prefix that may go on: one of the kept ones, or one with a new label whose alignments have this log-probability. */
interface Candidate {
  readonly prefix: Prefix;
  readonly label: number | null;
  readonly mass: number;
  readonly external: number;
}

/** The best prefixes of a sequence of frames. */
export class PrefixBeam {
  readonly #width: number;
  readonly #blank: number;
  readonly #external: ExternalScore;
  #prefixes: readonly Prefix[];

  constructor(width: number, blank: number, external: ExternalScore) {
    this.#width = width;
    this.#blank = blank;
    this.#external = external;
    const root = new Prefix(null, -1, 0);
    root.endsBlank = 0;
    root.kept = true;
    this.#prefixes = [root];
  }

  /** Goes one frame on. */
  read(frame: Float64Array): void {
    for (const prefix of this.#prefixes) this.#stay(prefix, frame);
    const best = new Best<Candidate>(this.#width);
    for (const prefix of this.#prefixes) {
      const mass = logSum(prefix.nextBlank, prefix.nextLabel);
      best.offer(mass + prefix.external, { prefix, label: null, mass, external: prefix.external });
    }
    for (const prefix of this.#prefixes) this.#extend(prefix, frame, best);
    this.#goOn(best.items);
  }

  /** The best prefixes, best first. */
  results(count: number): CtcHypothesis[] {
    return this.#prefixes.slice(0, count).map((prefix) => ({ labels: labelsOf(prefix), logProbability: prefix.mass, score: prefix.mass + prefix.external }));
  }

  /** The alignments that spell a kept prefix with one more frame: those of its own, and those of its parent where that is kept. */
  #stay(prefix: Prefix, frame: Float64Array): void {
    const { parent, label } = prefix;
    prefix.nextBlank = prefix.mass + frame[this.#blank]!;
    prefix.nextLabel = parent ? prefix.endsLabel + frame[label]! : -Infinity;
    if (parent?.kept) prefix.nextLabel = logSum(prefix.nextLabel, massBefore(parent, label) + frame[label]!);
  }

  #extend(prefix: Prefix, frame: Float64Array, best: Best<Candidate>): void {
    const added = prefix.extension(this.#external, frame.length);
    for (let label = 0; label < frame.length; label++) {
      if (label === this.#blank || prefix.children.get(label)?.kept) continue;
      const mass = massBefore(prefix, label) + frame[label]!;
      const external = prefix.external + added(label);
      const score = mass + external;
      if (score > best.least) best.offer(score, { prefix, label, mass, external });
    }
  }

  #goOn(candidates: readonly Candidate[]): void {
    const before = this.#prefixes;
    this.#prefixes = candidates.map(({ prefix, label, mass, external }) => {
      if (label === null) return prefix;
      const child = prefix.child(label, external);
      child.nextBlank = -Infinity;
      child.nextLabel = mass;
      return child;
    });
    for (const prefix of before) prefix.kept = false;
    for (const prefix of this.#prefixes) {
      prefix.kept = true;
      prefix.endsBlank = prefix.nextBlank;
      prefix.endsLabel = prefix.nextLabel;
    }
    for (const prefix of before) release(prefix);
  }
}

/** Of the alignments after which `label` is a new label: after itself only those that end with a blank. */
function massBefore(prefix: Prefix, label: number): number {
  return label === prefix.label ? prefix.endsBlank : prefix.mass;
}
