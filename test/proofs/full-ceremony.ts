import { type EntryPayload, type Entry, type Receipt, ENTRY_ROLES } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import type { OnKill } from '../../domain/on-kill.js';
import type { Request } from '../../domain/request.js';
import { buildBundle, type BundleStage } from '../../proofs/bundle.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { evidenceDigest, tupleOf } from '../../proofs/evidence.js';
import { genesisLedgerHash, ledgerEntry } from '../../proofs/ledger.js';
import { makeMarker } from '../../proofs/marker.js';
import { signReceipt } from '../../proofs/receipt.js';
import { signIntent } from '../../proofs/signed-intent.js';
import { statementDigest } from '../../proofs/statement-check.js';
import { parseTrust, trustFileText, type Trust } from '../../proofs/trust.js';
import { scopeHashOf, warrantScopeOf } from '../../proofs/warrant.js';
import {
  T0,
  admissionEntry,
  admissionOf,
  bob,
  carol,
  entryOf,
  policy,
  policyDigest,
  requestFor,
  roleKeys,
  roster,
  signAct,
  signRequest,
  trustedRoles,
} from './ceremony-people.js';
import { givenWarrant } from './given-warrant.js';
import type { RoleTuple } from '../../domain/effects/directory-role.js';

/** Every entry of one ceremony that ran to its deadline, as payloads in their order: signed by `sign`. */
export interface TestCeremony {
  request: Request;
  intent: Intent;
  payloads: EntryPayload[];
}

const MIN = 60_000;

/** A ceremony in which bob and carol approved alice's request, and the deadline ended it; `roster` is what judged it. */
export function fullCeremony(
  request: Request = requestFor(),
  roster?: Record<string, unknown>,
  on_kill?: OnKill,
): TestCeremony {
  const under = roster === undefined ? {} : { roster };
  const { event_id } = request;
  const envelope = signRequest(request);
  const approvals = [signAct(bob, 'approve', request), signAct(carol, 'approve', request)];
  const evidence = { event_id, request: envelope, approvals, admission: admissionOf(request, T0, under) };
  const issued = T0 + 3 * MIN;
  const deadline = instant(issued + request.duration_seconds * 1000);
  const tuple = tupleOf(request) as RoleTuple;
  const intent: Intent = {
    schema: 'reseal.intent.v1',
    event_id,
    round: 1,
    kind: 'entra.directory_role',
    tuple,
    end_sessions: true,
    request_digest: digestOf(request),
    policy_digest: request.policy_digest,
    evidence_digest: evidenceDigest(evidence),
    quorum: 'full',
    issued_at: instant(issued),
    deadline,
    dead_man: instant(Date.parse(deadline) + policy.grace * 1000),
    marker: makeMarker({ event_id, deadline, tuple }, roleKeys.authority.privateKey),
    ...(on_kill === undefined ? {} : { on_kill }),
  };
  const end = Date.parse(deadline);
  const warrant = givenWarrant(intent, roleKeys.authority, issued);
  const intent_digest = digestOf(intent);
  const spoken = approvals.map((statement, index) => {
    const digest = statementDigest(statement);
    const data = { act: 'approve', person: index === 0 ? 'bob' : 'carol', method: 'software', digest, statement };
    return entryOf(event_id, 'statement', `statement/${digest.slice(0, 32)}`, T0 + 2 * MIN, data);
  });
  const reads = [20_000, 25_000, 30_000, 35_000, 40_000].map((after) => ({ at: instant(end + after), absent: true }));
  const times = { observed_at: instant(end + 20_000), confirmed_at: instant(end + 40_000), settle_until: null };
  const absent = { intent_digest, ...times, reads, reads_agreeing: 5 };
  const payloads = [
    admissionEntry(request, T0, under),
    ...spoken,
    entryOf(event_id, 'intent', 'intent', issued, {
      signed: signIntent(intent, roleKeys.authority),
      evidence,
      ...under,
    }),
    entryOf(event_id, 'granted', 'granted', issued + 2000, {
      intent_digest,
      provider_status: 'Provisioned',
      warrant_id: warrant.id,
      warrant_scope_hash_b64u: scopeHashOf(warrantScopeOf(intent)),
      warrant: warrant.token,
      warrant_judged_at: instant(issued + 1000),
    }),
    entryOf(event_id, 'verified', 'verified', issued + 20_000, { intent_digest }),
    entryOf(event_id, 'resealing', 'resealing', end, { cause: 'deadline', by: null, grant: 'granted' }),
    entryOf(event_id, 'removal', 'removal/1', end + 1000, { intent_digest, outcome: 'removed', word: 'revoked' }),
    entryOf(event_id, 'sessions_ended', 'sessions_ended', end + 2000, { intent_digest }),
    entryOf(event_id, 'confirmed', 'confirmed', end + 40_000, absent),
    entryOf(event_id, 'ended', 'ended', end + 40_000, { end: 'expired', cause: 'deadline', by: null, refusals: 0 }),
    entryOf(event_id, 'audited', 'audited', end + 10 * MIN, { intent_digest, outcome: 'audited' }),
  ];
  return { request, intent, payloads };
}

/** Signed by the role that may say it. */
export const sign = (payload: EntryPayload): Receipt => signReceipt(payload, roleKeys[ENTRY_ROLES[payload.type]]);

/** The receipts as a ledger. */
export function ledgerOf(eventId: string, receipts: readonly Receipt[]): Entry[] {
  let prev_ledger_hash = genesisLedgerHash(eventId);
  return receipts.map(({ envelope }, index) => {
    const entry = ledgerEntry({ seq: index + 1, prev_ledger_hash, body: envelope });
    prev_ledger_hash = entry.ledger_hash;
    return entry;
  });
}

export function sealed(eventId: string, receipts: readonly Receipt[], stage: BundleStage = 'audited'): string {
  const entries = ledgerOf(eventId, receipts);
  return buildBundle({ eventId, stage, sealedAt: instant(T0 + 60 * MIN), policy, entries, key: roleKeys.register });
}

/** What a verifier takes for granted: the roles' keys, the roster and the policy. */
export function testTrust(policies: string[] | null = [policyDigest]): Trust {
  const parsed = parseTrust(trustFileText({ roles: trustedRoles, roster, ...(policies === null ? {} : { policies }) }));
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.trust;
}
