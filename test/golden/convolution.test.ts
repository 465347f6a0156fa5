import { constant, gradient, multiply, sum } from '../../lib/graph/index.ts';
import { layerFromDescription } from '../../lib/layers/index.ts';
import type { LayerDescription } from '../../lib/layers/registry.ts';
import { evaluateOnce } from '../support/graphs.ts';
import { testedTolerance } from '../support/runtime.ts';
import { buildLayer } from '../support/scope.ts';
import { assertClose, numbers, readGolden, restore, restoreAll, swapBatchAndTime } from '../support/tensors.ts';
import type { Numbers, StoredNumbers } from '../support/tensors.ts';

interface LayerCase {
  readonly name: string;
  readonly layer: LayerDescription;
  readonly input: StoredNumbers;
  readonly weights: Readonly<Record<string, StoredNumbers>>;
  readonly upstream: StoredNumbers;
  readonly output: StoredNumbers;
  readonly gradients: { readonly input: StoredNumbers; readonly weights: Readonly<Record<string, StoredNumbers>> };
}

function check({ layer, input, weights, upstream, output, gradients }: LayerCase): void {
  const time = input.shape.length === 3;
  const inside = (stored: StoredNumbers): Numbers => (time ? swapBatchAndTime(restore(stored)) : restore(stored));
  const given = restoreAll(weights);
  const x = inside(input);
  const built = buildLayer({ layer: layerFromDescription(layer), x, time, weights: Object.fromEntries(Object.entries(given).map(([path, { data }]) => [path, data])) });
  const { parameters } = built.scope.requests;
  const loss = sum(multiply(built.signal.value, constant(inside(upstream).data, built.signal.value.shape)));
  const paths = Object.keys(weights);
  const found = gradient(loss, [built.x, ...paths.map((path) => parameters.get(path)!.value)]).gradients;
  const feed = { x, ...Object.fromEntries([...parameters].map(([path, { shape }]) => [path, numbers(shape, given[path]!.data)])) };
  const results = evaluateOnce({ output: built.signal.value, 'input': found[0]!, ...Object.fromEntries(paths.map((path, i) => [path, found[i + 1]!])) }, feed);
  const tolerance = testedTolerance();
  assertClose(results['output']!, inside(output), tolerance, 'output');
  assertClose(results['input']!, inside(gradients.input), tolerance, 'gradient of the input');
  for (const path of paths) assertClose(results[path]!, restore(gradients.weights[path]!), tolerance, `gradient of ${path}`);
}

describe('convolutions as PyTorch computes them', () => {
  const { cases } = readGolden<{ cases: readonly LayerCase[] }>('convolution');
  for (const one of cases) it(`${one.layer.kind}, ${one.name}`, () => check(one));
});
