import { judgeAdmission, type AdmissionVerdict } from '../../domain/admission.js';
import { eventIdSchema, instant } from '../../domain/identifiers.js';
import type { AdmitOutcome } from '../../domain/outcomes.js';
import type { PolicyInForce } from '../../domain/policy-in-force.js';
import { termsOf } from '../../domain/policy.js';
import { refusalOf, type Refusal } from '../../domain/refusal.js';
import { requestRefusal, type Request } from '../../domain/request.js';
import { isValidAt, type Roster } from '../../domain/roster.js';
import type { SignedStatement } from '../../domain/statement.js';
import type { RegisterTasks } from '../../domain/tasks.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { requestAgeRefusal, tupleOf } from '../../proofs/evidence.js';
import { checkRequestStatement, statementDigest, type CheckedRequestStatement } from '../../proofs/statement-check.js';
import { carryingOf, toolRefusal, type Carrying } from '../in-force.js';
import { admittedAnswer } from './admitted-answer.js';
import { keepRefusalLine } from './audit-lines.js';
import { DatabaseError, type Sql } from './database.js';
import type { RegisterHoldings } from './holdings.js';
import { insertEvent } from './insert-event.js';
import { earlierAnswers, keepRefusal } from './refusals.js';
import { noticeAdmitted, noticeRefused } from './request-notices.js';
import { keepRoster } from './signed-rosters.js';
import { usageOf } from './usage.js';

/** An open event may close between the look-up and the insert that meets it: then all is judged again. */
const INSERT_ATTEMPTS = 5;

type Asked = Extract<CheckedRequestStatement, { ok: true }>;

/**
 * Admission: one transaction, idempotent by event id. The request's signature is checked here again, from its bytes, and the
 * rule book is asked with what the register knows in this very transaction. Stacking is refused by partial unique indexes
 * besides, so that of any number of rivals one wins; the ledger's first entry is written with the row. The first answer to
 * a request is kept, a refusal too.
 */
export function admission(holdings: RegisterHoldings): RegisterTasks['admit'] {
  return async ({ event_id, run_id, envelope }) => {
    const eventId = eventIdSchema.parse(event_id);
    const nowMs = holdings.clock.now();
    const at = instant(nowMs);
    const asked = checkRequestStatement(envelope, holdings.roster());
    if (!asked.ok || asked.statement.request.event_id !== eventId) {
      const carrying = carryingOf(holdings, { request: envelope }, nowMs);
      const unknown = carrying.ok ? undefined : refusalOf(carrying);
      const why = asked.ok
        ? { code: 'foreign_event', message: `it asks for event ${asked.statement.request.event_id}` }
        : holdings.roster().people.length === 0 && unknown !== undefined
          ? unknown
          : { code: asked.reason, message: asked.message };
      const refused = { ...why, eventId, digest: statementDigest(envelope), request: null, at };
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
  const { request } = asked.statement;
  const digest = asked.request_digest;
  const { policy } = holdings.policy();
  await takeTurns(tx, { eventId, request, limited: policy.limits !== undefined });
  const earlier = await earlierAnswers(tx, eventId, digest);
  if (earlier.admitted) return admittedAnswer(tx, eventId, request);
  if (earlier.refused !== undefined) return earlier.refused;
  const refuse = async (why: Refusal): Promise<AdmitOutcome> => {
    const refused = { ...why, eventId, digest, request, at: instant(nowMs) };
    await noticeRefused(tx, holdings, request, refused);
    const kept = await keepRefusal(tx, refused);
    await keepRefusalLine(tx, holdings, request, refused);
    return kept;
  };
  if (earlier.taken) {
    const message = `event ${eventId} was asked for with another request: mint a new id`;
    return refuse({ code: 'event_id_taken', message });
  }
  const carrying = holdings.carrying(request.policy_digest, nowMs);
  if (!carrying.ok) return refuse(refusalOf(carrying));
  const stale = ageRefusal(asked, carrying, nowMs);
  if (stale !== undefined) return refuse(stale);
  for (let attempt = 0; attempt < INSERT_ATTEMPTS; attempt += 1) {
    const verdict = await judge(tx, carrying, candidate);
    if (!verdict.ok) return refuse(verdict.refusal);
    const outside = toolRefusal(carrying, 'write', request);
    if (outside !== undefined) return refuse(outside);
    const { terms, rule, escalated, extra_approvers } = verdict;
    await keepDocuments(tx, holdings, carrying);
    const { envelope, runId } = candidate;
    const { person, method } = asked;
    const opened = { request, request_digest: digest, policy_digest: carrying.digest, terms };
    const roster = carrying.versions.find(({ kind }) => kind === 'roster') ?? null;
    const said = { rule, escalated, extra_approvers, roster };
    const admitted = { runId, envelope, opened, person: person.id, method, ...said, nowMs };
    const receipt = await insertEvent(tx, holdings, admitted);
    if (receipt !== undefined) {
      await noticeAdmitted(tx, holdings, { request, request_digest: digest, terms, extra_approvers, escalated, nowMs });
      return { outcome: 'admitted', at: instant(nowMs), opened, extra_approvers, escalated, receipt };
    }
  }
  throw new DatabaseError('register_contended', 'events keep opening and closing around this one');
}

/** Two attempts at one admission take turns, so that both give the first one's answer; where there are limits, so do all
 * admissions of one invoker and of one profile. */
async function takeTurns(
  tx: Sql,
  { eventId, request, limited }: { eventId: string; request: Request; limited: boolean },
): Promise<void> {
  const { invoker, profile } = request;
  const counted = limited ? [`register/invoker/${invoker.person}`, `register/profile/${profile}`] : [];
  // In the array's order, the same everywhere, so that no two wait for each other.
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended(turn, 0)) FROM unnest($1::text[]) AS turn', [
    [`register/admission/${eventId}`, ...counted],
  ]);
}

