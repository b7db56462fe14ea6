import type * as Yaml from 'yaml';
import type { Output } from './session.js';

/** What JSON and YAML leave as it is, and a terminal would obey: C1 controls, bidirectional marks and overrides. */
const OBEYED = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** A value as JSON or YAML; undefined for a table, which every kind of value draws itself. */
export async function structured(output: Output, value: unknown): Promise<string | undefined> {
  if (output === 'table') return undefined;
  if (output === 'json') return jsonText(value, 2);
  return yamlText(await import('yaml'), value);
}

/** The value as JSON, on one line unless `indent` says otherwise. */
export const jsonText = (value: unknown, indent?: number): string =>
  escapeControls(JSON.stringify(value, null, indent));

/** The value as one YAML document; what a terminal would obey is written as an escape, and stays the same value. */
export function yamlText({ Document, visit }: typeof Yaml, value: unknown): string {
  const document = new Document(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && OBEYED.test(node.value)) node.type = 'QUOTE_DOUBLE';
    },
  });
  return escapeControls(document.toString({ lineWidth: 0 }));
}

function escapeControls(text: string): string {
  return text.replace(
    new RegExp(OBEYED, 'g'),
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Aligned columns, two spaces apart; no cell is wider than `widest`. `style` gets the padded text of each cell. */
export function columns(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  options: { widest?: number; style?: (text: string, row: number, column: number) => string } = {},
): string {
  const { widest = 40, style = (text) => text } = options;
  const cut = (cell: string): string =>
    [...cell].length > widest ? `${[...cell].slice(0, widest - 1).join('')}…` : cell;
  const table = [heads, ...rows].map((row) => row.map(cut));
  const widths = heads.map((_, column) => Math.max(...table.map((row) => [...(row[column] ?? '')].length)));
  return table
    .map((row, index) =>
      row
        .map((cell, column) => {
          const last = column === row.length - 1;
          const padded = last ? cell : cell + ' '.repeat((widths[column] ?? 0) - [...cell].length);
          return style(padded, index - 1, column);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `name   value`, one a line; lines without a value are left out. */
export function block(lines: readonly (readonly [name: string, value: string | null])[]): string {
  const shown = lines.filter((line): line is readonly [string, string] => line[1] !== null && line[1] !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}
