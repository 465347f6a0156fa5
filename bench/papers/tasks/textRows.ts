import type { Batch } from '../../../lib/data/index.ts';
import { uniformSource, type UniformSource } from '../../../lib/random.ts';
import type { TextTask } from './textTasks.ts';

interface Row {
  readonly random: UniformSource;
  readonly tokens: number[];
  readonly asked: number[];
}

/**
 * Endless text in rows that go on from batch to batch: each row has its own source, so that the states can be carried over. The target at each step is the next
 * character; its weight is 1 where that character is asked for.
 */
export class TextRows {
  readonly #task: TextTask;
  readonly #rows: readonly Row[];
  readonly #steps: number;
  #begun = false;

  constructor(task: TextTask, { rows, steps, seed, part }: { readonly rows: number; readonly steps: number; readonly seed: number; readonly part: string }) {
    this.#task = task;
    this.#steps = steps;
    this.#rows = Array.from({ length: rows }, (_, row) => ({ random: uniformSource(seed, `${task.name} ${part} ${row}`), tokens: [], asked: [] }));
  }

  /** The next steps of every row. */
  next(): Batch {
    const steps = this.#steps;
    const shape = [this.#rows.length, steps];
    const [input, target, weights] = [new Int32Array(shape[0]! * steps), new Int32Array(shape[0]! * steps), new Float32Array(shape[0]! * steps)];
    this.#rows.forEach((row, index) => {
      this.#fill(row);
      input.set(row.tokens.slice(0, steps), index * steps);
      target.set(row.tokens.slice(1, steps + 1), index * steps);
      weights.set(row.asked.slice(1, steps + 1), index * steps);
      row.tokens.splice(0, steps);
      row.asked.splice(0, steps);
    });
    const fresh = this.#rows.map(() => !this.#begun);
    this.#begun = true;
    return { input: { data: input, shape }, target: { data: target, shape }, weights: { data: weights, shape }, fresh };
  }

  #fill({ random, tokens, asked }: Row): void {
    while (tokens.length <= this.#steps) {
      const passage = this.#task.write(random);
      for (let i = 0; i < passage.text.length; i++) {
        tokens.push(this.#task.characters.indexOf(passage.text[i]!));
        asked.push(Number(passage.asked[i]));
      }
    }
  }
}
