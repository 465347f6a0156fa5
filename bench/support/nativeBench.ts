import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Peer, Unavailable } from './peer.ts';

export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
/** Where everything that the bench builds or installs goes. */
export const benchOutput = path.join(projectRoot, 'out', 'bench');

function run(command: string, args: readonly string[]): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: projectRoot, encoding: 'utf8' });
  if (error) throw new Unavailable(`${command} does not run here (${error.message})`);
  if (status !== 0) throw new Unavailable(`${command} ${args[0]} failed: ${`${stdout}${stderr}`.trim().split('\n').slice(-3).join(' | ')}`);
}

let built: string | undefined;

/** Builds the native side where it is not up to date. @throws Unavailable without CMake or a compiler. */
function buildNativeBench(): string {
  const folder = path.join(benchOutput, 'native');
  run('cmake', ['-S', '.', '-B', folder, '-DBPTT_ADDON=OFF', '-DBPTT_BENCH=ON', '-DCMAKE_BUILD_TYPE=Release']);
  run('cmake', ['--build', folder, '--target', 'bptt_bench', '--config', 'Release', '--parallel', '2']);
  const name = process.platform === 'win32' ? 'bptt_bench.exe' : 'bptt_bench';
  const found = [path.join(folder, 'bench', 'native', name), path.join(folder, 'bench', 'native', 'Release', name)].find((file) => existsSync(file));
  if (found === undefined) throw new Unavailable('the native bench was built but is not to be found');
  return found;
}

/** Peaks of the machine and single kernels: bench/native. */
export class NativeBench {
  readonly #peer: Peer;

  constructor() {
    built ??= buildNativeBench();
    this.#peer = new Peer(built, []);
  }

  async isas(): Promise<readonly string[]> {
    return (await this.#peer.ask('list'))['isas'] as string[];
  }

  /** Multiply-adds as two operations each, in 10⁹ a second. */
  async peak(isa: string, threads: number, milliseconds = 3): Promise<number> {
    return (await this.#peer.ask('peak', isa, threads, milliseconds))['gflops'] as number;
  }

  /** 10⁹ bytes a second, read and written, by a copy between two halves of `bytes` for each thread. */
  async copy(isa: string, threads: number, bytes: number, milliseconds = 10): Promise<number> {
    return (await this.#peer.ask('copy', isa, threads, bytes, milliseconds))['gigabytes'] as number;
  }

  async kernel(...words: readonly (string | number)[]): Promise<{ milliseconds: number[]; difference: number }> {
    return (await this.#peer.ask(...words)) as unknown as { milliseconds: number[]; difference: number };
  }

  close(): void {
    this.#peer.close();
  }
}
