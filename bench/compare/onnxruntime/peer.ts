/**
 * onnxruntime-node as a peer.
 *
 *     layer IN OUT    a whole sequence in one call, states given
 *     step IN OUT     one step of one row, states handed from call to call
 */
import { readBundle, writeBundle, type Bundle } from '../../support/bundle.ts';
import { answerCommands, loadPeer, peerVersion, type Work } from '../peerLoop.ts';
import { lstmModel } from './model.ts';

interface OnnxTensor {
  readonly data: Float32Array;
}

interface Session {
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
}

interface Onnx {
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => OnnxTensor;
  readonly InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
}

const threads = Number(process.env['BENCH_THREADS'] ?? 1);

async function prepare(kind: string, numbers: Bundle, target: string): Promise<Work> {
  const onnx = loadPeer('onnxruntime-node') as Onnx;
  const { shape: [steps, rows, features], data } = numbers['x']! as { shape: [number, number, number]; data: Float32Array };
  const session = await onnx.InferenceSession.create(lstmModel(numbers, kind === 'step' ? 1 : steps), { intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all' });
  const state = (name: string): OnnxTensor => new onnx.Tensor('float32', numbers[name]!.data, [1, ...numbers[name]!.shape]);
  const initial = { h0: state('h0'), c0: state('c0') };
  if (kind === 'layer') {
    const feeds = { x: new onnx.Tensor('float32', data, [steps, rows, features]), ...initial };
    const { y } = await session.run(feeds);
    writeBundle(target, { y: { shape: [steps, rows, y!.data.length / steps / rows], data: y!.data } });
    return () => session.run(feeds);
  }
  let carried: { h0: OnnxTensor; c0: OnnxTensor } = initial;
  const inputs = Array.from({ length: steps }, (_, t) => data.slice(t * features, (t + 1) * features));
  let time = 0;
  const step = async (): Promise<Float32Array> => {
    const { y, h, c } = await session.run({ x: new onnx.Tensor('float32', inputs[time++ % steps]!, [1, 1, features]), ...carried });
    carried = { h0: h!, c0: c! };
    return y!.data;
  };
  const shown: number[] = [];
  for (let t = 0; t < steps; t++) shown.push(...await step());
  writeBundle(target, { y: { shape: [steps, 1, shown.length / steps], data: Float32Array.from(shown) } });
  return step;
}

await answerCommands(async ([kind, source, target]) => ({
  work: await prepare(kind!, readBundle(source!), target!), batch: kind === 'step' ? 20 : 1, answer: { version: peerVersion('onnxruntime-node') },
}));
