/** One place in which two values differ; null is absent. */
export interface Difference {
  path: string;
  before: string | null;
  after: string | null;
}

/** Where two JSON values differ, by dotted paths in the order of the first. Lists are compared as sets where all of it is text. */
export function differences(before: unknown, after: unknown, path = ''): Difference[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (isTextList(before) && isTextList(after)) return listDifferences(before, after, path);
  if (isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => differences(before[name], after[name], path === '' ? name : `${path}.${name}`));
  }
  return [{ path, before: shown(before), after: shown(after) }];
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isTextList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === 'string');
const shown = (value: unknown): string | null => (value === undefined ? null : JSON.stringify(value));

function listDifferences(before: readonly string[], after: readonly string[], path: string): Difference[] {
  const gone = before.filter((one) => !after.includes(one)).map((one) => ({ path, before: shown(one), after: null }));
  const come = after.filter((one) => !before.includes(one)).map((one) => ({ path, before: null, after: shown(one) }));
  const moved = { path, before: shown(before), after: shown(after) };
  return gone.length + come.length === 0 ? [moved] : [...gone, ...come];
}
