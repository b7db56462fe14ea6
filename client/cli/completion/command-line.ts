/** A command line as far as the cursor: the finished words after the command's name, and the one that is being typed. */
export interface CommandLine {
  words: string[];
  current: string;
}

/** Splits as shells do, as far as quotes and backslashes go. Never throws: what is typed is rarely finished. */
export function splitLine(line: string): CommandLine {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at] ?? '';
    if (quote !== '') {
      if (character === quote) quote = '';
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '\\') {
      at += 1;
      word = (word ?? '') + (line[at] ?? '');
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  return { words: words.slice(1), current: words.length === 0 ? '' : (word ?? '') };
}
