/** Columns of text: numbers to the right, words to the left. */
export function formatTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const numeric = heading.map((_, column) => rows.length > 0 && rows.every((row) => /^[-+]?[\d.,]+(?:e[-+]?\d+)?(?:%| s)?$|^–$/.test(row[column]!)));
  const widths = heading.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]!.length)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => (numeric[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ').trimEnd();
  return [line(heading), '─'.repeat(widths.reduce((sum, width) => sum + width + 2, -2)), ...rows.map(line)].join('\n');
}
