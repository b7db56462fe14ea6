import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { digestSchema, epochMs } from '../../domain/identifiers.js';
import { containmentActionSchema } from '../../domain/incidents/classes.js';
import { hostNameSchema } from '../../domain/incidents/incident-id.js';
import { containedDataSchema, releaseEvidenceSchema, type ReleaseEvidence } from '../../domain/incidents/tasks.js';
import { healthSchema } from '../../domain/incidents/view.js';
import { digestOf, sha256Hex } from '../canonical-json.js';
import type { Trust } from '../trust.js';
import { readAttestationResult } from './attestation-result.js';
import { proveVouched, type ProvenAttestations } from './bundle-attestations.js';
import type { ProvenContainment } from './bundle-containment.js';
import type { IncidentFindings } from './incident-bundle-report.js';
import type { ProvenLedger } from './open-incident-bundle.js';
import { judgeReleaseEvidence, type ReleaseRules } from './release-evidence.js';

const issuedSchema = z.strictObject({
  generation: z.number().int(),
  direction: z.literal('restore'),
  host: hostNameSchema,
  actions: z.array(containmentActionSchema),
  containment_binding: digestSchema,
  evidence_digest: digestSchema,
  evidence: releaseEvidenceSchema,
});

/** The gate again, at the time at which the authority says that it let it go, by what the whole ledger shows until then. */
export function proveGate(
  ledger: ProvenLedger,
  { incident, settled, place: boundAt }: ProvenContainment,
  { latest, voidBeforeMs }: ProvenAttestations,
  { trust, rules }: { trust: Trust; rules: Pick<ReleaseRules, 'playbook' | 'playbooks' | 'compatAck' | 'quorum'> },
  found: IncidentFindings,
): void {
  const fail = (detail: string) => found.fail('gate', detail);
  const issued = ledger.of('release_issued').at(-1);
  const read = issuedSchema.safeParse(issued?.entry.data);
  if (issued === undefined || !read.success) return fail('nothing shows on what it was let go');
  const { evidence, evidence_digest, generation, host, actions, containment_binding } = read.data;
  const of = { generation, host, actions, containment_binding };
  const { containment_actions } = incident;
  const wanted = { generation: incident.generation, host: incident.host, actions: containment_actions };
  if (!isDeepStrictEqual(of, { ...wanted, containment_binding: settled.containment_binding }))
    return fail('the authority let another containment go than the one that stood');
  if (digestOf(evidence) !== evidence_digest) return fail('evidence_digest: it is of other evidence');
  if (issued.place < boundAt) return fail('it was let go before it was bound');
  const own = { roster: trust.roster, roleKeys: trust.keyOf, nowMs: epochMs(issued.entry.at) };
  const judged = judgeReleaseEvidence(evidence, { ...rules, ...own, voidBeforeMs });
  if (!judged.ok) return fail(`${judged.code}: ${judged.message}`);
  // What is required may have changed with the register's playbook: the gate is judged by this verifier's own.
  if (!isDeepStrictEqual({ ...judged.incident, requirements: null }, { ...incident, requirements: null }))
    return fail('standing: the evidence is of another incident');
  if (!isDeepStrictEqual(judged.settled, settled)) return fail('settled: the evidence is of another containment');
  const unsaid = unsaidIn(evidence, found);
  if (unsaid !== undefined) return fail(unsaid);
  const { people, attempt } = judged;
  if (attempt !== null) {
    const wrong = attestedBy(evidence, attempt, latest, trust, found);
    if (wrong !== undefined) return fail(wrong);
  }
  const bearer = evidence.bearer.length > 0;
  Object.assign(found.facts, { acknowledged_by: people, attempt, bearer, released_at: issued.entry.at });
  if (bearer) found.not_verified.push("who acknowledged by a bearer token: the gateway's word, signed by nobody");
  found.ran('gate', `acknowledged by ${people.join(', ')}; attempt ${attempt ?? 'not required'}`);
}

/** What a release rests on stands in the ledger too, so that nobody's words were heard by the authority alone. */
function unsaidIn({ statements }: ReleaseEvidence, { facts }: IncidentFindings): string | undefined {
  const heard = new Set(facts.statements.map(({ digest }) => digest));
  const unheard = statements.filter(({ payload }) => !heard.has(sha256Hex(payload)));
  return unheard.length === 0 ? undefined : `${unheard.length} statements of the evidence stand nowhere in the ledger`;
}

