import { wrongType } from '../checks.ts';
import { Scaler, type ScalerDefinition } from '../data/scaler.ts';
import { BpttError, checkOptions } from '../errors.ts';
import { Model, modelFromJSON, type Parameter } from '../model/index.ts';
import { selectRuntime, type Runtime } from '../runtime/index.ts';
import { readFromFolder, writeFolder } from './atomicFolder.ts';
import { fromDisk, toDisk, type DiskParameter } from './diskLayout.ts';
import { decodeSafetensors, encodeSafetensors, type TensorFile } from './safetensors.ts';

const descriptionFile = 'model.json';
const weightsFile = 'model.safetensors';
/** Larger descriptions and weights than anybody has are not read. */
const largestDescription = 1 << 28;
const largestWeights = 2 ** 31 - 1;

export interface SaveOptions {
  /** How the data were scaled, by a name of one's own ("input", "target"): what a later prediction needs to read its numbers. */
  readonly scalers?: Readonly<Record<string, Scaler>> | undefined;
}

/** A model with what was saved beside it. */
export interface SavedModel {
  readonly model: Model;
  readonly scalers: Readonly<Record<string, Scaler>>;
}

/** What model.json holds. */
interface Description {
  readonly definition: Record<string, unknown>;
  readonly scalers: Readonly<Record<string, ScalerDefinition>>;
}

type GatedParameter = DiskParameter & { readonly parameter: Parameter };

function requirePath(owner: string, folder: unknown): string {
  if (typeof folder === 'string' && folder !== '') return folder;
  throw wrongType(owner, 'the folder', 'a path', folder);
}

function diskParameters(model: Model): GatedParameter[] {
  return model.parameters.map((parameter) => ({
    parameter, diskName: parameter.diskName, diskTransposed: parameter.diskTransposed, shape: parameter.shape, view: parameter.view,
    gates: model.core.table.declared.get(parameter.name)?.options.gates,
  }));
}

/** The two files of a model folder, by name: a copy of the model as it is now. */
export function modelFiles(model: Model, options: SaveOptions = {}): Record<string, Uint8Array | string> {
  checkOptions('saveModel', options, ['scalers']);
  if (!(model instanceof Model)) throw wrongType('saveModel', 'the model', 'what sequential() or model() gives', model);
  const { scalers = {} } = options;
  if (typeof scalers !== 'object' || scalers === null || Array.isArray(scalers) || !Object.values(scalers).every((each) => each instanceof Scaler)) {
    throw wrongType('saveModel', 'scalers', 'what scaler() of bptt/data gives, by name', scalers);
  }
  model.requireIdle('saveModel');
  const description = { format: 'bptt model', version: 1, definition: model.toJSON(), scalers: { ...scalers } };
  return {
    [descriptionFile]: `${JSON.stringify(description, null, 1)}\n`,
    [weightsFile]: encodeSafetensors(toDisk(diskParameters(model)), { format: 'bptt' }),
  };
}

/**
 * Saves a model as a folder: `model.json` (layers, vocabulary, scaling) and `model.safetensors` (weights under PyTorch's names, in its gate order). The folder appears
 * whole or not at all; an older model there is replaced, and stays if anything goes wrong.
 * @throws ERR_BPTT_FORMAT when the place is a file, holds other files or cannot be written; ERR_BPTT_BUSY during a training step.
 */
export async function saveModel(model: Model, folder: string, options: SaveOptions = {}): Promise<void> {
  await writeFolder(requirePath('saveModel', folder), modelFiles(model, options));
}

async function readDescription(bytes: Uint8Array, source: string): Promise<Description> {
  const { z } = await import('zod');
  const schema = z.strictObject({
    format: z.literal('bptt model'),
    version: z.literal(1),
    definition: z.record(z.string(), z.unknown()),
    scalers: z.record(z.string(), z.strictObject({ kind: z.enum(['standard', 'range']), offsets: z.array(z.number()), scales: z.array(z.number()) })),
  });
  try {
    const result = schema.safeParse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    if (result.success) return result.data;
    const { path: place, message } = result.error.issues[0]!;
    throw new Error(`${place.length > 0 ? `at "${place.join('.')}": ` : ''}${message}`);
  } catch (cause) {
    throw new BpttError('ERR_BPTT_FORMAT', `${source}: expected the description of a bptt model (${(cause as Error).message}); the file is damaged or of another kind`, { cause });
  }
}

/** How many stacked layers a definition asks weights for, those of layers inside of layers too. */
function countStacked(definition: unknown): number {
  let count = 0;
  for (const open: unknown[] = [definition]; open.length > 0;) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null || typeof (value as { weights?: unknown }).weights === 'string') continue;
    for (const [key, entry] of Object.entries(value)) {
      if (key === 'layers' && typeof entry === 'number') count += entry;
      else open.push(entry);
    }
  }
  return count;
}

/** Sizes in a definition are believed only as far as the weights beside it bear them out: nothing is built or allocated beyond that. */
function checkSizes(definition: Record<string, unknown>, weights: TensorFile, source: string): void {
  const count = countStacked(definition);
  if (count <= weights.tensors.size) return;
  throw new BpttError('ERR_BPTT_FORMAT', `${source}: describes ${count} stacked layers, but ${weightsFile} has ${weights.tensors.size} tensors; they must be of one model`,
    { expected: weights.tensors.size, received: count });
}

function restore(description: Description, weights: TensorFile, runtime: Runtime, source: string): Model {
  const mostWeights = [...weights.tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  try {
    return modelFromJSON(description.definition, { initialize: false, mostWeights, runtime });
  } catch (cause) {
    throw new BpttError('ERR_BPTT_FORMAT', `${source}: ${(cause as Error).message}; the file is damaged, or of a model with cells or layers that must be imported first`, { cause });
  }
}

/**
 * Reads a folder that `saveModel` wrote. Nothing in it is believed unchecked: sizes, types, names and offsets must fit each other.
 * @throws ERR_BPTT_FORMAT saying what was expected, what was found and where.
 */
export async function loadSavedModel(folder: string): Promise<SavedModel> {
  requirePath('loadModel', folder);
  const runtime = selectRuntime();
  const description = await readDescription(await readFromFolder(folder, descriptionFile, largestDescription), `${folder}/${descriptionFile}`);
  const weights = decodeSafetensors(await readFromFolder(folder, weightsFile, largestWeights), `${folder}/${weightsFile}`);
  checkSizes(description.definition, weights, `${folder}/${descriptionFile}`);
  const model = restore(description, weights, runtime, `${folder}/${descriptionFile}`);
  for (const [{ parameter }, numbers] of fromDisk(weights, diskParameters(model), `${folder}/${weightsFile}`)) parameter.view.set(numbers);
  model.core.store.touch();
  const scalers = Object.entries(description.scalers).map(([name, definition]) => [name, readScaler(definition, `${folder}/${descriptionFile}`)] as const);
  return { model, scalers: Object.fromEntries(scalers) };
}

function readScaler(definition: ScalerDefinition, source: string): Scaler {
  try {
    return new Scaler(definition);
  } catch (cause) {
    throw new BpttError('ERR_BPTT_FORMAT', `${source}: ${(cause as Error).message}`, { cause });
  }
}

/** The model of a folder that `saveModel` wrote: `loadSavedModel` without the rest. @throws ERR_BPTT_FORMAT as there. */
export async function loadModel(folder: string): Promise<Model> {
  return (await loadSavedModel(folder)).model;
}
