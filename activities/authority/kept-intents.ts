import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';

import type { SignedIntent } from '../../domain/intent.js';

/** Keeps a copy of an intent where a sweep finds it; rejects where it cannot. Safe to call again. */
export type KeepIntent = (signed: SignedIntent) => Promise<void>;

/**
 * Leaves the authority's envelope of each intent in a directory, a file an intent (`EVENT-ROUND.json`), put in place whole.
 * Of directory roles there is none: their assignments carry the authority's marker, and Graph lists them all.
 */
export function keepIntentsIn(directory: string): KeepIntent {
  return async ({ intent, envelope }) => {
    if (intent.kind === 'entra.directory_role') return;
    await mkdir(directory, { recursive: true, mode: 0o750 });
    const file = path.join(directory, `${intent.event_id}-${intent.round}.json`);
    const beside = `${file}.${process.pid}`;
    await writeFile(beside, `${JSON.stringify(envelope)}\n`, { mode: 0o640 });
    await rename(beside, file);
  };
}
