import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Acceptors } from '../../domain/incidents/host-reference.js';
import type { Roster } from '../../domain/roster.js';
import { readSignedReference, type HostReferenceInForce } from '../../proofs/incidents/host-reference.js';
import type { Database } from '../register/database.js';
import { recordReference } from './reference-journal.js';

/** Told of a file that is not recorded, by its name. */
export type ReferenceLog = (message: string, fields: { file: string; code: string; detail: string }) => void;

/** What is asked of a reference besides its acceptances, such as the chain of its endorsement key; undefined when nothing is against it. */
export type ReferenceObjection = (reference: HostReferenceInForce, nowMs: number) => Promise<string | undefined>;

/**
 * References lie as signed files, `HOST.VERSION.json`, in a directory that anybody may carry them to: what counts are the
 * signatures in them, and the time at which the verifier first saw each.
 */
export class ReferenceDirectory {
  /** What a file held when it was last looked at, so that a directory that rests costs little. */
  private readonly taken = new Map<string, string>();
  private readonly told = new Map<string, string>();

  constructor(
    private readonly directory: string,
    private readonly journal: Database,
    private readonly judgedBy: {
      roster: () => Roster;
      acceptors: Acceptors;
      objection: ReferenceObjection;
      log: ReferenceLog;
    },
  ) {}

  /** Records what is new. A file that cannot be read or does not count is told of once and passed over. */
  async look(nowMs: number): Promise<void> {
    const files = (await readdir(this.directory).catch(unlessMissing)) ?? [];
    for (const file of files.filter((name) => name.endsWith('.json')).sort()) {
      const text = await readFile(path.join(this.directory, file), 'utf8').catch(() => undefined);
      if (text === undefined || this.taken.get(file) === text) continue;
      const refused = await this.record(text, nowMs);
      // One that does not count now may count later, when the roster knows its people: it is looked at again.
      if (refused === undefined) this.taken.set(file, text);
      else if (this.told.get(file) !== text) this.judgedBy.log('a reference is not taken', { file, ...refused });
      this.told.set(file, text);
    }
  }

  private async record(text: string, nowMs: number): Promise<{ code: string; detail: string } | undefined> {
    const read = readSignedReference(text);
    if (!read.ok) return { code: 'reference_malformed', detail: read.message };
    const { roster, acceptors, objection } = this.judgedBy;
    const against = await objection(read.value, nowMs);
    if (against !== undefined) return { code: 'reference_refused', detail: against };
    const recorded = await recordReference(this.journal, read, { roster: roster(), acceptors, nowMs });
    return recorded.ok ? undefined : { code: recorded.code, detail: recorded.message };
  }
}

function unlessMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}
