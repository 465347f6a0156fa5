import fc from 'fast-check';
import * as g from '../../lib/graph/index.ts';
import { floats } from '../differential/support.ts';

/** Draws from a list of numbers, over and over: a random graph is read off such a list. */
class Draws {
  private readonly numbers: readonly number[];
  private position = 0;

  constructor(numbers: readonly number[]) {
    this.numbers = numbers;
  }

  below(limit: number): number {
    return this.numbers[this.position++ % this.numbers.length]! % limit;
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)]!;
  }
}

const unary = [g.tanh, g.sigmoid, g.negate, g.relu, g.absolute, (x: g.Value) => g.add(x, 0), (x: g.Value) => g.multiply(x, 1), g.stopGradient, (x: g.Value) => g.divide(x, 4), (x: g.Value) => g.standardize(x, { epsilon: 0.5 })];
const binary = [g.add, g.subtract, g.multiply, g.maximum, g.minimum];

/** One more value made of those that there are. All are [rows, columns] or can be made so. */
function extend(draws: Draws, pool: readonly g.Value[], width: number): g.Value {
  const x = draws.of(pool);
  const y = draws.of(pool);
  const [rows, columns] = x.shape as [number, number];
  const cut = 1 + draws.below(Math.max(1, columns - 1));
  switch (draws.below(13)) {
    case 0: case 1: return draws.of(unary)(x);
    case 2: case 3: case 4: return g.sameShape(x.shape, y.shape) ? draws.of(binary)(x, y) : g.add(x, g.broadcast(g.sum(y), x.shape));
    case 5: return g.matmul(x, floats(`w${columns}x${width}`, columns, width));
    case 6: return columns > cut ? g.concat([g.sliceAxis(x, 1, 0, cut), g.sliceAxis(x, 1, cut, columns - cut)], 1) : x;
    case 7: return columns > cut ? g.add(g.pad(g.sliceAxis(x, 1, 0, cut), [0, 0], [0, columns - cut]), g.pad(g.tanh(g.sliceAxis(x, 1, cut, columns - cut)), [0, cut], [0, 0])) : x;
    case 8: return g.transpose(g.transpose(x, [1, 0]), [1, 0]);
    case 9: return g.reshape(g.reshape(x, [rows * columns]), [rows, columns]);
    case 10: return g.multiply(x, g.broadcast(g.sum(x, [0]), x.shape));
    case 11: return g.select(g.less(x, 0), x, g.multiply(x, 0.5));
    default: return g.reverse(g.reverse(x, [0]), [draws.below(2)]);
  }
}

/** A scan over a random body, with and against time, with a sum that is carried along. It begins with a value that others read too. */
function randomScan(draws: Draws, rows: number, width: number, pool: readonly g.Value[]): g.Value[] {
  const weights = floats('u', width, width);
  const sequence = floats('x', 4, rows, width);
  const start = draws.of([floats('h', rows, width), ...pool.filter(({ shape }) => g.sameShape(shape, [rows, width]))]);
  const kept = draws.below(2) === 1;
  const { final, outputs } = g.scan({
    initial: { h: start, total: g.zeros([width, width]), bias: g.zeros([width]) }, inputs: { x: sequence }, reverse: draws.below(2) === 1,
    step: ({ h, x, total, bias }) => {
      const pool: g.Value[] = [h, x, g.matmul(x, weights), g.matmul(h, weights)];
      for (let i = 0; i < 3 + draws.below(5); i++) {
        const value = extend(draws, pool, width);
        if (g.sameShape(value.shape, [rows, width])) pool.push(g.tanh(value));
      }
      const next = g.tanh(draws.of(pool));
      const factor = draws.of(pool);
      return {
        next: { h: next, total: g.add(total, g.matmul(factor, next, { transposeA: true })), bias: g.add(bias, g.sum(next, [0])) },
        outputs: { y: draws.of(pool), product: g.matmul(next, weights), before: kept ? h : x },
      };
    },
  });
  return [final.h, final.total, final.bias, outputs.y, outputs.product, outputs.before, g.add(final.h, start)];
}

/** Named outputs of a random graph; `gradients` adds those of a scalar made of them. */
export function randomOutputs(numbers: readonly number[], { gradients = false }: { readonly gradients?: boolean } = {}): Record<string, g.Value> {
  const draws = new Draws(numbers);
  const rows = 1 + draws.below(4);
  const width = 1 + draws.below(6);
  const start = [floats('a', rows, width), floats('b', rows, width), g.constant(0.5, [rows, width]), g.zeros([rows, width])];
  const pool = [...start];
  for (let i = 0; i < 4 + draws.below(10); i++) pool.push(extend(draws, pool, width));
  const made = [pool[pool.length - 1]!, draws.of(pool), ...(draws.below(2) === 1 ? randomScan(draws, rows, width, pool) : [])];
  const outputs: Record<string, g.Value> = Object.fromEntries(made.map((value, i) => [`y${i}`, value]));
  if (!gradients) return outputs;
  const loss = made.map((value) => g.mean(g.square(g.tanh(value)))).reduce((total, term) => g.add(total, term));
  const { gradients: found, rewrite } = g.gradient(loss, start.slice(0, 2));
  return { ...Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, rewrite(value)])), da: found[0]!, db: found[1]! };
}

/** Lists of numbers that random graphs are read off. */
export const graphSeeds = fc.array(fc.nat(997), { minLength: 12, maxLength: 40 });
