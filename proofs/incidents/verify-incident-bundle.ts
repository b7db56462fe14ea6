import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { entrySchema } from '../../domain/entry.js';
import { epochMs } from '../../domain/identifiers.js';
import type { IncidentEntryPayload, IncidentEntryType } from '../../domain/incidents/incident-entry.js';
import { incidentSchema, settledSchema } from '../../domain/incidents/incident.js';
import type { Playbook } from '../../domain/incidents/playbook.js';
import { releaseEvidenceSchema } from '../../domain/incidents/tasks.js';
import { containmentBinding } from './containment-binding.js';
import { incidentBundleSchema } from './incident-bundle.js';
import { readIncidentEntry } from './incident-receipt.js';
import { judgeReleaseEvidence } from './release-evidence.js';
import { BUNDLE_PAYLOAD_TYPE, MAX_BUNDLE_BYTES } from '../bundle.js';
import { verifyDsse } from '../dsse.js';
import { verifyLedger } from '../ledger.js';
import { parseCanonicalJson } from '../strict-json.js';
import type { Trust } from '../trust.js';

/** What is checked of an incident's bundle, in this order. */
export const INCIDENT_BUNDLE_CHECKS = [
  'format',
  'signature',
  'ledger',
  'signers',
  'containment',
  'gate',
  'release',
  'end',
] as const;
export type IncidentBundleCheck = (typeof INCIDENT_BUNDLE_CHECKS)[number];

/** What an offline verifier says of an incident's bundle; `facts` are worth something only where it is `ok`. */
export interface IncidentBundleReport {
  ok: boolean;
  incident_id: string | null;
  checks: { name: IncidentBundleCheck; ok: boolean; detail: string }[];
  facts: {
    class: string | null;
    severity: string | null;
    containment_binding: string | null;
    /** Who acknowledged it; a bearer token's word names nobody who signed. */
    acknowledged_by: string[];
    bearer: boolean;
    /** The attempt that passed, where one was required. */
    attempt: number | null;
    resolved_at: string | null;
  };
  not_verified: string[];
}

/** How the verifier of a bundle judges the gate. */
export interface IncidentBundleRules {
  playbook: Playbook;
  /** Whether a bearer token's word is accepted where a signature is asked for. */
  compatAck: boolean;
  quorum: number;
}

const releasedSchema = z.object({ generation: z.number(), action: z.string(), success: z.boolean() });

/**
 * Verifies an incident's bundle offline, from its bytes and a trust file: format, the register's signature, the chain, who
 * signed what, that the containment was bound from what the containment role signed, that the gate was open when the
 * authority let it go, and that all of it was undone in reverse before it ended.
 *
 * The bytes are attacker-controlled: never throws.
 */
export function verifyIncidentBundle(
  bytes: Uint8Array,
  trust: Trust,
  rules: IncidentBundleRules,
): IncidentBundleReport {
  const found = new Findings();
  const predicate = open(bytes, trust, found);
  if (predicate === undefined) return found.report(null);
  const { incident_id } = predicate;
  const entries: IncidentEntryPayload[] = [];
  for (const [at, { body }] of predicate.entries.entries()) {
    const read = readIncidentEntry(body, incident_id, trust.keyOf);
    if (!read.ok) found.fail('signers', `entries[${at}].body: ${read.code}: ${read.message}`);
    else if (entries.some(({ transition }) => transition === read.entry.transition))
      found.fail('signers', `entries[${at}].body: ${read.entry.transition} stands twice`);
    else entries.push(read.entry);
  }
  found.ran('signers', `${entries.length} of ${predicate.entries.length} entries by the role that may make them`);
  prove(entries, trust, rules, found);
  return found.report(incident_id);
}

type Predicate = z.output<typeof incidentBundleSchema>['predicate'];

function open(bytes: Uint8Array, trust: Trust, found: Findings): Predicate | undefined {
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
  else found.ran('ledger', `${ledger.count} entries, head ${ledger.head}`);
  return predicate;
}

