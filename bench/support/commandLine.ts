/** A command that was given wrongly: the message goes out with the usage, and the exit code is 2. */
export class UsageError extends Error {}

/** Runs a command of the bench; --help alone prints the usage, and wrong options of `parseArgs` count as usage errors. */
export async function runCommand(command: () => Promise<void>, usage: string): Promise<void> {
  if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) {
    console.log(usage);
    return;
  }
  try {
    await command();
  } catch (error) {
    if (!(error instanceof UsageError) && (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') !== true) throw error;
    console.error(`${(error as Error).message}\n\n${usage}`);
    process.exitCode = 2;
  }
}