/** What is said against the request before the rule book is asked: its age, and whether its invoker may speak now. */
function ageRefusal(
  { statement, person }: Asked,
  { policy, digest }: PolicyInForce,
  nowMs: number,
): Refusal | undefined {
  const { request } = statement;
  const terms = termsOf(policy, request.profile);
  if (terms === undefined || requestRefusal(request, terms, digest) !== undefined) return undefined;
  const age = requestAgeRefusal(statement, terms, nowMs);
  if (age !== undefined) return { code: age.code, message: age.message };
  if (isValidAt(person, nowMs)) return undefined;
  return { code: 'invoker_not_valid', message: `the roster does not let ${person.id} speak now` };
}

/** The rule book's verdict, on what the register knows now. */
async function judge(
  tx: Sql,
  { policy, digest, roster }: PolicyInForce & { roster: Roster },
  { asked, nowMs }: Candidate,
): Promise<AdmissionVerdict> {
  const { request } = asked.statement;
  const { invoker, profile } = request;
  const question = { invoker: invoker.person, profile, tuple: tupleOf(request), limits: policy.limits, nowMs };
  return judgeAdmission({
    policy,
    policy_digest: digest,
    request,
    person: asked.person,
    // Whoever has no key can approve nothing.
    people: roster.people.filter(({ keys }) => keys.length > 0),
    usage: await usageOf(tx, question),
    now_ms: nowMs,
  });
}

/** A policy or a roster may be long, and is nearly always known: it is written out and sent only where it is not. */
async function keepDocuments(
  tx: Sql,
  holdings: RegisterHoldings,
  { policy, digest, envelope, versions }: Extract<Carrying, { ok: true }>,
): Promise<void> {
  const roster = versions.find(({ kind }) => kind === 'roster')?.digest ?? null;
  const [known] = await tx.query<{ policy: boolean; roster: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM register.policies WHERE digest = $1) AS policy,
            EXISTS (SELECT 1 FROM register.rosters WHERE digest = $2) AS roster`,
    [digest, roster],
  );
  if (roster !== null && known?.roster !== true) await keepRoster(tx, holdings, roster);
  if (known?.policy === true) return;
  await tx.query('INSERT INTO register.policies (digest, document) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    digest,
    canonicalJson(policy),
  ]);
  if (envelope === null) return;
  await tx.query('INSERT INTO register.contracts (digest, envelope) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
    digest,
    JSON.stringify(envelope),
  ]);
}
