import { randomUUID, type KeyObject } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { incidentWorkflowId } from '../../domain/incidents/incident-id.js';
import {
  RELEASE_SECONDS,
  RELEASE_TYP,
  releaseClaimsSchema,
  type ReleaseClaims,
  type ReleaseRefusal,
} from '../../domain/incidents/release-warrant.js';
import type { ContainedTarget } from '../../domain/incidents/tasks.js';
import { CLOCK_SKEW_MS } from '../../domain/statement.js';
import { MAX_WARRANT_BYTES } from '../../domain/warrant.js';
import { openCompact, signCompact } from '../compact-jws.js';
import type { AuthorityKey } from '../signed-intent.js';
import { judgeReleaseEvidence, type JudgedRelease, type ReleaseRules } from './release-evidence.js';

type Good = Extract<JudgedRelease, { ok: true }>;

/** What a release on this evidence is: the same for every warrant of it. */
const scopeOf = ({ incident, settled, evidence_digest }: Good) => ({
  token_version: '1' as const,
  sub: incidentWorkflowId(incident.incident_id),
  aud: 'effect:containment' as const,
  scope: ['containment.release'] as ['containment.release'],
  mission_id: incident.incident_id,
  reseal: {
    direction: 'restore' as const,
    generation: settled.generation,
    host: incident.host,
    actions: [...incident.containment_actions],
    containment_binding: settled.containment_binding,
    evidence_digest,
  },
});

/** Mints the authority's warrant for a release that was just judged. `nowMs`: the authority's own time, epoch ms. */
export async function mintRelease(
  judged: Good,
  { keyid, privateKey }: { keyid: string; privateKey: KeyObject },
  nowMs: number,
): Promise<{ warrant: string; claims: ReleaseClaims }> {
  const iat = Math.floor(nowMs / 1000);
  const claims: ReleaseClaims = { ...scopeOf(judged), jti: randomUUID(), iat, exp: iat + RELEASE_SECONDS };
  return { warrant: await signCompact(claims, { typ: RELEASE_TYP, kid: keyid }, privateKey), claims };
}

/** Verdict on a release. */
export type JudgedWarrantOfRelease =
  { ok: true; claims: ReleaseClaims } | { ok: false; code: ReleaseRefusal; message: string };

/**
 * Whether this release of one action may be carried out: the evidence holds by the judge's own roots, and the authority gave
 * this warrant for exactly it, this host, generation and action, and it is in force.
 *
 * Warrant, evidence and target are attacker-controlled: never throws.
 */
export function judgeRelease(
  {
    warrant,
    evidence,
    incident_id,
    generation,
    host,
    action,
  }: ContainedTarget & { warrant: unknown; evidence: unknown },
  rules: ReleaseRules & { authorityKey: AuthorityKey },
): JudgedWarrantOfRelease {
  const judged = judgeReleaseEvidence(evidence, rules);
  if (!judged.ok) return { ok: false, code: judged.code, message: judged.message };
  const keyOf = (kid: unknown) => (typeof kid === 'string' ? rules.authorityKey(kid) : undefined);
  const opened = openCompact(warrant, { typ: RELEASE_TYP, member: 'kid', keyOf, maxBytes: MAX_WARRANT_BYTES });
  const refuse = (code: ReleaseRefusal, message: string): JudgedWarrantOfRelease => ({ ok: false, code, message });
  if (!opened.ok)
    return refuse(opened.reason === 'malformed' ? 'warrant_malformed' : 'warrant_not_signed', opened.message);
  const parsed = releaseClaimsSchema.safeParse(opened.payload);
  if (!parsed.success) return refuse('warrant_malformed', 'not the claims of a warrant to release');
  const { jti: _jti, iat, exp, ...scope } = parsed.data;
  if (!isDeepStrictEqual(scope, scopeOf(judged)))
    return refuse('warrant_foreign', 'it is for another release than this evidence carries');
  const { reseal } = scope;
  if (scope.mission_id !== incident_id || reseal.host !== host || reseal.generation !== generation)
    return refuse('warrant_foreign', `it is for ${scope.mission_id} on ${reseal.host}`);
  if (!reseal.actions.includes(action)) return refuse('warrant_foreign', `${action} is none of what it releases`);
  if (exp - iat !== RELEASE_SECONDS || iat * 1000 > rules.nowMs + CLOCK_SKEW_MS)
    return refuse('warrant_malformed', `it lives from ${iat} to ${exp}`);
  if (rules.nowMs >= exp * 1000) return refuse('warrant_expired', `it was over at ${exp}`);
  return { ok: true, claims: parsed.data };
}
