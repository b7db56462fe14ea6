import type { KeyObject } from 'node:crypto';
import {
  INCIDENT_ENTRY_PAYLOAD_TYPE,
  INCIDENT_ENTRY_ROLES,
  incidentEntryPayloadSchema,
  type IncidentEntryPayload,
  type IncidentEntryType,
  type IncidentReceipt,
} from '../../domain/incidents/incident-entry.js';
import { canonicalJson } from '../canonical-json.js';
import { signDsse, verifyDsse } from '../dsse.js';
import type { EntryRefusal, RoleKeys } from '../receipt.js';
import { parseCanonicalJson } from '../strict-json.js';

/** Signs one entry of an incident as its maker; the payload is the entry's RFC 8785 form. */
export function signIncidentReceipt(
  payload: IncidentEntryPayload,
  key: { keyid: string; privateKey: KeyObject },
): IncidentReceipt {
  const bytes = Buffer.from(canonicalJson(payload), 'utf8');
  const envelope = signDsse({ payloadType: INCIDENT_ENTRY_PAYLOAD_TYPE, payload: bytes, key });
  return { transition: payload.transition, envelope };
}

/** Verdict on an entry's body. */
export type ReadIncidentEntry =
  { ok: true; entry: IncidentEntryPayload; keyid: string } | { ok: false; code: EntryRefusal; message: string };

/**
 * Reads an entry of one incident: one signature, by a key of the role that may make this type of entry, over the RFC 8785
 * form of an entry of this very incident. The body is attacker-controlled: never throws.
 */
export function readIncidentEntry(body: unknown, incidentId: string, keys: RoleKeys): ReadIncidentEntry {
  const refuse = (code: EntryRefusal, message: string): ReadIncidentEntry => ({ ok: false, code, message });
  const verdict = verifyDsse(body, {
    payloadType: INCIDENT_ENTRY_PAYLOAD_TYPE,
    keys: (keyid) => keys(keyid)?.publicKey,
  });
  if (!verdict.ok) {
    const code = verdict.reason === 'threshold_not_met' ? 'entry_signer_unknown' : 'entry_envelope';
    return refuse(code, verdict.reason);
  }
  const [keyid = ''] = verdict.keyids;
  const signer = keys(keyid);
  if (signer === undefined || (body as { signatures: unknown[] }).signatures.length !== 1)
    return refuse('entry_envelope', 'expected exactly one signature');
  const json = parseCanonicalJson(verdict.payload);
  const parsed = json.ok ? incidentEntryPayloadSchema.safeParse(json.value) : undefined;
  if (parsed?.success !== true)
    return refuse('entry_malformed', json.ok ? 'not an entry' : `not an entry: ${json.reason}`);
  const entry = parsed.data;
  if (entry.incident_id !== incidentId) return refuse('entry_event', `it belongs to ${entry.incident_id}`);
  const maker = INCIDENT_ENTRY_ROLES[entry.type];
  if (maker !== signer.role)
    return refuse('entry_role', `${entry.type} is ${maker}'s to say, signed by ${signer.role}`);
  return { ok: true, entry, keyid };
}

/** The same of one type, as those who judge a release need it; undefined for any other, or for none of this incident. */
export function entryOfType(
  receipt: IncidentReceipt,
  incidentId: string,
  type: IncidentEntryType,
  keys: RoleKeys,
): IncidentEntryPayload | undefined {
  const read = readIncidentEntry(receipt.envelope, incidentId, keys);
  return read.ok && read.entry.type === type && read.entry.transition === receipt.transition ? read.entry : undefined;
}
