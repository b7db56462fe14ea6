import { z } from 'zod';

import type { EntryPayload } from '../../domain/entry.js';
import { epochMs, eventIdSchema, instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import type { RecallOutcome } from '../../domain/outcomes.js';
import { targetOf } from '../../domain/effects/effects.js';
import { termsOf } from '../../domain/policy.js';
import type { Refusal } from '../../domain/refusal.js';
import type { AuthorityTasks, Evidence } from '../../domain/tasks.js';
import {
  deadManOf,
  evidenceDigest,
  evidenceSchema,
  judgeEvidence,
  onKillFor,
  type JudgedEvidence,
} from '../../proofs/evidence.js';
import { makeMarker } from '../../proofs/marker.js';
import { signReceipt, type RoleKeys } from '../../proofs/receipt.js';
import type { RoleKey } from '../../proofs/role-key.js';
import { signIntent } from '../../proofs/signed-intent.js';
import { checkRequestStatement, checkStatement } from '../../proofs/statement-check.js';
import type { Clock } from '../clock.js';
import { carryingOf, toolRefusal, validityRefusal, type InForce, type SeriesVersion } from '../in-force.js';
import type { Database, Sql } from '../register/database.js';
import type { KeepIntent } from './kept-intents.js';
import { readIntent, readIntents, readMark, takeTurn, writeIntent, writeMark, type JournalIntent } from './journal.js';
import { roundRefusal } from './rounds.js';
import { warranted, type Decided, type Refused } from './warranted.js';
import { seriesRefusal } from './series-seen.js';

/** What the authority role holds. */
export interface AuthorityHoldings extends InForce {
  /** Over which `AUTHORITY_MIGRATIONS` have run. */
  database: Database;
  key: Pick<RoleKey, 'keyid' | 'privateKey'>;
  /** Who signs for which role. */
  roleKeys: RoleKeys;
  /** Where a sweep finds what was intended; left out, nowhere. One that fails keeps the intent from being issued. */
  keepIntent?: KeepIntent;
  /** The only time the authority believes. */
  clock: Clock;
}

/** An entry's envelope is at most 256 KiB of base64; beyond this, evidence must be put together from the statements' entries. */
const MAX_CARRIED_CHARS = 96 * 1024;

const causeSchema = z.string().regex(/^[a-z_]{1,64}$/);
const bySchema = z.string().max(256).nullable();

/**
 * The authority's activities. Their arguments are anybody's: everything that decides is verified here, from bytes, on this
 * role's own clock, roster and policy, and written to the journal before it is answered.
 */
export function authorityTasks(holdings: AuthorityHoldings): AuthorityTasks {
  const { database } = holdings;
  return {
    issue: async (evidence) => {
      const parsed = evidenceSchema.safeParse(evidence);
      if (!parsed.success) return refused('evidence_malformed', 'not the shape of evidence', undefined);
      return database.transaction(async (tx) => {
        const decided = await issue(tx, holdings, parsed.data);
        // Before anybody can act on it, and again when it is answered again: a copy that was lost comes back.
        if (decided.outcome === 'issued') await holdings.keepIntent?.(decided.signed);
        const answer = await warranted(decided, holdings);
        const last = parsed.data.approvals.at(-1);
        if (answer.outcome === 'refused' || last === undefined) return answer;
        // A ceremony that hears an approval through the authority alone learns here what it says.
        return { ...answer, last: checkStatement(last, holdings.roster()) };
      });
    },
    mark: async ({ event_id, cause, by, compromise }) => {
      const said = { cause: causeSchema.parse(cause), by: bySchema.parse(by), compromise: compromise === true };
      const asked = { eventId: eventIdSchema.parse(event_id), ...said };
      return database.transaction((tx) => mark(tx, holdings, asked));
    },
    recall: async ({ event_id }) => {
      const found = await readIntents(database, eventIdSchema.parse(event_id));
      const latest = found.at(-1);
      return latest === undefined ? null : recalled(latest, found.slice(0, -1), holdings);
    },
  };
}

/**
 * Issues once per event and round. What was issued before is answered again, byte for byte and with the same deadline, for
 * the same evidence; an end mark or a passed deadline refuses both, and nothing clears either. Each answer comes with a
 * warrant of its own.
 */
async function issue(tx: Sql, holdings: AuthorityHoldings, evidence: Evidence): Promise<Decided> {
  await takeTurn(tx, evidence.event_id);
  const nowMs = holdings.clock.now();
  const recorded = await readIntents(tx, evidence.event_id);
  const standing = recorded.at(-1);
  const mark = await readMark(tx, evidence.event_id);
  if (mark !== undefined) return refused('end_mark_stands', `an end mark stands: ${mark.cause}`, standing);
  const outOfTurn = roundRefusal(evidence, recorded);
  if (outOfTurn !== undefined) return refused(outOfTurn.code, outOfTurn.message, standing);
  const round = (evidence.extension?.prior.length ?? 0) + 1;
  const sameRound = recorded[round - 1];
  if (sameRound !== undefined) return reissue(tx, holdings, evidence, sameRound, nowMs);
  const judged = await judge(tx, holdings, evidence, nowMs);
  if (!judged.ok) return refused(judged.code, judged.message, standing);
  const made = makeIntent(holdings, evidence, judged, nowMs);
  await writeIntent(tx, made);
  return { outcome: 'issued', signed: made.signed, reissued: false, receipt: made.receipt };
}

async function reissue(
  tx: Sql,
  holdings: AuthorityHoldings,
  evidence: Evidence,
  standing: JournalIntent,
  nowMs: number,
): Promise<Decided> {
  const { signed, receipt } = standing;
  const { deadline, issued_at } = signed.intent;
  if (nowMs >= epochMs(deadline)) return refused('deadline_passed', `its deadline was ${deadline}`, standing);
  if (evidenceDigest(evidence) !== standing.evidence_digest) {
    return refused('evidence_differs', 'an intent stands that was issued on other evidence', standing);
  }
  const judged = await judge(tx, holdings, evidence, nowMs, epochMs(issued_at));
  if (!judged.ok) return refused(judged.code, judged.message, standing);
  return { outcome: 'issued', signed, reissued: true, receipt };
}

/** What stands of an intent, and what its evidence says under today's policy and roster. */
function recalled(
  { signed, evidence, receipt }: JournalIntent,
  earlier: readonly JournalIntent[],
  { roster, policy }: AuthorityHoldings,
): RecallOutcome {
  const people = roster();
  const asked = checkRequestStatement(evidence.request, people);
  const { policy: inForce, digest } = policy();
  const terms = asked.ok ? termsOf(inForce, asked.statement.request.profile) : undefined;
  const opened =
    asked.ok && terms !== undefined && asked.statement.request.policy_digest === digest
      ? { request: asked.statement.request, request_digest: asked.request_digest, policy_digest: digest, terms }
      : null;
  const approvals = evidence.approvals.map((envelope) => checkStatement(envelope, people));
  const earlier_receipts = earlier.map(({ receipt: before }) => before);
  return { signed, evidence, opened, approvals, receipt, earlier_receipts };
}

/** With the signed roster that it was judged by; null where nobody signed one. */
type Judged = (Extract<JudgedEvidence, { ok: true }> & { roster: SeriesVersion | null }) | ({ ok: false } & Refusal);

/**
 * The evidence, under the signed contract that its request names and the signed roster, where both carry a grant now, were
 * not seen in a higher version before, and let the tool be used on this target.
 */
async function judge(
  tx: Sql,
  holdings: AuthorityHoldings,
  evidence: Evidence,
  nowMs: number,
  issuedMs = nowMs,
): Promise<Judged> {
  const carrying = carryingOf(holdings, evidence, nowMs);
  if (!carrying.ok) return carrying;
  const overtaken = await seriesRefusal(tx, carrying.versions, instant(nowMs));
  if (overtaken !== undefined) return { ok: false, ...overtaken };
  const { roster, policy, digest } = carrying;
  const { roleKeys } = holdings;
  const judged = judgeEvidence({ evidence, roster, roleKeys, policy, policyDigest: digest, nowMs, issuedMs });
  const outside = judged.ok
    ? (validityRefusal(carrying, judged.extension) ?? toolRefusal(carrying, 'write', judged.request))
    : undefined;
  if (outside !== undefined) return { ok: false, ...outside };
  return judged.ok ? { ...judged, roster: carrying.versions.find(({ kind }) => kind === 'roster') ?? null } : judged;
}

const refused = (code: string, message: string, standing: JournalIntent | undefined): Refused => ({
  outcome: 'refused',
  code,
  message,
  standing: standing?.signed ?? null,
  standing_receipt: standing?.receipt ?? null,
});

function makeIntent(
  { key }: AuthorityHoldings,
  evidence: Evidence,
  judged: Extract<Judged, { ok: true }>,
  nowMs: number,
): JournalIntent {
  const { request, request_digest, terms, evidence_digest, approvals } = judged;
  const { event_id, effect, policy_digest } = request;
  const target = targetOf(effect, request.principal.object_id);
  const { tuple } = target;
  const on_kill = onKillFor(request, terms);
  const { extension } = judged;
  const deadlineMs = extension === undefined ? nowMs + judged.seconds * 1000 : epochMs(extension.deadline);
  const deadline = instant(deadlineMs);
  const intent: Intent = {
    schema: 'reseal.intent.v1',
    event_id,
    round: extension?.round ?? 1,
    ...target,
    end_sessions: effect.end_sessions,
    ...(on_kill === undefined ? {} : { on_kill }),
    request_digest,
    policy_digest,
    evidence_digest,
    quorum: judged.quorum,
    issued_at: instant(nowMs),
    deadline,
    dead_man: deadManOf(effect.kind, deadlineMs, terms.grace),
    marker: makeMarker({ event_id, deadline, tuple }, key.privateKey),
  };
  const signed = signIntent(intent, key);
  const counted = approvals.map(({ person, method, digest }) => ({ person: person.id, method, digest }));
  // With the evidence itself, so that the ledger of a ceremony that was lost still proves its quorum.
  const carried = JSON.stringify(evidence).length > MAX_CARRIED_CHARS ? {} : { evidence };
  const { roster } = judged;
  const under = roster && { roster: { series: roster.series, version: roster.version, digest: roster.digest } };
  const data = { signed, evidence_digest, approvals: counted, ...under, ...carried };
  return { signed, evidence, evidence_digest, receipt: signReceipt(intentEntry(intent, nowMs, data), key) };
}

/** The grant's intent, or that of an extension: each round has an entry of its own. */
function intentEntry({ event_id, round }: Intent, nowMs: number, data: Record<string, unknown>): EntryPayload {
  if (round === 1) return entryOf(event_id, 'intent', nowMs, data);
  return { ...entryOf(event_id, 'extension', nowMs, data), transition: `extension/${round}` };
}

/** Appends the end mark, once: the first one wins and is answered to whoever comes later. */
async function mark(
  tx: Sql,
  { key, clock }: AuthorityHoldings,
  { eventId, cause, by, compromise }: { eventId: string; cause: string; by: string | null; compromise: boolean },
): ReturnType<AuthorityTasks['mark']> {
  await takeTurn(tx, eventId);
  const intent = await readIntent(tx, eventId);
  const standing = { standing: intent?.signed ?? null, standing_receipt: intent?.receipt ?? null };
  const before = await readMark(tx, eventId);
  if (before !== undefined) return { ...standing, receipt: before.receipt };
  const nowMs = clock.now();
  const receipt = signReceipt(
    entryOf(eventId, 'end_mark', nowMs, { cause, by, ...(compromise ? { compromise } : {}) }),
    key,
  );
  await writeMark(tx, { eventId, cause, by, at: instant(nowMs), receipt });
  return { ...standing, receipt };
}

const entryOf = (
  event_id: string,
  type: 'intent' | 'extension' | 'end_mark',
  nowMs: number,
  data: Record<string, unknown>,
): EntryPayload => ({ schema: 'reseal.entry.v1', event_id, transition: type, type, at: instant(nowMs), data });
