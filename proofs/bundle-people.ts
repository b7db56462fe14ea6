import { isDeepStrictEqual } from 'node:util';

import type { Entry, EntryPayload } from '../domain/entry.js';
import type { Person, Roster } from '../domain/roster.js';
import type { BundleFindings } from './bundle-report.js';
import type { BundleStatement } from './bundle.js';

/** Of a roster, those whom entries name as who spoke. Entries that cannot be read name nobody. */
export function extractOf(roster: Roster, entries: readonly Entry[]): Person[] {
  const named = new Set(entries.map(({ body }) => speakerOf(body.payload)));
  return roster.people.filter(({ id }) => named.has(id));
}

function speakerOf(payload: string): unknown {
  try {
    const entry = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as EntryPayload;
    return entry.data['person'];
  } catch {
    return undefined;
  }
}

/**
 * Whether those who spoke stood on the roster as the verifier's own trust file has them. Everything else is judged by that
 * file alone, so a difference is told and proves nothing against the bundle: rosters change.
 */
export function comparePeople(
  { people }: BundleStatement['predicate'],
  roster: Roster,
  findings: BundleFindings,
): void {
  if (people === undefined) return;
  const differing = people.filter(
    (person) =>
      !isDeepStrictEqual(
        person,
        roster.people.find(({ id }) => id === person.id),
      ),
  );
  for (const { id } of differing) {
    findings.notVerified.push(`that ${id} stood on the roster as the bundle says: the trust file has another entry`);
  }
}
