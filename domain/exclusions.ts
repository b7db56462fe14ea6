/**
 * The array of users that a Conditional Access policy leaves out. Graph replaces it whole and has no ETag (Microsoft's
 * reference of conditionalAccessPolicy-update), so every write is made from what was just read, and asserts no more than one id.
 * Ids are compared without letter case; what others wrote keeps its spelling and its place.
 */

const isSame = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export const isExcluded = (excluded: readonly string[], id: string): boolean => excluded.some((one) => isSame(one, id));

/** With `id` at its end; the array itself where it is there already. */
export const withExcluded = (excluded: readonly string[], id: string): readonly string[] =>
  isExcluded(excluded, id) ? excluded : [...excluded, id];

/** Without `id`; everything else stays as and where it is. */
export const withoutExcluded = (excluded: readonly string[], id: string): readonly string[] =>
  excluded.filter((one) => !isSame(one, id));

/** What others did to an array, in lower case and sorted. */
export interface OthersChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/**
 * Three ways: what stood before ours, what we are about, what stands now. What others added or removed since is told and
 * kept; the one id that is ours is nobody else's change.
 */
export function changesOfOthers(before: readonly string[], now: readonly string[], ours: string): OthersChanges {
  const missing = (from: readonly string[], among: readonly string[]): string[] =>
    [...new Set(from.filter((id) => !isExcluded(among, id) && !isSame(id, ours)).map((id) => id.toLowerCase()))].sort();
  return { added: missing(now, before), removed: missing(before, now) };
}

export const isUntouched = ({ added, removed }: OthersChanges): boolean => added.length + removed.length === 0;

/** Whether two arrays name the same ids, in whatever order. */
export const sameIds = (a: readonly string[], b: readonly string[]): boolean =>
  a.every((id) => isExcluded(b, id)) && b.every((id) => isExcluded(a, id));
