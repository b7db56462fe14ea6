import { newCeremony } from '../../domain/ceremony-state.js';
import type { EntryPayload } from '../../domain/entry.js';
import { eventIdSchema, instant } from '../../domain/identifiers.js';
import type { AdmitOutcome } from '../../domain/outcomes.js';
import { termsOf, type Policy, type Terms } from '../../domain/policy.js';
import { requestRefusal } from '../../domain/request.js';
import { isValidAt } from '../../domain/roster.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { RegisterTasks } from '../../domain/tasks.js';
import { viewOf } from '../../domain/view.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { requestAgeRefusal, tupleOf } from '../../proofs/evidence.js';
import { signReceipt } from '../../proofs/receipt.js';
import { checkRequestStatement, statementDigest, type CheckedRequestStatement } from '../../proofs/statement-check.js';
import { DatabaseError, type Sql } from './database.js';
import type { RegisterHoldings } from './holdings.js';
import { admittedAnswer } from './admitted-answer.js';
import { chain, emptyLedger, insertEntries, tailAfter } from './ledger-rows.js';
import { activeByInvokerAndProfile, activeByTarget } from './lookups.js';
import { earlierAnswers, keepRefusal } from './refusals.js';

/** An open event may close between the insert that met it and the look-up that names it: then the insert is tried again. */
const INSERT_ATTEMPTS = 5;

type Asked = Extract<CheckedRequestStatement, { ok: true }>;

/**
 * Admission: one transaction, idempotent by event id. The request's signature and rules are checked here again, from its
 * bytes; stacking is refused by partial unique indexes, so that of any number of rivals one wins; the ledger's first entry
 * is written with the row. The first answer to a request is kept, a refusal too.
 */
export function admission(holdings: RegisterHoldings): RegisterTasks['admit'] {
  return async ({ event_id, run_id, envelope }) => {
    const eventId = eventIdSchema.parse(event_id);
    const nowMs = holdings.clock.now();
    const at = instant(nowMs);
    const asked = checkRequestStatement(envelope, holdings.roster());
    if (!asked.ok || asked.statement.request.event_id !== eventId) {
      const why = asked.ok
        ? { code: 'foreign_event', message: `it asks for event ${asked.statement.request.event_id}` }
        : { code: asked.reason, message: asked.message };
      const refused = { eventId, digest: statementDigest(envelope), proven: false, ...why, at };
      return holdings.database.transaction((tx) => keepRefusal(tx, refused));
    }
    const candidate = { eventId, runId: run_id, asked, envelope, nowMs };
    return holdings.database.transaction((tx) => admit(tx, holdings, candidate));
  };
}

interface Candidate {
  eventId: string;
  runId: string;
  asked: Asked;
  envelope: SignedStatement;
  nowMs: number;
}

async function admit(tx: Sql, holdings: RegisterHoldings, candidate: Candidate): Promise<AdmitOutcome> {
  const { eventId, asked, nowMs } = candidate;
  const digest = asked.request_digest;
  // Two attempts at the same admission take turns, so that both give the first one's answer.
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`register/admission/${eventId}`]);
  const earlier = await earlierAnswers(tx, eventId, digest);
  if (earlier.admitted) return admittedAnswer(tx, eventId, asked.statement.request);
  if (earlier.refused !== undefined) return earlier.refused;
  const refuse = (why: { code: string; message: string }): Promise<AdmitOutcome> =>
    keepRefusal(tx, { eventId, digest, proven: true, ...why, at: instant(nowMs) });
  if (earlier.taken) {
    return refuse({
      code: 'event_id_taken',
      message: `event ${eventId} was asked for with another request: mint a new id`,
    });
  }
  const { policy, digest: policyDigest } = holdings.policy();
  const allowed = rulesFor(asked, policy, policyDigest, nowMs);
  if (!allowed.ok) return refuse(allowed);
  await tx.query('INSERT INTO register.policies (digest, document) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    policyDigest,
    canonicalJson(policy),
  ]);
  for (let attempt = 0; attempt < INSERT_ATTEMPTS; attempt += 1) {
    if (await insert(tx, holdings, candidate, allowed.terms)) {
      return admittedAnswer(tx, eventId, asked.statement.request);
    }
    const stacked = await stackedOn(tx, asked);
    if (stacked !== undefined) return refuse(stacked);
  }
  throw new DatabaseError('register_contended', 'events keep opening and closing around this one');
}

