/** What a JSON text says; null for what is none, as for `null` itself. Never throws: the text is somebody's file. */
export function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
