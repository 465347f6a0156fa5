import { mkdir, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { BpttError } from '../errors.ts';

/** Files that a folder of ours may hold; a folder with anything else is never replaced. */
const ownFile = /^[\w-]+\.(?:json|safetensors)$/;

interface SystemError extends Error {
  readonly code?: string;
}

/** Where the old folder waits while the new one takes its place. */
function previousOf(folder: string): string {
  return `${folder}.previous`;
}

async function isFolder(where: string): Promise<boolean> {
  try {
    return (await stat(where)).isDirectory();
  } catch {
    return false;
  }
}

/**
 * A folder with those around it. One after the other, for Node's own recursion never ends where the system denies that a folder exists and that it may be made.
 * @param made what was not there before is added to it, the outermost first.
 */
async function makeFolders(folder: string, made: string[]): Promise<void> {
  if (await isFolder(folder)) return;
  const around = path.dirname(folder);
  if (around !== folder) await makeFolders(around, made);
  try {
    await mkdir(folder);
    made.push(folder);
  } catch (error) {
    if (!(await isFolder(folder))) throw error;
  }
}

/** Takes new folders away again, as far as nobody has put anything into them. */
async function removeEmpty(made: readonly string[]): Promise<void> {
  for (const folder of [...made].reverse()) await rmdir(folder).catch(() => undefined);
}

async function writeDurably(file: string, content: Uint8Array | string): Promise<void> {
  const handle = await open(file, 'wx');
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes renames in a folder survive a power cut, where the system can. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws ERR_BPTT_FORMAT when the place holds something that is not ours to replace. */
async function checkReplaceable(folder: string): Promise<void> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const { code } = error as SystemError;
    if (code === 'ENOENT') return;
    if (code === 'ENOTDIR') throw new BpttError('ERR_BPTT_FORMAT', `${folder}: expected a folder or nothing there, found a file; choose another place`);
    throw error;
  }
  const foreign = names.find((name) => !ownFile.test(name));
  if (foreign !== undefined) {
    throw new BpttError('ERR_BPTT_FORMAT', `${folder}: expected a model folder or an empty one, found "${foreign}" in it; choose another folder, for this one would be replaced`,
      { expected: 'model folder', received: foreign });
  }
}

async function replaceFolder(prepared: string, folder: string): Promise<void> {
  const previous = previousOf(folder);
  if (await isFolder(folder)) {
    await rm(previous, { recursive: true, force: true });
    await rename(folder, previous);
  }
  await rename(prepared, folder);
  await syncFolder(path.dirname(folder));
  await rm(previous, { recursive: true, force: true });
}

/** Runs `work` on a new folder beside the target, which is gone afterwards whatever happens, and so are folders around the target that were made for nothing. */
async function withPrepared(folder: string, work: (prepared: string, target: string) => Promise<void>): Promise<void> {
  if (folder === '') throw new BpttError('ERR_BPTT_FORMAT', 'expected the path of a folder to write, received ""; name one, "." for the folder where you are', { expected: 'path', received: folder });
  const made: string[] = [];
  const target = path.resolve(folder);
  const prepared = `${target}.partial-${crypto.randomUUID()}`;
  try {
    await checkReplaceable(target);
    await makeFolders(path.dirname(target), made);
    await mkdir(prepared);
    await work(prepared, target);
  } catch (error) {
    if (error instanceof BpttError) throw error;
    throw new BpttError('ERR_BPTT_FORMAT', `${folder}: cannot be written (${(error as Error).message}); choose a folder that this user may write`, { cause: error });
  } finally {
    await rm(prepared, { recursive: true, force: true }).catch(() => undefined);
    await removeEmpty(made);
  }
}

/**
 * Finds out beforehand what `writeFolder` would complain of, for those who have long work to do first. Leaves nothing behind.
 * @throws ERR_BPTT_FORMAT as `writeFolder`.
 */
export async function checkWritable(folder: string): Promise<void> {
  await withPrepared(folder, async () => undefined);
}

/**
 * Writes a folder of files so that a crash at any moment leaves the old folder or the new one, whole: the files are written beside it, brought to disk, and
 * take its place by renaming. Reading finds whichever is there.
 * @throws ERR_BPTT_FORMAT when the place is a file, holds files of others, cannot be written, or is "".
 */
export async function writeFolder(folder: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
  await withPrepared(folder, async (prepared, target) => {
    for (const [name, content] of Object.entries(files)) await writeDurably(path.join(prepared, name), content);
    await syncFolder(prepared);
    await replaceFolder(prepared, target);
  });
}

/** The folder itself, or the old one that a crash left waiting beside it. */
async function locateFolder(folder: string): Promise<string> {
  const target = path.resolve(folder);
  const previous = previousOf(target);
  return !(await isFolder(target)) && (await isFolder(previous)) ? previous : target;
}

/**
 * Reads one file of a folder that `writeFolder` wrote.
 * @param most bytes that are believed: a larger file, or a pipe or device that never ends, is not read.
 * @throws ERR_BPTT_FORMAT saying what is there instead.
 */
export async function readFromFolder(folder: string, name: string, most: number): Promise<Uint8Array> {
  const file = path.join(await locateFolder(folder), name);
  const fail = (found: string, cause?: unknown): never => {
    throw new BpttError('ERR_BPTT_FORMAT', `${folder}: expected a model folder with ${name}, ${found}; give the folder that saveModel or "bptt train" wrote`, { cause });
  };
  try {
    const found = await stat(file);
    if (!found.isFile()) fail('found something else of that name');
    if (found.size > most) fail(`found ${found.size} bytes where ${most} are the most`);
    return await readFile(file);
  } catch (error) {
    if (error instanceof BpttError) throw error;
    const { code, message } = error as SystemError;
    return fail(code === 'ENOENT' ? 'found none' : code === 'ENOTDIR' ? `found that ${folder} is a file` : message, error);
  }
}
