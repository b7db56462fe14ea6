import type { KeyObject } from 'node:crypto';

import {
  ENTRY_PAYLOAD_TYPE,
  makerOf,
  entryPayloadSchema,
  type EntryPayload,
  type Receipt,
  type RoleName,
} from '../domain/entry.js';
import { canonicalJson } from './canonical-json.js';
import { signDsse, verifyDsse } from './dsse.js';
import { parseCanonicalJson } from './strict-json.js';

/** A role's public key, and the one role whose entries it may sign. */
export interface TrustedKey {
  role: RoleName;
  publicKey: KeyObject;
}
/** The key of a keyid, or undefined for a signer that nobody vouches for. */
export type RoleKeys = (keyid: string) => TrustedKey | undefined;

/** Signs one entry as its maker; the envelope's payload is the entry's RFC 8785 form. */
export function signReceipt(payload: EntryPayload, key: { keyid: string; privateKey: KeyObject }): Receipt {
  const bytes = Buffer.from(canonicalJson(payload), 'utf8');
  return {
    transition: payload.transition,
    envelope: signDsse({ payloadType: ENTRY_PAYLOAD_TYPE, payload: bytes, key }),
  };
}

/** Why an entry's body was refused. */
export type EntryRefusal = 'entry_envelope' | 'entry_signer_unknown' | 'entry_malformed' | 'entry_role' | 'entry_event';

/** Verdict on an entry's body. */
export type ReadEntry =
  { ok: true; entry: EntryPayload; role: RoleName; keyid: string } | { ok: false; code: EntryRefusal; message: string };

/**
 * Reads the body of an entry of one event: one signature, by a key that is known, of the role that may make this type of
 * entry, over the RFC 8785 form of an entry of this very event.
 *
 * The body is attacker-controlled: never throws.
 */
export function readEntry(body: unknown, eventId: string, keys: RoleKeys): ReadEntry {
  const verdict = verifyDsse(body, { payloadType: ENTRY_PAYLOAD_TYPE, keys: (keyid) => keys(keyid)?.publicKey });
  if (!verdict.ok) {
    const code = verdict.reason === 'threshold_not_met' ? 'entry_signer_unknown' : 'entry_envelope';
    return {
      ok: false,
      code,
      message: `${verdict.reason}${verdict.detail === undefined ? '' : `: ${verdict.detail}`}`,
    };
  }
  const [keyid] = verdict.keyids;
  const signer = keyid === undefined ? undefined : keys(keyid);
  const signatures = (body as { signatures: unknown[] }).signatures.length;
  if (keyid === undefined || signer === undefined || signatures !== 1) {
    return { ok: false, code: 'entry_envelope', message: 'expected exactly one signature' };
  }
  const json = parseCanonicalJson(verdict.payload);
  const parsed = json.ok ? entryPayloadSchema.safeParse(json.value) : undefined;
  if (parsed?.success !== true) {
    return { ok: false, code: 'entry_malformed', message: json.ok ? 'not an entry' : `not an entry: ${json.reason}` };
  }
  const entry = parsed.data;
  if (entry.event_id !== eventId) {
    return { ok: false, code: 'entry_event', message: `it belongs to event ${entry.event_id}` };
  }
  const maker = makerOf(entry);
  if (maker !== signer.role) {
    return { ok: false, code: 'entry_role', message: `${entry.type} is ${maker}'s to say, signed by ${signer.role}` };
  }
  return { ok: true, entry, role: signer.role, keyid };
}
