import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Why something cannot be measured here: printed, not thrown at the user. */
export class Unavailable extends Error {}

export type Answer = Readonly<Record<string, unknown>>;

/** How long one answer may take. */
const patienceMilliseconds = 15 * 60_000;

/** A process that reads one command a line and answers each with one line of JSON. Other lines that it prints are passed over. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  #errors = '';

  constructor(command: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    this.#child.stderr!.on('data', (data: Buffer) => { this.#errors = (this.#errors + data.toString()).slice(-2000); });
    this.#child.on('error', (error) => this.#fail(error.message));
    this.#child.on('close', (code, signal) => this.#fail(`ended with ${signal ?? `code ${code}`}`));
    this.#child.stdin!.on('error', () => undefined);
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      if (!line.startsWith('{')) return;
      this.#waiting.shift()?.resolve(JSON.parse(line) as Answer);
    });
  }

  #fail(reason: string): void {
    const cause = this.#errors.trim().split('\n').slice(-3).join(' | ');
    for (const { reject } of this.#waiting.splice(0)) reject(new Unavailable(cause ? `${reason}: ${cause}` : reason));
  }

  /** @throws Unavailable when the process has ended, does not answer or answers with an error. */
  async ask(...words: readonly (string | number)[]): Promise<Answer> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) throw new Unavailable(`the process has ended: ${this.#errors.trim().split('\n').at(-1)}`);
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<Answer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      timer = setTimeout(() => { this.close(); }, patienceMilliseconds);
      this.#child.stdin!.write(`${words.join(' ')}\n`);
    }).finally(() => clearTimeout(timer));
    if (typeof answer['error'] === 'string') throw new Unavailable(answer['error']);
    return answer;
  }

  /** Runs the prepared work `count` times. @returns milliseconds of each. */
  async run(count: number): Promise<number[]> {
    return (await this.ask('run', count))['milliseconds'] as number[];
  }

  close(): void {
    this.#child.stdin!.end();
    this.#child.kill();
  }
}
