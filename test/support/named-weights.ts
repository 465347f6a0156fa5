import { elementCount, type Shape } from '../../lib/graph/index.ts';
import type { Cell, CellOptions } from '../../lib/cells/index.ts';
import type { Layer } from '../../lib/layers/layer.ts';
import { recurrent, type RecurrentOptionsOf } from '../../lib/layers/recurrent/recurrent.ts';
import { buildLayer, numbersFor, runTestLayer, type LayerOutcome } from './scope.ts';
import { someNumbers } from './numbers.ts';
import { numbers, type Numbers } from './tensors.ts';

/** Numbers for a weight by its gate's name ("weight_ih.i", "bias_ih.f") or the cell's own name for it ("peephole_i"); undefined leaves the usual ones. */
export type WeightChoice = (name: string, shape: Shape) => Float64Array | number | undefined;

const features = 4;
export const units = 3;

/** A sequence for cells under comparison: 6 steps, 2 rows, 4 features unless told. */
export function someSequence(width = features, steps = 6): Numbers {
  return numbers([steps, 2, width], someNumbers(steps * 2 * width, 7));
}

function blockNumbers(name: string, shape: Shape, choose: WeightChoice): Float64Array {
  const chosen = choose(name, shape);
  return typeof chosen === 'number' ? new Float64Array(elementCount(shape)).fill(chosen) : chosen ?? numbersFor(name, shape);
}

/** Numbers for all weights of a layer, gate by gate, so that gates of one name have the same ones in every cell, wherever they stand. */
export function namedWeights(layer: Layer, x: Numbers, choose: WeightChoice = () => undefined): Record<string, Float64Array> {
  const { scope } = buildLayer({ layer, x });
  return Object.fromEntries([...scope.requests.parameters].map(([path, { shape, options }]) => {
    const name = path.replace(/_l0$/, '');
    if (!options.gates) return [path, blockNumbers(name, shape, choose)];
    const columns = shape.at(-1)!;
    const whole = new Float64Array(elementCount(shape));
    let left = 0;
    for (const { name: gate, size } of options.gates) {
      const block = blockNumbers(`${name}.${gate}`, [...shape.slice(0, -1), size], choose);
      for (let row = 0; row * size < block.length; row++) whole.set(block.subarray(row * size, (row + 1) * size), row * columns + left);
      left += size;
    }
    return [path, whole];
  }));
}

export interface CellRun<Options extends CellOptions> {
  readonly options?: Partial<RecurrentOptionsOf<Options>>;
  readonly x?: Numbers;
  readonly weights?: WeightChoice;
  readonly state?: Readonly<Record<string, ArrayLike<number>>>;
}

/** What a cell of 3 units gives over a sequence, with weights by name. */
export function runCell<State extends string, Options extends CellOptions>(cell: Cell<State, Options>, run: CellRun<Options> = {}): LayerOutcome {
  const { x = someSequence(), state } = run;
  const layer = recurrent(cell, { units, ...run.options } as RecurrentOptionsOf<Options>);
  return runTestLayer({ layer, x, weights: namedWeights(layer, x, run.weights), ...(state && { state }) });
}

/** The weight names of a cell, each gate's on its own, with their sizes. */
export function weightSizes<State extends string, Options extends CellOptions>(cell: Cell<State, Options>, options: Partial<RecurrentOptionsOf<Options>> = {}, width = features): Map<string, number> {
  const sizes = new Map<string, number>();
  namedWeights(recurrent(cell, { units, ...options } as RecurrentOptionsOf<Options>), someSequence(width), (name, shape) => {
    sizes.set(name, elementCount(shape));
    return undefined;
  });
  return sizes;
}
