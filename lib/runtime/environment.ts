import { BpttError } from '../errors.ts';
import type { NativeModule } from './native-module.ts';
import { mostThreads } from './threads.ts';

/** What is wrong with an environment variable of the package, and what to do about it. */
export interface EnvironmentProblem {
  readonly problem: string;
  readonly cure: string;
}

/** BPTT_THREADS is a whole number of threads; the engine itself would pass over anything else. */
export function threadsProblem(text = process.env['BPTT_THREADS']): EnvironmentProblem | undefined {
  if (text === undefined || text === '') return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= mostThreads) return undefined;
  return { problem: `BPTT_THREADS: expected a whole number from 1 to ${mostThreads}, received "${text}"`, cure: 'unset it, which means one thread for each core, or give such a number' };
}

/** BPTT_RUNTIME is "native" or "reference". */
export function runtimeProblem(text = process.env['BPTT_RUNTIME']): EnvironmentProblem | undefined {
  if (['', 'native', 'reference', undefined].includes(text)) return undefined;
  return { problem: `BPTT_RUNTIME: expected "reference" or "native", received "${text}"`, cure: 'unset it to take the best there is' };
}

/** BPTT_ISA names an instruction set; with an unknown name the engine uses the best that the machine has. */
export function instructionSetProblem(module: NativeModule): EnvironmentProblem | undefined {
  const { isaRequested, isaRecognised, isas } = module.info();
  if (isaRecognised) return undefined;
  return { problem: `BPTT_ISA=${isaRequested} names no instruction set`, cure: `unset it, or use one of ${isas.join(', ')}` };
}

/**
 * Looks at the environment before the engine is used for the first time.
 * @throws ERR_BPTT_RANGE when BPTT_THREADS is no number of threads. An unknown BPTT_ISA is a warning.
 */
export function checkEnvironment(module: NativeModule): void {
  const threads = threadsProblem();
  if (threads) throw new BpttError('ERR_BPTT_RANGE', `${threads.problem}; ${threads.cure}`, { expected: `1 to ${mostThreads}`, received: process.env['BPTT_THREADS'] });
  const instructionSet = instructionSetProblem(module);
  if (instructionSet) process.emitWarning(`${instructionSet.problem}; ${instructionSet.cure}`, { type: 'BpttWarning', code: 'BPTT_ISA' });
}
