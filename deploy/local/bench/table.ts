import type { Measured } from './measured.js';

/** The measures as lines of a table, and under it what there is to say about each. */
export function table(results: readonly Measured[]): string {
  const head = ['measure', 'measured', 'against', 'result', 'required', 'aim'];
  const rows = results.map((result) => [
    result.what,
    result.value,
    result.baseline,
    `${result.figure} ${result.figure_is === 'seconds' ? 's' : result.figure_is}`,
    result.required,
    result.aim,
  ]);
  const widths = head.map((title, column) => Math.max(...[head, ...rows].map((row) => (row[column] ?? title).length)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width));
  const notes = results.flatMap(({ name, notes: told }) => told.map((note) => `${name}: ${note}`));
  return [line(head), line(rule), ...rows.map(line), '', ...notes].join('\n');
}
