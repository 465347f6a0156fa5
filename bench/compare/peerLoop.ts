/** The other end of `Peer`, for peers that are JavaScript packages. */
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { projectRoot } from '../support/nativeBench.ts';

/** Where the packages of peers are installed: outside of the project's own dependencies. */
export const peerFolder = path.join(projectRoot, 'out', 'peers');

/** Loads an installed peer. */
export function loadPeer(name: string): unknown {
  return createRequire(path.join(peerFolder, 'package.json'))(name);
}

export function peerVersion(name: string): string {
  return (loadPeer(`${name}/package.json`) as { version: string }).version;
}

export type Work = () => Promise<unknown>;

/** Answers commands: "run COUNT" repeats what the last other command prepared. */
export async function answerCommands(prepare: (words: readonly string[]) => Promise<{ readonly answer: object; readonly work: Work; readonly batch?: number }>): Promise<void> {
  let current: { readonly work: Work; readonly batch: number } | undefined;
  for await (const line of createInterface({ input: process.stdin })) {
    let answer: object;
    try {
      const words = line.trim().split(' ');
      if (words[0] === 'run') answer = { milliseconds: await time(current, Number(words[1])) };
      else {
        const prepared = await prepare(words);
        current = { work: prepared.work, batch: prepared.batch ?? 1 };
        answer = prepared.answer;
      }
    } catch (error) {
      answer = { error: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}

async function time(current: { readonly work: Work; readonly batch: number } | undefined, count: number): Promise<number[]> {
  if (!current) throw new Error('nothing is prepared');
  const times: number[] = [];
  for (let i = 0; i < Math.max(1, Math.ceil(count / current.batch)); i++) {
    const start = performance.now();
    for (let k = 0; k < current.batch; k++) await current.work();
    times.push((performance.now() - start) / current.batch);
  }
  return times;
}
