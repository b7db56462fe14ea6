const MOST_NAMED = 8;

/** `a, b, c`, and of a long list its first eight and how many more there are: what is told to people has a bounded length. */
export function listText(list: readonly string[]): string {
  const more = list.length - MOST_NAMED;
  return more <= 0 ? list.join(', ') : `${list.slice(0, MOST_NAMED).join(', ')} and ${more} more`;
}
