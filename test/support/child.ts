import { spawn } from 'node:child_process';
import path from 'node:path';

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

export interface ChildOptions {
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Flags of Node itself, such as --expose-gc. */
  readonly flags?: readonly string[];
  /** The child is killed, and `signal` says so, when it takes longer. */
  readonly timeout?: number;
}

/** Runs a TypeScript file of the tests in a process of its own and waits for its end. */
export async function runChild(file: string, options: ChildOptions = {}): Promise<ChildResult> {
  const started = performance.now();
  const child = spawn(process.execPath, [...(options.flags ?? []), '--import', 'tsx', file, ...(options.arguments ?? [])], {
    cwd: path.resolve(import.meta.dirname, '../..'),
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeout ?? 60_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => { stdout += text; });
  child.stderr.setEncoding('utf8').on('data', (text: string) => { stderr += text; });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, exitSignal) => resolve([exitCode, exitSignal]));
  });
  return { code, signal, stdout, stderr, milliseconds: performance.now() - started };
}

/** The object that the child printed as its last line. */
export function lastLine<Content>(result: ChildResult): Content {
  const line = result.stdout.trimEnd().split('\n').at(-1) ?? '';
  try {
    return JSON.parse(line) as Content;
  } catch {
    throw new Error(`the child ended with code ${result.code}, signal ${result.signal}, and no result:\n${result.stdout}\n${result.stderr}`);
  }
}