/** The profile's terms, or why the policy in force does not let this request in now. */
function rulesFor(
  { statement, person }: Asked,
  policy: Policy,
  policyDigest: string,
  nowMs: number,
): { ok: true; terms: Terms } | { ok: false; code: string; message: string } {
  const { request } = statement;
  const terms = termsOf(policy, request.profile);
  if (terms === undefined) {
    return { ok: false, code: 'profile_unknown', message: `the policy has no profile ${request.profile}` };
  }
  const refusal = requestRefusal(request, terms, policyDigest) ?? requestAgeRefusal(statement, terms, nowMs);
  if (refusal !== undefined) return { ok: false, code: refusal.code, message: refusal.message };
  if (isValidAt(person, nowMs)) return { ok: true, terms };
  return { ok: false, code: 'invoker_not_valid', message: `the roster does not let ${person.id} speak now` };
}

/** Whether the row and its first entry were written; false when another open event stands in the way. */
async function insert(
  tx: Sql,
  holdings: RegisterHoldings,
  { eventId, runId, asked, envelope, nowMs }: Candidate,
  terms: Terms,
): Promise<boolean> {
  const { request } = asked.statement;
  const { person, method, request_digest } = asked;
  const { policy_digest, profile, invoker } = request;
  const { extra_approvers, escalated } = { extra_approvers: 0, escalated: false };
  const admitted_at = instant(nowMs);
  const opened = { request, request_digest, policy_digest, terms };
  const approval_by = instant(nowMs + terms.approval_window * 1000);
  const ceremony = newCeremony(eventId, envelope, nowMs);
  const view = { ...viewOf({ ...ceremony, phase: 'awaiting_approval', opened, approval_by }), run_id: runId };
  const entry: EntryPayload = {
    schema: 'reseal.entry.v1',
    event_id: eventId,
    transition: 'request',
    type: 'request',
    at: admitted_at,
    data: { statement: envelope, request_digest, policy_digest, person: person.id, method, extra_approvers, escalated },
  };
  const first = chain(emptyLedger(eventId), [{ receipt: signReceipt(entry, holdings.key), entry }]);
  const { head, count } = tailAfter(emptyLedger(eventId), first);
  const columns = {
    event_id: eventId,
    run_id: runId,
    request_digest,
    policy_digest,
    profile,
    invoker_person: invoker.person,
    invoker_upn: invoker.upn.toLowerCase(),
    ...tupleOf(request),
    admitted_at,
    state: view.state,
    view: JSON.stringify(view),
    view_seq: count,
    ledger_head: head,
    ledger_count: count,
  };
  const rows = await tx.query(
    `INSERT INTO register.events (${Object.keys(columns).join(', ')})
     VALUES (${Object.keys(columns)
       .map((_, index) => `$${index + 1}`)
       .join(', ')})
     ON CONFLICT DO NOTHING RETURNING event_id`,
    Object.values(columns),
  );
  if (rows.length === 0) return false;
  await insertEntries(tx, eventId, first);
  return true;
}

/** Which open event stands in the way. */
async function stackedOn(tx: Sql, { statement }: Asked): Promise<{ code: string; message: string } | undefined> {
  const { request } = statement;
  const mine = await activeByInvokerAndProfile(tx, request.invoker.person, request.profile);
  if (mine !== undefined) {
    const message = `event ${mine.event_id} of the same invoker and profile is open: close it first`;
    return { code: 'stacking_invoker_profile', message };
  }
  const same = await activeByTarget(tx, tupleOf(request));
  if (same === undefined) return undefined;
  return { code: 'stacking_target', message: `event ${same.event_id} for the same principal, role and scope is open` };
}
