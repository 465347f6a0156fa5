export { loadModel, loadSavedModel, saveModel } from './modelFolder.ts';
export type { SavedModel, SaveOptions } from './modelFolder.ts';
export { decodeSafetensors, encodeSafetensors } from './safetensors.ts';
export type { StoredTensor, TensorFile } from './safetensors.ts';
