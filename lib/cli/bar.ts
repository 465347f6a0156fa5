import { SingleBar } from 'cli-progress';

/** A line that fills up while training goes on. */
export interface Bar {
  /** @param share of the whole that is done, 0 to 1. */
  update(share: number, words: string): void;
  /** Writes text above the bar. */
  above(write: () => void): void;
  stop(): void;
}

const steps = 1000;

/** A bar on standard error, or nothing where nobody watches. */
export function progressBar(interactive: boolean): Bar {
  if (!interactive) return { update: () => undefined, above: (write) => write(), stop: () => undefined };
  const bar = new SingleBar({
    format: '{bar} {percentage}% | {words} | {eta_formatted} left', barCompleteChar: '█', barIncompleteChar: '░', barsize: 30,
    hideCursor: true, clearOnComplete: false, etaBuffer: 50, gracefulExit: false, fps: 8,
  });
  bar.start(steps, 0, { words: '' });
  let done = 0;
  let words = '';
  return {
    update: (share, latest) => {
      done = Math.round(Math.min(1, share) * steps);
      words = latest;
      bar.update(done, { words });
    },
    above: (write) => {
      bar.stop();
      write();
      bar.start(steps, done, { words });
    },
    stop: () => bar.stop(),
  };
}
