/** Starts peers, builds or installs them where that is needed, and remembers which ones cannot be had. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { benchOutput, projectRoot } from '../support/nativeBench.ts';
import { Peer, Unavailable } from '../support/peer.ts';
import { peerFolder } from './peerLoop.ts';

export type PeerName = 'onednn' | 'pytorch' | 'onnxruntime' | 'tfjs' | 'brain';

/** Versions that the floors were set against, or later ones of the same line. */
const packages: Readonly<Record<'onnxruntime' | 'tfjs' | 'brain', readonly string[]>> = {
  onnxruntime: ['onnxruntime-node'], tfjs: ['@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm'], brain: ['brain.js'],
};

function run(command: string, args: readonly string[], folder: string): void {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8', timeout: 10 * 60_000 });
  if (error) throw new Unavailable(`${command} does not run here (${error.message})`);
  if (status !== 0) throw new Unavailable(`${command} failed: ${`${stdout}${stderr}`.trim().split('\n').slice(0, 2).join(' | ').slice(0, 200)}`);
}

/** Compiles our program around oneDNN where it is older than its sources. */
function buildOnednn(): string {
  const program = path.join(benchOutput, 'onednn');
  const folder = path.join(projectRoot, 'bench', 'compare', 'onednn');
  const sources = ['peer.cpp', 'bundle.h'].map((file) => path.join(folder, file));
  const built = existsSync(program) ? statSync(program).mtimeMs : 0;
  if (sources.every((file) => statSync(file).mtimeMs < built)) return program;
  mkdirSync(benchOutput, { recursive: true });
  try {
    run('c++', ['-O2', '-std=c++17', sources[0]!, '-ldnnl', '-o', program], projectRoot);
  } catch (error) {
    throw new Unavailable(`oneDNN cannot be built against; on Debian: apt-get install libdnnl-dev (${(error as Error).message})`);
  }
  return program;
}

/** Installs packages beside the project, without their scripts. */
function installPackages(names: readonly string[]): void {
  mkdirSync(peerFolder, { recursive: true });
  const description = path.join(peerFolder, 'package.json');
  if (!existsSync(description)) writeFileSync(description, '{ "private": true }\n');
  const missing = names.filter((name) => !existsSync(path.join(peerFolder, 'node_modules', name, 'package.json')));
  if (missing.length > 0) run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...missing], peerFolder);
}

function start(name: PeerName, threads: number, isa: string): Peer {
  const environment = { BENCH_THREADS: String(threads), OMP_NUM_THREADS: String(threads), ...(isa === 'avx2' && { ONEDNN_MAX_CPU_ISA: 'AVX2', DNNL_MAX_CPU_ISA: 'AVX2' }) };
  if (name === 'onednn') return new Peer(buildOnednn(), [], environment);
  if (name === 'pytorch') return new Peer('python3', [path.join(projectRoot, 'bench', 'compare', 'pytorch', 'peer.py')], environment);
  installPackages(packages[name]);
  return new Peer(process.execPath, ['--import', 'tsx', path.join(projectRoot, 'bench', 'compare', name, 'peer.ts')], environment);
}

/** One process of each peer for one number of threads. */
export class Peers {
  readonly #threads: number;
  readonly #isa: string;
  readonly #started = new Map<PeerName, Peer>();
  readonly #failed = new Map<PeerName, string>();

  constructor(threads: number, isa: string) {
    this.#threads = threads;
    this.#isa = isa;
  }

  /** @throws Unavailable with the reason, the same one again at the next call. */
  get(name: PeerName): Peer {
    const reason = this.#failed.get(name);
    if (reason !== undefined) throw new Unavailable(reason);
    const known = this.#started.get(name);
    if (known) return known;
    try {
      const peer = start(name, this.#threads, this.#isa);
      this.#started.set(name, peer);
      return peer;
    } catch (error) {
      if (error instanceof Unavailable) this.#failed.set(name, error.message);
      throw error;
    }
  }

  /** Ends one peer, so that its threads and memory are gone. */
  close(name: PeerName): void {
    this.#started.get(name)?.close();
    this.#started.delete(name);
  }

  closeAll(): void {
    for (const name of [...this.#started.keys()]) this.close(name);
  }
}
