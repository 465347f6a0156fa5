import type { UniformSource } from '../../../lib/random.ts';
import { drawCharacter, drawInteger } from './draw.ts';

/** Text, and which of its characters are asked for. */
export interface Passage {
  readonly text: string;
  /** As long as the text. */
  readonly asked: readonly boolean[];
}

/** A source of endless text. */
export interface TextTask {
  readonly name: string;
  /** Every character that can come. */
  readonly characters: string;
  /** The next passage. */
  readonly write: (random: UniformSource) => Passage;
}

const letters = 'abcdefghijklmnopqrstuvwxyz';

export interface ArithmeticOptions {
  /** Digits of each number: 1 up to this many. */
  readonly digits: number;
  /** Letters that mean nothing come between any two characters of the question, as many as coins fall that way one after the other. */
  readonly distraction: number;
}

function drawNumber(random: UniformSource, digits: number): number {
  const count = drawInteger(random, 1, digits);
  return drawInteger(random, count === 1 ? 0 : 10 ** (count - 1), 10 ** count - 1);
}

/**
 * Arithmetic of R. Jozefowicz, W. Zaremba and I. Sutskever, "An empirical exploration of recurrent network architectures", ICML (2015): the sum or the
 * difference of two numbers of up to eight digits, with letters strewn in, such as `3e36d9-h1h39f94eeh43keg3c=-13991064.` Only what follows "=" is asked for.
 * @returns the task, with 40 characters.
 */
export function arithmeticTask({ digits, distraction }: ArithmeticOptions): TextTask {
  return {
    name: 'arithmetic',
    characters: `0123456789+-=.${letters}`,
    write(random) {
      const [first, second] = [drawNumber(random, digits), drawNumber(random, digits)];
      const sign = drawCharacter(random, '+-');
      let question = '';
      for (const character of `${first}${sign}${second}`) {
        question += character;
        while (random() < distraction) question += drawCharacter(random, letters);
      }
      const answer = `${sign === '+' ? first + second : first - second}.`;
      const text = `${question}=${answer}`;
      return { text, asked: [...text].map((_, i) => i > question.length) };
    },
  };
}

/** Tags that one passage of XML opens or closes before it closes what is open. */
const mostTags = 50;

/**
 * XML of the same paper: nested tags of 2 to 10 random letters. A coin says whether the tag opened last is closed (or the passage ends, where none is open) or
 * another one is opened; after 50 turns only closing is left. Every character is asked for.
 * @returns the task, with 29 characters.
 */
export function xmlTask(): TextTask {
  return {
    name: 'xml',
    characters: `<>/${letters}`,
    write(random) {
      const open: string[] = [];
      let text = '';
      for (let turn = 0; turn === 0 || turn < mostTags; turn++) {
        if (turn > 0 && random() < 0.5) {
          const tag = open.pop();
          if (tag === undefined) break;
          text += `</${tag}>`;
        } else {
          const tag = Array.from({ length: drawInteger(random, 2, 10) }, () => drawCharacter(random, letters)).join('');
          open.push(tag);
          text += `<${tag}>`;
        }
      }
      for (let tag = open.pop(); tag !== undefined; tag = open.pop()) text += `</${tag}>`;
      return { text, asked: [...text].map(() => true) };
    },
  };
}
