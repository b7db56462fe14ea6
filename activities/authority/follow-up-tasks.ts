import { randomUUID } from 'node:crypto';

import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';

import { receiptSchema, type EntryPayload, type Receipt } from '../../domain/entry.js';
import {
  FOLLOW_UP_REFUSALS,
  LOOK_LIFE_MS,
  MAX_FOLLOW_UP_STATEMENTS,
  type FollowUpRefusal,
} from '../../domain/follow-up.js';
import {
  lookDataSchema,
  type FollowUpAuthorityTasks,
  type FollowUpOutcome,
  type LookedAt,
  type OrderData,
} from '../../domain/follow-up-tasks.js';
import { epochMs, eventIdSchema, instant } from '../../domain/identifiers.js';
import { signedStatementSchema } from '../../domain/statement.js';
import { judgeFollowUp, type JudgedFollowUp } from '../../proofs/follow-up.js';
import { digestOf, sha256Hex } from '../../proofs/canonical-json.js';
import { readEntry, signReceipt } from '../../proofs/receipt.js';
import { readIntents, readMark, type JournalIntent } from './journal.js';
import type { AuthorityHoldings } from './authority-tasks.js';

const inputSchema = z.strictObject({
  event_id: eventIdSchema,
  statements: z.array(signedStatementSchema).min(1).max(MAX_FOLLOW_UP_STATEMENTS),
  report: receiptSchema,
  look: receiptSchema.nullable(),
});
type Input = z.output<typeof inputSchema>;
type Judged = Extract<JudgedFollowUp, { ok: true }>;

/**
 * Follow-ups, as the authority orders them: by its own journal, roster, contract and clock. Arguments are anybody's. The order
 * carries everything that it rests on, so that the role that acts, and whoever reads the bundle, judges the same again.
 */
export function followUpTasks(holdings: AuthorityHoldings): FollowUpAuthorityTasks {
  return {
    followUp: async (given) => {
      const input = inputSchema.safeParse(given);
      if (!input.success)
        throw ApplicationFailure.nonRetryable('expected {event_id, statements, report, look}', 'input_malformed');
      const { event_id } = input.data;
      const recorded = (await readIntents(holdings.database, event_id)).at(-1);
      if (recorded === undefined) return refusal(holdings, event_id, 'not_granted', FOLLOW_UP_REFUSALS.not_granted);
      const mark = (await readMark(holdings.database, event_id))?.receipt ?? null;
      return decide(holdings, input.data, recorded, mark);
    },
  };
}

function decide(
  holdings: AuthorityHoldings,
  { event_id, statements, report, look }: Input,
  { signed, evidence }: JournalIntent,
  mark: Receipt | null,
): FollowUpOutcome {
  const nowMs = holdings.clock.now();
  const { intent } = signed;
  const { policy, digest: policyDigest } = holdings.policy();
  const { roleKeys } = holdings;
  const { request } = evidence;
  const rules = { intent, request, statements, report, mark, policy, policyDigest, roleKeys, nowMs };
  const judged = judgeFollowUp({ ...rules, roster: holdings.roster() });
  if (!judged.ok) {
    const { code, message, waiting } = judged;
    return waiting === undefined ? refusal(holdings, event_id, code, message) : { outcome: 'waiting', ...waiting };
  }
  // What gives reach rests on a contract in force now; what takes it away never waits for one.
  if (judged.act === 'restore_account') {
    const under = holdings.carrying(intent.policy_digest, nowMs);
    if (!under.ok) return refusal(holdings, event_id, under.code, under.message);
    const again = judgeFollowUp({ ...rules, roster: under.roster });
    if (!again.ok) return refusal(holdings, event_id, again.code, again.message);
  }
  const at = lookedAt(judged);
  if (look === null) return { outcome: 'look', signed, report_digest: judged.report_digest, at };
  const objection = lookObjection(holdings, event_id, judged, look, nowMs);
  if (objection !== undefined) return refusal(holdings, event_id, objection, FOLLOW_UP_REFUSALS[objection]);
  const expires_at = instant(judged.expiresMs);
  const counted = judged.persons.map(({ digest }) => digest);
  const data: OrderData = {
    act: judged.act,
    // Those that count and no other: what else was sent must not make the order too large to be kept.
    statements: statements.filter(({ payload }) => counted.includes(sha256Hex(payload))),
    request,
    report,
    mark,
    look,
    persons: judged.persons,
    entries: judged.things.map(({ digest }) => digest),
    expires_at,
  };
  const entry = entryOf(event_id, 'follow_up_ordered', nowMs, { ...data });
  const things = judged.things.map(({ digest, granted }) => ({
    digest,
    via: granted.via === 'pim' ? ('pim' as const) : ('direct' as const),
  }));
  const order = signReceipt(entry, holdings.key);
  return { outcome: 'ordered', signed, order, order_digest: digestOf(entry), at, things, expires_at };
}

const lookedAt = ({ act, things, reported_at }: Judged): LookedAt =>
  act === 'take_back' ? { act, entries: things.map(({ granted }) => granted) } : { act, since: reported_at };

/** Why the verifier's word does not carry an order, or undefined. */
function lookObjection(
  { roleKeys }: AuthorityHoldings,
  eventId: string,
  judged: Judged,
  look: Receipt,
  nowMs: number,
): FollowUpRefusal | undefined {
  const read = readEntry(look.envelope, eventId, roleKeys);
  if (!read.ok || read.entry.type !== 'follow_up_looked') return 'look_refused';
  if (Math.abs(nowMs - epochMs(read.entry.at)) > LOOK_LIFE_MS) return 'look_refused';
  const data = lookDataSchema.safeParse(read.entry.data);
  if (!data.success || data.data.act !== judged.act || data.data.report_digest !== judged.report_digest)
    return 'look_refused';
  const { account, entries } = data.data;
  if (judged.act === 'restore_account') {
    if (account === null) return 'target_not_found';
    if (account.since !== judged.reported_at) return 'look_refused';
    return account.enabled || account.acted.length > 0 ? 'acted_since' : undefined;
  }
  const looks = new Map(entries.map(({ digest, look: seen }) => [digest, seen]));
  const seen = judged.things.map(({ digest }) => looks.get(digest));
  if (seen.includes(undefined)) return 'look_refused';
  if (seen.includes('changed')) return 'changed_since';
  return seen.includes('gone') ? 'already_gone' : undefined;
}

function refusal(
  { key, clock }: AuthorityHoldings,
  eventId: string,
  code: FollowUpRefusal | (string & {}),
  message: string,
): FollowUpOutcome {
  const told = { code, message: message.slice(0, 500) };
  const entry = entryOf(eventId, 'follow_up_refused', clock.now(), told);
  return { outcome: 'refused', ...told, receipt: signReceipt(entry, key) };
}

const entryOf = (
  event_id: string,
  type: 'follow_up_ordered' | 'follow_up_refused',
  nowMs: number,
  data: Record<string, unknown>,
): EntryPayload => ({
  schema: 'reseal.entry.v1',
  event_id,
  transition: `${type}/${randomUUID()}`,
  type,
  at: instant(nowMs),
  data,
});
