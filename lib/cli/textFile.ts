import { readFile } from 'node:fs/promises';
import { BpttError } from '../errors.ts';

/**
 * The text of a file.
 * @throws ERR_BPTT_DATA when it cannot be read, is empty or is not UTF-8.
 */
export async function readText(file: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const problem = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message;
    throw new BpttError('ERR_BPTT_DATA', `${file}: expected a text file, but ${problem}; check the path`, { cause: error });
  }
  if (bytes.length === 0) throw new BpttError('ERR_BPTT_DATA', `${file}: expected a text, received an empty file`, { expected: 'text', received: 0 });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new BpttError('ERR_BPTT_DATA', `${file}: expected UTF-8 text, received other bytes; convert it first (iconv -t UTF-8)`, { cause: error });
  }
}
