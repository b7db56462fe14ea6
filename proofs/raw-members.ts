const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs;

/**
 * The members of a JSON object with the exact text of each value, in their order. The text must have been parsed before,
 * strictly and without duplicate members: this finds where values begin and end, and judges nothing.
 */
export function rawMembers(json: string): Map<string, string> {
  const members = new Map<string, string>();
  let depth = 0;
  let name: string | undefined;
  let start = -1;
  for (const { 0: token, index } of json.matchAll(TOKEN)) {
    const closes = token === '}' || token === ']';
    // A comma or the last brace, at the depth of the members themselves, is where a value has ended.
    if (depth === 1 && name !== undefined && start >= 0 && (token === ',' || closes)) {
      members.set(name, json.slice(start, index).trimEnd());
      name = undefined;
      start = -1;
    } else if (depth === 1 && name === undefined && token.startsWith('"')) {
      name = JSON.parse(token) as string;
    } else if (depth === 1 && start < 0 && name !== undefined && token !== ':') {
      start = index;
    }
    if (token === '{' || token === '[') depth += 1;
    if (closes) depth -= 1;
  }
  return members;
}
