import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release, totalmem } from 'node:os';
import { loadNative } from '../../lib/runtime/index.ts';

/** What numbers were measured on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly compiler: string;
  readonly commit: string;
  readonly isa: string;
  readonly load: number;
  readonly date: string;
}

function firstLine(command: string, args: readonly string[]): string {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0]!;
  } catch {
    return 'unknown';
  }
}

export function describeMachine(): Machine {
  const native = loadNative();
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown', cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), system: `${process.platform} ${release()}`,
    node: process.version, compiler: firstLine('c++', ['--version']), commit: firstLine('git', ['rev-parse', '--short', 'HEAD']),
    isa: 'module' in native ? native.module.info().isa : 'reference', load: Number(loadavg()[0]!.toFixed(2)), date: new Date().toISOString().slice(0, 10),
  };
}
