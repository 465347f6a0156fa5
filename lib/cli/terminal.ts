import type { BpttError } from '../errors.ts';

/** Where a command writes. Results go to `out`, everything for the eye only (progress, notes) to `note`. */
export interface Terminal {
  out(text: string): void;
  note(text: string): void;
  /** Whether a person is watching: progress bars are drawn only then. */
  readonly interactive: boolean;
}

/** The process's own streams. A reader that goes away early (as `head` does) ends the process quietly. */
export function processTerminal(): Terminal {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    out: (text) => { process.stdout.write(text); },
    note: (text) => { process.stderr.write(text); },
    interactive: process.stderr.isTTY,
  };
}

/** One value as one line. */
export function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`;
}

/** By name, not by class: another copy of the package in the process makes errors of a class of its own. */
function isBpttError(error: unknown): error is BpttError {
  return error instanceof Error && error.name === 'BpttError';
}

/** An error for a person, or as one JSON line for a program. Surprises keep their stack: they are worth a report. */
export function writeError(terminal: Terminal, error: unknown, json: boolean): void {
  const known = isBpttError(error);
  const message = error instanceof Error ? error.message : String(error);
  if (json) terminal.out(jsonLine({ error: { code: known ? error.code : 'ERR_BPTT_UNEXPECTED', message } }));
  else if (known || !(error instanceof Error)) terminal.note(`error: ${message}\n`);
  else terminal.note(`unexpected ${error.stack ?? message}\n`);
}
