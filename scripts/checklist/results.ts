import { readFileSync } from 'node:fs';
import { BpttError } from '../../lib/errors.ts';

/** How one test ended. */
export interface TestResult {
  /** From the root of the tree. */
  readonly file: string;
  /** Titles of the blocks around the test, from the outermost one, and its own. */
  readonly titles: readonly string[];
  readonly state: 'passed' | 'failed' | 'skipped';
}

const states: readonly unknown[] = ['passed', 'failed', 'skipped'];

function isResult(entry: unknown): entry is TestResult {
  if (typeof entry !== 'object' || entry === null) return false;
  const { file, titles, state } = entry as Record<string, unknown>;
  return typeof file === 'string' && Array.isArray(titles) && titles.length > 0 && titles.every((title) => typeof title === 'string') && states.includes(state);
}

/** Results that the reporter wrote. @throws ERR_BPTT_DATA where the file holds anything else. */
export function readResults(file: string): TestResult[] {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new BpttError('ERR_BPTT_DATA', `checklist: expected ${file} to be JSON, received: ${(error as Error).message}; run npm run checklist -- --save ${file}`);
  }
  if (Array.isArray(content) && content.every(isResult)) return content;
  throw new BpttError('ERR_BPTT_DATA', `checklist: expected ${file} to be a list of { file, titles, state }, received something else; run npm run checklist -- --save ${file}`);
}
