import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';

import type { Intent } from '../../domain/intent.js';
import { openIntent, type AuthorityKey } from '../../proofs/signed-intent.js';

/** An envelope of an intent is well below this. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** What the authority issued, as far as could be read. What could not be is not what was never issued. */
export interface KnownIntents {
  readonly intents: readonly Intent[];
  /** Stable codes, at most one of each. */
  readonly unreadable: readonly string[];
}

/**
 * The authority's signed intents from where it keeps them (`keepIntentsIn`): a directory with a file an intent, or one file
 * with an envelope a line. What lies there is anybody's: only the authority's signature makes it an intent. Never throws.
 */
export async function readKnownIntents(place: string, authorityKey: AuthorityKey): Promise<KnownIntents> {
  const unreadable = new Set<string>();
  const intents: Intent[] = [];
  const take = (text: string): void => {
    const opened = openIntent(jsonOf(text), authorityKey);
    if (opened.ok) intents.push(opened.intent);
    else unreadable.add(opened.code);
  };
  try {
    if ((await stat(place)).isDirectory()) {
      // What is being written still has another ending.
      const names = (await readdir(place)).filter((name) => name.endsWith('.json'));
      for (const name of names) {
        const text = await textOf(path.join(place, name));
        if (text === undefined) unreadable.add('intent_unreadable');
        else take(text);
      }
    } else {
      const text = await textOf(place);
      if (text === undefined) unreadable.add('intents_unreadable');
      for (const line of (text ?? '').split('\n')) if (line.trim() !== '') take(line);
    }
  } catch {
    unreadable.add('intents_unreadable');
  }
  return { intents, unreadable: [...unreadable] };
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return (await stat(file)).size > MAX_FILE_BYTES ? undefined : await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
