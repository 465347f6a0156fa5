import assert from 'node:assert/strict';
import { addingBatch, addingVariance, earlyAddingExample } from '../../bench/papers/tasks/adding.ts';
import { copiedDigits, copyBatch, copyGuessLoss } from '../../bench/papers/tasks/copyMemory.ts';
import { countingExample, countingTokens, recognises } from '../../bench/papers/tasks/counting.ts';
import { embeddedReberString, embeddedReberSuccessors, foretells, reberStrings, reberSymbols } from '../../bench/papers/tasks/reber.ts';
import { orderExample, orderPlaces, orderSymbols } from '../../bench/papers/tasks/temporalOrder.ts';
import { arithmeticTask, xmlTask } from '../../bench/papers/tasks/textTasks.ts';
import { TextRows } from '../../bench/papers/tasks/textRows.ts';
import type { Batch, Tensor } from '../../lib/data/index.ts';
import { uniformSource } from '../../lib/random.ts';

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Every step of a sequence [T, 2] as [value, marker]. */
const pairs = ({ data }: Tensor): [number, number][] => Array.from({ length: data.length / 2 }, (_, step) => [data[step * 2]!, data[step * 2 + 1]!]);

describe('tasks of published results', () => {
  describe('the adding problem', () => {
    it('[72] marks two different steps of each row and asks for their sum', () => {
      const { input, target } = addingBatch(uniformSource(1), { rows: 400, steps: 12 });
      const seen = new Set<number>();
      for (let row = 0; row < 400; row++) {
        const steps = pairs({ data: input.data.subarray(row * 24, (row + 1) * 24), shape: [12, 2] });
        const marked = steps.flatMap(([value, marker], step) => (marker === 1 ? [{ value, step }] : []));
        assert.equal(marked.length, 2);
        assert.ok(steps.every(([value, marker]) => value >= 0 && value < 1 && (marker === 0 || marker === 1)));
        assert.ok(Math.abs(marked[0]!.value + marked[1]!.value - target.data[row]!) < 1e-6);
        for (const { step } of marked) seen.add(step);
      }
      assert.equal(seen.size, 12, 'every step is marked at some time');
    });
    it('[72] has the error of a constant answer that the papers compare with', () => {
      const { target } = addingBatch(uniformSource(2), { rows: 20_000, steps: 4 });
      const error = mean(Array.from(target.data, (sum) => (sum - 1) ** 2));
      assert.ok(Math.abs(error - addingVariance) < 0.005, `${error}`);
    });
    it('keeps to the rules of 1997: lengths, markers at both ends, where the marked ones may stand', () => {
      const random = uniformSource(3);
      let firstMarked = 0;
      for (let i = 0; i < 600; i++) {
        const { input, target } = earlyAddingExample(random, 100);
        const steps = pairs(input);
        assert.ok(steps.length >= 100 && steps.length <= 110);
        assert.equal(steps.at(-1)![1], -1);
        const marked = steps.flatMap(([, marker], step) => (marker === 1 ? [step] : []));
        assert.equal(marked.length, 2);
        assert.ok(marked[0]! < 10 && marked[1]! < 50, `${marked.join()}`);
        assert.equal(steps[0]![1], marked[0] === 0 ? 1 : -1);
        firstMarked += Number(marked[0] === 0);
        const sum = marked.reduce((total, step) => total + (step === 0 ? 0 : steps[step]![0]), 0);
        assert.ok(Math.abs(0.5 + sum / 4 - target) < 1e-6);
      }
      assert.ok(firstMarked > 20, 'the very first pair is marked at times');
    });
  });

  describe('copy memory', () => {
    it('[101] gives ten digits, zeros, eleven nines, and asks for the digits at the end', () => {
      const { input, target } = copyBatch(uniformSource(1), { rows: 3, gap: 7 });
      assert.deepEqual(input.shape, [3, 27]);
      for (let row = 0; row < 3; row++) {
        const [given, asked] = [[...input.data.slice(row * 27, row * 27 + 27)], [...target.data.slice(row * 27, row * 27 + 27)]];
        const digits = given.slice(0, copiedDigits);
        assert.ok(digits.every((digit) => digit >= 1 && digit <= 8));
        assert.deepEqual(given.slice(10), [...Array<number>(6).fill(0), ...Array<number>(11).fill(9)]);
        assert.deepEqual(asked, [...Array<number>(17).fill(0), ...digits]);
      }
    });
    it('[101] has the guessing loss that the paper prints for T = 1000', () => {
      assert.equal(copyGuessLoss(1000).toFixed(4), '0.0204');
    });
  });

  describe('arithmetic and XML', () => {
    it('[87] arithmetic: every answer is right, only answers are asked for, letters mean nothing', () => {
      const task = arithmeticTask({ digits: 8, distraction: 0.5 });
      const random = uniformSource(1);
      assert.equal(task.characters.length, 40);
      let letters = 0;
      for (let i = 0; i < 300; i++) {
        const { text, asked } = task.write(random);
        assert.ok([...text].every((character) => task.characters.includes(character)));
        const [question, answer] = text.split('=') as [string, string];
        const [, first, sign, second] = /^(\d+)([+-])(\d+)$/.exec(question.replaceAll(/[a-z]/g, ''))!;
        letters += question.replaceAll(/[^a-z]/g, '').length;
        assert.equal(answer, `${sign === '+' ? Number(first) + Number(second) : Number(first) - Number(second)}.`);
        assert.ok(first!.length <= 8 && second!.length <= 8);
        assert.deepEqual(asked.map((flag, at) => (flag ? text[at] : '')).join(''), answer);
      }
      assert.ok(letters > 600, 'letters are strewn in');
    });
    it('[87] XML: tags of 2 to 10 letters, closed in the order in which they nest', () => {
      const random = uniformSource(2);
      let deepest = 0;
      for (let i = 0; i < 300; i++) {
        const { text, asked } = xmlTask().write(random);
        const open: string[] = [];
        assert.equal(text.replaceAll(/<\/?[a-z]{2,10}>/g, ''), '');
        for (const [, slash, tag] of text.matchAll(/<(\/?)([a-z]+)>/g)) {
          if (slash === '/') assert.equal(open.pop(), tag);
          else open.push(tag!);
          deepest = Math.max(deepest, open.length);
        }
        assert.equal(open.length, 0);
        assert.equal(asked.length, text.length);
        assert.ok(asked.every(Boolean));
      }
      assert.ok(deepest >= 4, `${deepest}`);
    });
    it('[87] rows of text go on from batch to batch, each with the next character as target', () => {
      const task = arithmeticTask({ digits: 3, distraction: 0.25 });
      const rows = new TextRows(task, { rows: 2, steps: 11, seed: 4, part: 'test' });
      const batches: Batch[] = Array.from({ length: 6 }, () => rows.next());
      assert.deepEqual(batches.map(({ fresh }) => Array.from(fresh!, Boolean)), [[true, true], ...Array<boolean[]>(5).fill([false, false])]);
      const data = (name: 'input' | 'target' | 'weights', row: number): number[] => batches.flatMap((batch) => [...(batch[name] as Tensor).data.subarray(row * 11, row * 11 + 11)]);
      for (const row of [0, 1]) {
        const [input, target, weights] = [data('input', row), data('target', row), data('weights', row)];
        assert.deepEqual(target.slice(0, -1), input.slice(1));
        const text = target.map((token) => task.characters[token]!).join('');
        const asked = weights.map((weight, at) => (weight === 1 ? text[at]! : ' ')).join('');
        assert.match(text, /=-?\d+\./);
        assert.deepEqual(asked.trim().split(/ +/).slice(0, -1), [...text.matchAll(/=(-?\d+\.)/g)].map(([, answer]) => answer!).slice(0, asked.trim().split(/ +/).length - 1));
      }
      assert.notDeepEqual(data('input', 0), data('input', 1));
    });
  });

  describe('the embedded Reber grammar', () => {
    it('accepts what the grammar makes and rejects what it does not', () => {
      for (const right of ['BTBTXSETE', 'BPBPVVEPE', 'BTBTSSXXTTVVETE', 'BPBPTVPXVPSEPE']) assert.equal(embeddedReberSuccessors(right), '', right);
      for (const wrong of ['BTBTXSEPE', 'BPBPVVETE', 'BTBTXE', 'TBTXSETE', 'BTBTXSETEB', 'BTBPXSETE', 'BTBTSVETE']) assert.equal(embeddedReberSuccessors(wrong), null, wrong);
      assert.equal(embeddedReberSuccessors('BT'), 'B');
      assert.equal(embeddedReberSuccessors('BTBTS'), 'SX');
      assert.equal(embeddedReberSuccessors('BPBPVVE'), 'P');
    });
    it('draws strings with their legal successors; training and test strings have none in common', () => {
      const random = uniformSource(1);
      for (let i = 0; i < 200; i++) {
        const { text, legal } = embeddedReberString(random);
        assert.equal(embeddedReberSuccessors(text), '');
        assert.equal(legal.length, text.length - 1);
        legal.forEach((allowed, step) => assert.ok(allowed.includes(text[step + 1]!)));
        assert.equal(text[1], text.at(-2));
      }
      const { train, test } = reberStrings(random, 60);
      assert.equal(new Set([...train, ...test].map(({ text }) => text)).size, 120);
    });
    it('counts a string as foretold only when all legal symbols are more active than all the others', () => {
      const string = { text: 'BTBTXSETE', legal: [...'BTBTXSET'].map((_, i) => embeddedReberSuccessors('BTBTXSETE'.slice(0, i + 1))!) };
      const outputs = string.legal.flatMap((allowed) => [...reberSymbols].map((symbol): number => (allowed.includes(symbol) ? 0.5 : 0.1)));
      assert.equal(foretells(string, outputs), true);
      const last = outputs.with(7 * 7 + reberSymbols.indexOf('B'), 0.6);
      assert.equal(foretells(string, last), false);
      const tie = outputs.with(6 * 7 + reberSymbols.indexOf('P'), 0.5);
      assert.equal(foretells(string, tie), false);
    });
  });

  it('temporal order: X and Y stand where they may, everything else distracts, the class tells their order', () => {
    for (const task of ['two', 'three'] as const) {
      const random = uniformSource(5);
      const classes = new Set<number>();
      for (let i = 0; i < 200; i++) {
        const { tokens, target } = orderExample(random, task);
        const text = Array.from(tokens, (token) => orderSymbols[token]).join('');
        assert.match(text, /^E[abcdXY]{98,108}B$/);
        const found = [...text].flatMap((symbol, step) => ('XY'.includes(symbol) ? [{ symbol, step }] : []));
        assert.equal(found.length, orderPlaces[task].length);
        found.forEach(({ step }, index) => assert.ok(step >= orderPlaces[task][index]![0] && step <= orderPlaces[task][index]![1]));
        assert.equal(found.reduce((sum, { symbol }) => 2 * sum + Number(symbol === 'Y'), 0), target);
        classes.add(target);
      }
      assert.equal(classes.size, 2 ** orderPlaces[task].length);
    }
  });

  describe('counting', () => {
    it('[65] spells aⁿbⁿ with what follows each symbol', () => {
      const { input, target, weights } = countingExample(2);
      assert.deepEqual([...input], [0, 1, 1, 2, 2]);
      assert.deepEqual([...target], [1, 1, 2, 2, 3]);
      assert.deepEqual([...weights], [0, 0, 0, 1, 1], 'the number of a is not asked for');
    });
    it('[65] recognises aⁿbⁿ only when every b and the end are foretold, and leaves the number of a open', () => {
      const { target } = countingExample(3);
      const answers = Float32Array.from({ length: target.length * countingTokens }, (_, i) => Number(i % countingTokens === target[Math.floor(i / countingTokens)]));
      assert.equal(recognises(3, answers), true);
      const unsure = answers.slice();
      unsure[2 * countingTokens + 2] = 5;
      assert.equal(recognises(3, unsure), true, 'a b may come at any step of the first half');
      const early = answers.slice();
      early[5 * countingTokens + 3] = 5;
      assert.equal(recognises(3, early), false, 'the end comes too early');
      const late = answers.slice();
      late[6 * countingTokens + 2] = 5;
      assert.equal(recognises(3, late), false, 'no end');
    });
  });
});
