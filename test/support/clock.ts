/** Milliseconds for which this process had a processor while `work` was done, all its threads together: other processes do not lengthen it. */
export function processorTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
