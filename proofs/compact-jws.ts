import { verify, type KeyObject } from 'node:crypto';

import { CompactSign } from 'jose';

import { WARRANT_ALG } from '../domain/warrant.js';
import { canonicalJson } from './canonical-json.js';
import { parseCanonicalJson } from './strict-json.js';

/** A header that was read and not yet believed. */
export type JwsHeader = Readonly<Record<string, unknown>>;

/** Verdict on a compact JWS (RFC 7515 §3.1). */
export type OpenedJws =
  | { ok: true; header: JwsHeader; payload: unknown }
  | { ok: false; reason: 'malformed' | 'not_signed'; message: string };

/** Signs a value's RFC 8785 form with Ed25519 under its fully specified name (RFC 9864). */
export function signCompact(value: unknown, header: { typ: string } & JwsHeader, key: KeyObject): Promise<string> {
  // A header has one spelling too: jose writes its members as they come.
  const ordered = JSON.parse(canonicalJson({ alg: WARRANT_ALG, ...header })) as { alg: string };
  return new CompactSign(Buffer.from(canonicalJson(value), 'utf8')).setProtectedHeader(ordered).sign(key);
}

/**
 * Opens a token of one `typ`: its header has `alg`, `typ` and `member`, and nothing else; each part stands in its one
 * base64url spelling; the payload is RFC 8785 JSON, signed by the key that `keyOf` makes of `member`.
 *
 * jose's own verification is asynchronous only, and a bundle is verified in one go: the signature is checked here.
 *
 * The token is attacker-controlled: never throws.
 */
export function openCompact(
  token: unknown,
  rules: { typ: string; member: 'kid' | 'jwk'; keyOf: (value: unknown) => KeyObject | undefined; maxBytes: number },
): OpenedJws {
  const { typ, member, keyOf, maxBytes } = rules;
  const malformed = (message: string): OpenedJws => ({ ok: false, reason: 'malformed', message });
  if (typeof token !== 'string' || token.length > maxBytes || !isCompact(token)) return malformed('not a compact JWS');
  const header = partOf(token, 0);
  const { alg, typ: said, [member]: named, ...others } = header ?? {};
  if (alg !== WARRANT_ALG || said !== typ || Object.keys(others).length > 0)
    return malformed(`its header is not that of a ${typ} (${WARRANT_ALG}, ${member})`);
  const key = keyOf(named);
  if (key === undefined) return { ok: false, reason: 'not_signed', message: 'its key is not one that may sign it' };
  if (!isSignedBy(key, token)) return { ok: false, reason: 'not_signed', message: 'its signature does not verify' };
  const json = parseCanonicalJson(Buffer.from(token.split('.')[1] ?? '', 'base64url'));
  return json.ok ? { ok: true, header: header ?? {}, payload: json.value } : malformed(json.reason);
}

/**
 * Ed25519 alone (RFC 8037 §3.1), over the two encoded parts before the signature and the dot between them (RFC 7515 §5.2). A
 * key of another kind, which only a wrong configuration could hold, signs nothing.
 */
function isSignedBy(key: KeyObject, token: string): boolean {
  const dot = token.lastIndexOf('.');
  const signature = Buffer.from(token.slice(dot + 1), 'base64url');
  if (key.asymmetricKeyType !== 'ed25519' || signature.length !== 64) return false;
  return verify(null, Buffer.from(token.slice(0, dot), 'ascii'), key, signature);
}

/**
 * A member of a token's payload as somebody wrote it, to choose where it is looked at: nothing may rest on it.
 *
 * The token is attacker-controlled: never throws.
 */
export function claimedIn(token: string, name: string): unknown {
  if (!isCompact(token)) return undefined;
  const payload = partOf(token, 1);
  return payload !== undefined && Object.hasOwn(payload, name) ? payload[name] : undefined;
}

/** Three parts, each in its one base64url spelling: no two texts are the same token. */
function isCompact(token: string): boolean {
  const parts = token.split('.');
  return parts.length === 3 && parts.every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);
}

function partOf(token: string, index: 0 | 1): Record<string, unknown> | undefined {
  const json = parseCanonicalJson(Buffer.from(token.split('.')[index] ?? '', 'base64url'));
  if (!json.ok || typeof json.value !== 'object' || json.value === null || Array.isArray(json.value)) return undefined;
  return json.value;
}
