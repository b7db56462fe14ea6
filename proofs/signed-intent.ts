import type { KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

import { INTENT_PAYLOAD_TYPE, intentSchema, type Intent, type SignedIntent } from '../domain/intent.js';
import { canonicalJson } from './canonical-json.js';
import { signDsse, verifyDsse } from './dsse.js';
import { parseCanonicalJson } from './strict-json.js';

/** Why an intent was refused. */
export type IntentRefusal = 'intent_not_signed' | 'intent_malformed' | 'intent_differs';

/** The authority's public key of a keyid, or undefined when the keyid is not the authority's. */
export type AuthorityKey = (keyid: string) => KeyObject | undefined;

/** Verdict on a signed intent alone. */
export type VerifiedIntent = { ok: true; intent: Intent } | { ok: false; code: IntentRefusal; message: string };

/** Signs an intent as the authority; the envelope's payload is the intent's RFC 8785 form. */
export function signIntent(intent: Intent, key: { keyid: string; privateKey: KeyObject }): SignedIntent {
  const payload = Buffer.from(canonicalJson(intent), 'utf8');
  return { intent, envelope: signDsse({ payloadType: INTENT_PAYLOAD_TYPE, payload, key }) };
}

/** What the authority signed, from its envelope alone. `envelope` is attacker-controlled: never throws. */
export function openIntent(envelope: unknown, authorityKey: AuthorityKey): VerifiedIntent {
  const verdict = verifyDsse(envelope, { payloadType: INTENT_PAYLOAD_TYPE, keys: authorityKey });
  if (!verdict.ok) return { ok: false, code: 'intent_not_signed', message: verdict.reason };
  const json = parseCanonicalJson(verdict.payload);
  const parsed = json.ok ? intentSchema.safeParse(json.value) : undefined;
  if (!json.ok || parsed?.success !== true) {
    return { ok: false, code: 'intent_malformed', message: json.ok ? 'not an intent' : json.reason };
  }
  return { ok: true, intent: parsed.data };
}

/**
 * Whether the authority recorded this intent: its envelope verifies and says exactly what `signed.intent` says. Needs no
 * policy, roster or clock, so that nothing can lock out a rollback.
 *
 * `signed` is attacker-controlled: never throws.
 */
export function verifyIntent(signed: SignedIntent, authorityKey: AuthorityKey): VerifiedIntent {
  const opened = openIntent(signed.envelope, authorityKey);
  if (!opened.ok) return opened;
  const told = intentSchema.safeParse(signed.intent);
  if (!told.success || !isDeepStrictEqual(told.data, opened.intent)) {
    return { ok: false, code: 'intent_differs', message: 'it says something else than what the authority signed' };
  }
  return opened;
}
