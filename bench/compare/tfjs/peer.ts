/**
 * TensorFlow.js as a peer: training steps of the character model, in plain JavaScript ("cpu") or WebAssembly ("wasm").
 *
 *     train BACKEND IN    answers with the loss of the first step
 *
 * The gates use the logistic function, not the library's default. Where a backend cannot differentiate the embedding's look-up, the embedding is a
 * product with one-hot rows; the answer's note says so.
 */
import path from 'node:path';
import { readBundle, transposed, type Bundle } from '../../support/bundle.ts';
import { answerCommands, loadPeer, peerFolder, peerVersion, type Work } from '../peerLoop.ts';

interface TfTensor {
  data(): Promise<Float32Array>;
  dispose(): void;
  mul(other: TfTensor): TfTensor;
}

interface TfLayer {
  setWeights(weights: readonly TfTensor[]): void;
}

interface TfModel {
  add(layer: TfLayer): void;
  apply(x: TfTensor, options: object): TfTensor;
}

interface Tf {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  sequential(): TfModel;
  readonly layers: Readonly<Record<'embedding' | 'lstm' | 'dense', (options: object) => TfLayer>>;
  readonly train: { adam(rate: number): { applyGradients(gradients: Readonly<Record<string, TfTensor>>): void } };
  readonly losses: { softmaxCrossEntropy(labels: TfTensor, logits: TfTensor): TfTensor };
  tensor(data: ArrayLike<number>, shape: readonly number[], type?: string): TfTensor;
  oneHot(x: TfTensor, depth: number): TfTensor;
  cast(x: TfTensor, type: string): TfTensor;
  reshape(x: TfTensor, shape: readonly number[]): TfTensor;
  matMul(a: TfTensor, b: TfTensor): TfTensor;
  variable(x: TfTensor): TfTensor;
  addN(tensors: readonly TfTensor[]): TfTensor;
  sum(x: TfTensor): TfTensor;
  square(x: TfTensor): TfTensor;
  sqrt(x: TfTensor): TfTensor;
  scalar(x: number): TfTensor;
  div(a: TfTensor, b: TfTensor): TfTensor;
  maximum(a: TfTensor, b: TfTensor): TfTensor;
  tidy<Result>(work: () => Result): Result;
  variableGrads(work: () => TfTensor): { value: TfTensor; grads: Readonly<Record<string, TfTensor>> };
}

const layers = 2;

async function loadBackend(backend: string): Promise<Tf> {
  const tf = loadPeer('@tensorflow/tfjs') as Tf;
  if (backend === 'wasm') {
    const wasm = loadPeer('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void };
    wasm.setWasmPaths(`${path.join(peerFolder, 'node_modules', '@tensorflow', 'tfjs-backend-wasm', 'dist')}${path.sep}`);
  }
  if (!await tf.setBackend(backend)) throw new Error(`the backend ${backend} does not start here`);
  await tf.ready();
  return tf;
}

/** Both biases of a gate as one, which is what this library has. */
function weightsOf(tf: Tf, numbers: Bundle, layer: number): TfTensor[] {
  const [w, u] = ['weight_ih', 'weight_hh'].map((name) => transposed(numbers[`lstm.${name}_l${layer}`]!));
  const [first, second] = ['bias_ih', 'bias_hh'].map((name) => numbers[`lstm.${name}_l${layer}`]!.data);
  return [tf.tensor(w!.data, w!.shape), tf.tensor(u!.data, u!.shape), tf.tensor(first!.map((number, i) => number + second![i]!), [first!.length])];
}

interface Network {
  forward(x: TfTensor): TfTensor;
}

/** @param rows embed by a product with one-hot rows instead of the library's layer */
function buildNetwork(tf: Tf, numbers: Bundle, rows: boolean): Network {
  const { shape: [tokens, width], data } = numbers['embedding.weight']! as { shape: [number, number]; data: Float32Array };
  const [batch, steps] = numbers['x']!.shape as [number, number];
  const units = numbers['dense.weight']!.shape[1]!;
  const model = tf.sequential();
  const table = rows ? tf.variable(tf.tensor(data, [tokens, width])) : undefined;
  if (!rows) model.add(tf.layers.embedding({ inputDim: tokens, outputDim: width, inputShape: [steps], weights: [tf.tensor(data, [tokens, width])] }));
  for (let layer = 0; layer < layers; layer++) {
    model.add(tf.layers.lstm({
      units, returnSequences: true, recurrentActivation: 'sigmoid', weights: weightsOf(tf, numbers, layer), ...(rows && layer === 0 && { inputShape: [steps, width] }),
    }));
  }
  const kernel = transposed(numbers['dense.weight']!);
  model.add(tf.layers.dense({ units: tokens, weights: [tf.tensor(kernel.data, kernel.shape), tf.tensor(numbers['dense.bias']!.data, [tokens])] }));
  const embed = (x: TfTensor): TfTensor => tf.reshape(tf.matMul(tf.reshape(tf.cast(tf.oneHot(tf.cast(x, 'int32'), tokens), 'float32'), [batch * steps, tokens]), table!), [batch, steps, width]);
  return { forward: (x) => model.apply(rows ? embed(x) : x, { training: true }) };
}

/** One training step with clipping by the global norm. */
function makeStep(tf: Tf, numbers: Bundle, network: Network): () => Promise<number> {
  const tokens = numbers['embedding.weight']!.shape[0]!;
  const { shape, data } = numbers['x']!;
  const x = tf.tensor(data, shape, 'float32');
  const labels = tf.cast(tf.oneHot(tf.tensor(numbers['target']!.data, [data.length], 'int32'), tokens), 'float32');
  const optimizer = tf.train.adam(numbers['rate']!.data[0]!);
  const clip = tf.scalar(numbers['clip']!.data[0]!);
  return async () => {
    const loss = tf.tidy(() => {
      const { value, grads } = tf.variableGrads(() => tf.losses.softmaxCrossEntropy(labels, tf.reshape(network.forward(x), [data.length, tokens])));
      const norm = tf.sqrt(tf.addN(Object.values(grads).map((gradient) => tf.sum(tf.square(gradient)))));
      const scale = tf.div(clip, tf.maximum(norm, clip));
      optimizer.applyGradients(Object.fromEntries(Object.entries(grads).map(([name, gradient]) => [name, gradient.mul(scale)])));
      return value;
    });
    const [number] = await loss.data();
    loss.dispose();
    return number!;
  };
}

async function prepare(backend: string, source: string): Promise<{ answer: object; work: Work }> {
  const tf = await loadBackend(backend);
  const numbers = readBundle(source);
  const version = peerVersion('@tensorflow/tfjs');
  try {
    const step = makeStep(tf, numbers, buildNetwork(tf, numbers, false));
    return { answer: { version, losses: [await step()] }, work: step };
  } catch (error) {
    const step = makeStep(tf, numbers, buildNetwork(tf, numbers, true));
    const reason = (error instanceof Error ? error.message : String(error)).split('\n')[0]!.slice(0, 80);
    return { answer: { version, losses: [await step()], note: `embedding as a product with one-hot rows (${reason})` }, work: step };
  }
}

await answerCommands(async ([, backend, source]) => prepare(backend!, source!));
