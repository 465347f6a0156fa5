/** Runs `work` with Ctrl-C bound to `stop`; a second Ctrl-C ends the process as usual. */
export async function interruptible<Result>(stop: () => void, work: () => Promise<Result>): Promise<Result> {
  process.once('SIGINT', stop);
  try {
    return await work();
  } finally {
    process.removeListener('SIGINT', stop);
  }
}
