/**
 * brain.js as a peer: it learns from one sequence at a time, in float64 arrays.
 *
 *     train IN    one sequence of the character model's batch
 *
 * Its recurrence is another one (its memory is what it shows), its optimizer RMSprop with clamped gradients: no numbers to compare, only the same sizes and the
 * same number of characters.
 */
import { readBundle } from '../../support/bundle.ts';
import { answerCommands, loadPeer, peerVersion } from '../peerLoop.ts';

interface Network {
  initialize(): void;
  trainPattern(input: readonly number[], logError?: boolean): unknown;
}

interface Brain {
  readonly recurrent: { readonly LSTM: new (options: object) => Network };
}

await answerCommands(async ([, source]) => {
  const brain = loadPeer('brain.js') as Brain;
  const numbers = readBundle(source!);
  const [tokens, width] = numbers['embedding.weight']!.shape as [number, number];
  const units = numbers['dense.weight']!.shape[1]!;
  const network = new brain.recurrent.LSTM({ hiddenLayers: [units, units], inputSize: width, inputRange: tokens, outputSize: tokens, learningRate: 0.002 });
  network.initialize();
  const sequence = [...numbers['x']!.data.subarray(0, numbers['x']!.shape[1])];
  network.trainPattern(sequence);
  return { answer: { version: peerVersion('brain.js') }, work: async () => network.trainPattern(sequence) };
});
