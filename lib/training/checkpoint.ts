import { BpttError } from '../errors.ts';
import { readFromFolder, writeFolder } from '../formats/atomicFolder.ts';
import { modelFiles } from '../formats/modelFolder.ts';
import { decodeSafetensors, encodeSafetensors } from '../formats/safetensors.ts';
import type { StoredTensor } from '../formats/safetensors.ts';
import { isNumberArray } from '../data/tensor.ts';
import type { Tensor } from '../data/tensor.ts';
import type { TrainerState } from './state.ts';
import type { Trainer } from './trainer.ts';

const trainerFile = 'trainer.safetensors';
const largestState = 2 ** 32;

/**
 * Saves a trainer's model and its own state as one folder, whole or not at all.
 * @throws ERR_BPTT_FORMAT when the place cannot be written; ERR_BPTT_BUSY during a step.
 */
export async function saveCheckpoint(trainer: Trainer, folder: string): Promise<void> {
  const { epochs, tensors } = trainer.state();
  const stored = Object.entries(tensors).map(([name, { data, shape }]): [string, StoredTensor] => (
    [name, { data: data instanceof Int32Array ? data : Float32Array.from(data), shape }]));
  await writeFolder(folder, { ...modelFiles(trainer.model), [trainerFile]: encodeSafetensors(new Map(stored), { format: 'bptt', epochs: String(epochs) }) });
}

/**
 * The trainer's state in a folder that `checkpoint` or `saveCheckpoint` wrote, for `trainer.restore`.
 * @throws ERR_BPTT_FORMAT when there is none, or something else.
 */
export async function loadTrainerState(folder: string): Promise<TrainerState> {
  const source = `${folder}/${trainerFile}`;
  const { tensors, metadata } = decodeSafetensors(await readFromFolder(folder, trainerFile, largestState), source);
  const epochs = Number(metadata['epochs']);
  if (!Number.isSafeInteger(epochs) || epochs < 0) {
    throw new BpttError('ERR_BPTT_FORMAT', `${source}: expected the number of epochs in its metadata, received ${String(metadata['epochs'])}`, { expected: 'epochs', received: metadata });
  }
  const read = [...tensors].map(([name, { data, shape }]): [string, Tensor] => {
    if (isNumberArray(data)) return [name, { data, shape }];
    throw new BpttError('ERR_BPTT_FORMAT', `${source}: tensor "${name}": expected float32 or int32`, { received: data });
  });
  return { epochs, tensors: Object.fromEntries(read) };
}