function attestedBy(
  { attestation }: ReleaseEvidence,
  attempt: number,
  latest: ProvenAttestations['latest'],
  { keyOf }: Trust,
  found: IncidentFindings,
): string | undefined {
  const read = readAttestationResult(attestation, keyOf);
  if (!read.ok) return read.message;
  const { result, keyid } = read;
  if (!isDeepStrictEqual(result, latest)) return `attempt ${attempt} is not the latest that the ledger shows`;
  const unvouched = proveVouched(result, found);
  if (unvouched !== undefined) return unvouched;
  const { nonce, ak_name, reference_digest, reference_version, reference_recorded_at } = result;
  const { reference_is_newer, reference_accepted_by, baseline, counters, issued_at, checks } = result;
  found.facts.attestation = {
    ...{ nonce, ak_name, reference_digest, reference_version, reference_recorded_at, reference_is_newer },
    ...{ reference_accepted_by, baseline, counters, issued_at, checks: checks.length, verifier_keyid: keyid },
  };
  found.not_verified.push(
    "the quote itself: the bundle carries the verifier's signed verdict on it, not the TPM's bytes",
  );
  if (!reference_is_newer)
    found.not_verified.push('who accepted the reference at enrolment: their signatures are with the reference');
  return undefined;
}

/** Undone in the opposite order by the containment role, each seen to be undone but for what was left on purpose. */
export function proveRelease(ledger: ProvenLedger, { incident }: ProvenContainment, found: IncidentFindings): void {
  const fail = (detail: string) => found.fail('release', detail);
  const { generation, host, containment_actions } = incident;
  const [first] = ledger.of('release_issued').filter(({ entry }) => entry.data['generation'] === generation);
  const undone = ledger.of('released').flatMap(({ place, entry }) => {
    const { data } = containedDataSchema.safeParse(entry.data);
    return data?.success === true && data.generation === generation && data.host === host ? [{ place, ...data }] : [];
  });
  const order = undone.map(({ action }) => action);
  if (!isDeepStrictEqual(order, [...containment_actions].reverse()))
    return fail(`undone: ${order.join(', ') || 'nothing'}`);
  for (const { place, action, left } of undone) {
    if (first === undefined || place < first.place) return fail(`${action}: undone before it was let go`);
    const seen = ledger.of('release_seen').some(({ place: at, entry: { data } }) => {
      const is = data['generation'] === generation && data['host'] === host && data['action'] === action;
      return is && data['observed'] === 'released' && at > place;
    });
    if (left !== true && !seen) return fail(`${action}: the verifier did not see it undone`);
  }
  found.facts.released = undone.map(({ action, completed_at, left = false }) => ({ action, at: completed_at, left }));
  const kept = undone.filter(({ left }) => left === true).length;
  found.ran(
    'release',
    `${undone.length} actions undone in reverse${kept === 0 ? '' : `, ${kept} left contained in part`}`,
  );
}

const resolvedSchema = z.strictObject({ by: z.string(), health: healthSchema });

/** It ended once, last of all, after the verifier saw the host call itself trusted. */
export function proveEnd(ledger: ProvenLedger, { incident }: ProvenContainment, found: IncidentFindings): void {
  const fail = (detail: string) => found.fail('end', detail);
  const last = ledger.entries.at(-1);
  const resolved = resolvedSchema.safeParse(last?.entry.data);
  if (last?.entry.type !== 'resolved' || !resolved.success) return fail('the ledger does not end with the resolution');
  const { by, health } = resolved.data;
  const seen = ledger.of('health').at(-1);
  const { generation, host, ...said } = seen?.entry.data ?? {};
  if (seen === undefined || generation !== incident.generation || host !== incident.host)
    return fail('the verifier did not see this host at its end');
  if (said['trusted'] !== true || !isDeepStrictEqual({ ...said, at: seen.entry.at }, health))
    return fail('the host did not end trusted, by the verifier');
  if (ledger.of('released').some(({ place }) => place > seen.place)) return fail('something was undone after that');
  const signed = found.facts.statements.some(({ act, person }) => act === 'resolve' && person === by);
  if (!signed) found.not_verified.push("who asked for the release: the gateway's word, signed by nobody");
  Object.assign(found.facts, { released_by: { person: by, signed }, resolved_at: last.entry.at });
  found.ran('end', `resolved at ${last.entry.at}; the verifier saw the host call itself trusted`);
}