/** From the last generation back: what was bound, on what it was let go, and that nothing stayed contained. */
function prove(
  entries: readonly IncidentEntryPayload[],
  trust: Trust,
  rules: IncidentBundleRules,
  found: Findings,
): void {
  const of = (type: IncidentEntryType) => entries.filter((entry) => entry.type === type);
  if (entries[0]?.type !== 'incident')
    return void found.fail('containment', 'the ledger does not begin with the event');
  const incident = incidentSchema.safeParse(of('standing').at(-1)?.data);
  const settled = settledSchema.safeParse(of('containment_settled').at(-1)?.data);
  if (!incident.success || !settled.success) return void found.fail('containment', 'no settled containment');
  const { incident_id, class: incident_class, severity, containment_actions, generation } = incident.data;
  const { containment_binding, containment_results } = settled.data;
  const of_all = { incident_id, incident_class, severity, containment_actions, containment_results };
  Object.assign(found.facts, { class: incident_class, severity, containment_binding });
  if (settled.data.generation !== generation || containmentBinding(of_all) !== containment_binding)
    return void found.fail('containment', 'the binding is of another containment');
  found.ran('containment', `${containment_results.length} actions, bound as ${containment_binding}`);
  proveGate(of('release_issued').at(-1), trust, rules, found);
  const undone = of('released')
    .map(({ data }) => releasedSchema.parse({ generation: 0, action: '', success: false, ...data }))
    .filter((data) => data.success && data.generation === generation)
    .map(({ action }) => action);
  if (!isDeepStrictEqual(undone, [...containment_actions].reverse()))
    found.fail('release', `undone: ${undone.join(', ') || 'nothing'}`);
  else found.ran('release', `${undone.length} actions undone in reverse`);
  const resolved = of('resolved').at(-1);
  const health = of('health').at(-1);
  if (resolved === undefined || health?.data['trusted'] !== true)
    return void found.fail('end', 'the host did not end trusted');
  found.facts.resolved_at = resolved.at;
  found.ran('end', `resolved at ${resolved.at}; the verifier saw the host call itself trusted`);
}

/** The gate again, at the time at which the authority says that it let it go. */
function proveGate(
  issued: IncidentEntryPayload | undefined,
  trust: Trust,
  rules: IncidentBundleRules,
  found: Findings,
): void {
  const evidence = releaseEvidenceSchema.safeParse(issued?.data['evidence']);
  if (issued === undefined || !evidence.success) return void found.fail('gate', 'nothing shows on what it was let go');
  const own = { roster: trust.roster, roleKeys: trust.keyOf, nowMs: epochMs(issued.at) };
  const judged = judgeReleaseEvidence(evidence.data, { ...rules, ...own });
  if (!judged.ok) return void found.fail('gate', `${judged.code}: ${judged.message}`);
  const bearer = evidence.data.bearer.length > 0;
  Object.assign(found.facts, { acknowledged_by: judged.people, attempt: judged.attempt, bearer });
  if (bearer) found.not_verified.push("who acknowledged by a bearer token: the gateway's word, signed by nobody");
  found.ran('gate', `acknowledged by ${judged.people.join(', ')}; attempt ${judged.attempt ?? 'not required'}`);
}

class Findings {
  readonly not_verified = [
    'that no later entry was left out: a bundle carries no checkpoint of a witness',
    "that the makers' clocks were right: each time is its signer's own",
  ];
  readonly facts: IncidentBundleReport['facts'] = {
    ...{ class: null, severity: null, containment_binding: null, acknowledged_by: [], bearer: false },
    ...{ attempt: null, resolved_at: null },
  };
  readonly #failed = new Map<IncidentBundleCheck, string>();
  readonly #ran = new Map<IncidentBundleCheck, string>();

  fail(check: IncidentBundleCheck, detail: string): undefined {
    if (!this.#failed.has(check)) this.#failed.set(check, detail);
    return undefined;
  }

  ran(check: IncidentBundleCheck, detail: string): void {
    this.#ran.set(check, detail);
  }

  /** A check that nobody ran has failed. */
  report(incident_id: string | null): IncidentBundleReport {
    const checks = INCIDENT_BUNDLE_CHECKS.map((name) => {
      const failed = this.#failed.get(name);
      const ran = this.#ran.get(name);
      return { name, ok: failed === undefined && ran !== undefined, detail: failed ?? ran ?? 'not reached' };
    });
    const { facts, not_verified } = this;
    return { ok: checks.every(({ ok }) => ok), incident_id, checks, facts, not_verified };
  }
}
