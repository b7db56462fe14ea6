import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { entrySchema } from '../../domain/entry.js';
import type { IncidentEntryPayload, IncidentEntryType } from '../../domain/incidents/incident-entry.js';
import { BUNDLE_PAYLOAD_TYPE, MAX_BUNDLE_BYTES } from '../bundle.js';
import { verifyDsse } from '../dsse.js';
import { verifyLedger } from '../ledger.js';
import { parseCanonicalJson } from '../strict-json.js';
import type { Trust } from '../trust.js';
import type { IncidentFindings } from './incident-bundle-report.js';
import { INCIDENT_BUNDLE_TYPE, incidentBundleSchema } from './incident-bundle.js';
import { readIncidentEntry } from './incident-receipt.js';

/** One entry whose signature was good; `at` is where it stands, from 0. */
export interface ProvenEntry {
  place: number;
  entry: IncidentEntryPayload;
  keyid: string;
}

/** The entries of an incident, each by the role that may make it. */
export interface ProvenLedger {
  incident_id: string;
  entries: readonly ProvenEntry[];
  of: (type: IncidentEntryType) => ProvenEntry[];
}

/**
 * Whether bytes say that they are the bundle of an incident, and not that of a ceremony: nothing is verified yet, and what
 * says so falsely is refused by whoever verifies it. Never throws.
 */
export function saysIncidentBundle(bytes: Uint8Array): boolean {
  const json = parseCanonicalJson(bytes, { maxBytes: MAX_BUNDLE_BYTES, maxDepth: 8 });
  const payload = json.ok ? (json.value as { payload?: unknown } | null)?.payload : undefined;
  if (typeof payload !== 'string') return false;
  const statement = parseCanonicalJson(Buffer.from(payload, 'base64'), { maxBytes: MAX_BUNDLE_BYTES });
  return (
    statement.ok && (statement.value as { predicateType?: unknown } | null)?.predicateType === INCIDENT_BUNDLE_TYPE
  );
}

/** Format, the register's signature, the chain, and who signed what. Undefined where nothing further can be asked of it. */
export function openIncidentBundle(bytes: Uint8Array, trust: Trust, found: IncidentFindings): ProvenLedger | undefined {
  const predicate = open(bytes, trust, found);
  if (predicate === undefined) return undefined;
  const { incident_id } = predicate;
  const entries: ProvenEntry[] = [];
  const seen = new Set<string>();
  // Of a ledger with a stranger's entry in it nothing further is told.
  for (const [place, { body }] of predicate.entries.entries()) {
    const read = readIncidentEntry(body, incident_id, trust.keyOf);
    if (!read.ok) return found.fail('signers', `entries[${place}].body: ${read.code}: ${read.message}`);
    const { entry, keyid } = read;
    if (seen.has(entry.transition))
      return found.fail('signers', `entries[${place}].body: ${entry.transition} stands twice`);
    seen.add(entry.transition);
    entries.push({ place, entry, keyid });
  }
  found.ran('signers', `${entries.length} entries, each by the role that may make them`);
  return { incident_id, entries, of: (type) => entries.filter(({ entry }) => entry.type === type) };
}

function open(bytes: Uint8Array, trust: Trust, found: IncidentFindings) {
  const json = parseCanonicalJson(bytes, { maxBytes: MAX_BUNDLE_BYTES, maxDepth: 8 });
  if (!json.ok) return found.fail('format', `file: ${json.reason}`);
  const verdict = verifyDsse(json.value, {
    payloadType: BUNDLE_PAYLOAD_TYPE,
    keys: (keyid) => {
      const key = trust.keyOf(keyid);
      return key?.role === 'register' ? key.publicKey : undefined;
    },
    maxBytes: MAX_BUNDLE_BYTES,
  });
  if (!verdict.ok) return found.fail('signature', `envelope: ${verdict.reason}`);
  found.ran('signature', `by the register's key ${verdict.keyids[0] ?? ''}`);
  const payload = parseCanonicalJson(verdict.payload, { maxBytes: MAX_BUNDLE_BYTES });
  const statement = incidentBundleSchema.safeParse(payload.ok ? payload.value : undefined);
  if (!statement.success) return found.fail('format', 'envelope.payload: not the bundle of an incident');
  found.ran('format', 'one DSSE envelope over one in-toto Statement, RFC 8785');
  const { subject, predicate } = statement.data;
  const ledger = verifyLedger(predicate.incident_id, z.array(entrySchema).parse(predicate.entries));
  if (!ledger.ok) found.fail('ledger', `entries[${ledger.at - 1}]: ${ledger.reason}`);
  else if (
    !isDeepStrictEqual(subject, [{ name: `incident/${predicate.incident_id}`, digest: { sha256: ledger.head } }])
  )
    found.fail('ledger', 'subject: it is not the head of this ledger');
  else {
    found.facts.ledger_head = ledger.head;
    found.ran('ledger', `${ledger.count} entries, head ${ledger.head}`);
  }
  return predicate;
}
