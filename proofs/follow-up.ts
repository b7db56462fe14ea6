import { z } from 'zod';

import type { EndCause } from '../domain/ceremony-state.js';
import type { EntryPayload, EntryType, Receipt } from '../domain/entry.js';
import {
  FOLLOW_UP_REFUSALS,
  followUpStatementSchema,
  ORDER_LIFE_MS,
  type FollowUpAct,
  type FollowUpRefusal,
  type FollowUpStatement,
} from '../domain/follow-up.js';
import { epochMs } from '../domain/identifiers.js';
import type { Intent } from '../domain/intent.js';
import { triggerOf } from '../domain/kill-actions.js';
import { grantedSchema, type Granted } from '../domain/kill-state.js';
import { termsOf, type Policy, type Terms } from '../domain/policy.js';
import { quorumAt, type PersonFacts } from '../domain/quorum.js';
import type { Request } from '../domain/request.js';
import { relationsOf } from '../domain/rights.js';
import { isValidAt, type Roster } from '../domain/roster.js';
import { CLOCK_SKEW_MS, type SignedStatement } from '../domain/statement.js';
import { expiryOf } from '../domain/verdict.js';
import { digestOf, sha256Hex } from './canonical-json.js';
import { readEntry, type RoleKeys } from './receipt.js';
import type { SignatureMethod } from './ssh-signature.js';
import { checkRequestStatement, readSigned } from './statement-check.js';

/** What a follow-up is judged by: the judge's own roster, policy, keys and clock. All else is anybody's bytes. */
export interface FollowUpRules {
  intent: Intent;
  request: SignedStatement;
  statements: readonly SignedStatement[];
  /** The entry that lists what was granted, or says that the account was disabled. */
  report: Receipt;
  /** The authority's end mark, or null where it recorded none. */
  mark: Receipt | null;
  roster: Roster;
  policy: Policy;
  /** Hex SHA-256 of the policy's RFC 8785 form. */
  policyDigest: string;
  roleKeys: RoleKeys;
  /** Epoch milliseconds. */
  nowMs: number;
}

/** Somebody whose statement counts. */
export interface FollowUpPerson {
  person: string;
  method: SignatureMethod;
  digest: string;
}
interface Objection {
  digest: string;
  code: FollowUpRefusal;
}

export type JudgedFollowUp =
  | {
      ok: true;
      act: FollowUpAct;
      report_digest: string;
      /** The maker's own time of the report. */
      reported_at: string;
      /** What is to be taken back; nothing for an account. */
      things: { digest: string; granted: Granted }[];
      persons: FollowUpPerson[];
      /** When the order is over at the latest, epoch milliseconds. */
      expiresMs: number;
    }
  | {
      ok: false;
      code: FollowUpRefusal;
      message: string;
      waiting?: { have: number; want: number; objections: Objection[] };
    };

const REPORTS = { take_back: 'granted_listed', restore_account: 'account_disabled' } as const satisfies Record<
  FollowUpAct,
  EntryType
>;
const listedData = z.object({ granted: z.array(grantedSchema) });
const disabledData = z.object({ result: z.literal('done'), was_enabled: z.literal(true) });
const markData = z.object({ cause: z.string(), by: z.string().nullable(), compromise: z.literal(true).optional() });

/** Kills by a person who is known. After any other but the deadline nobody can say that nothing was compromised. */
const SAID: ReadonlySet<string> = new Set<EndCause>(['kill', 'deny', 'withdraw']);

/**
 * Whether these statements order this follow-up: the ceremony was killed by what its signed intent counts as that, the report
 * is its role's own about it, and enough of those who may have signed exactly this. To take something back one approver or
 * responder is enough; to enable an account it takes the profile's whole quorum, and the intent's word that it may be.
 *
 * Everything but the rules is attacker-controlled: never throws.
 */
export function judgeFollowUp(rules: FollowUpRules): JudgedFollowUp {
  const { intent, roster, policy, policyDigest } = rules;
  if (policyDigest !== intent.policy_digest) return refused('foreign_policy');
  const asked = checkRequestStatement(rules.request, roster);
  if (!asked.ok || asked.request_digest !== intent.request_digest) return refused('foreign_request');
  const { request } = asked.statement;
  const terms = termsOf(policy, request.profile);
  if (terms === undefined) return refused('foreign_policy');
  const killed = killOf(rules);
  if (killed === undefined) return refused('not_killed');
  const report = readEntry(rules.report.envelope, intent.event_id, rules.roleKeys);
  if (!report.ok) return refused('report_refused');
  const heard = hear(rules, { request, terms, reportDigest: digestOf(report.entry) });
  const [first] = heard.spoken;
  if (first === undefined) {
    // Nobody else's statement can help one about things: each stands alone.
    if (report.entry.type !== REPORTS.restore_account) return refused(heard.objections[0]?.code ?? 'malformed');
    return waiting(heard.objections, terms, 0);
  }
  const { act } = first.statement;
  if (report.entry.type !== REPORTS[act]) return refused('report_refused');
  const { persons, expiresMs } = heard;
  const common = { ok: true as const, act, report_digest: heard.report_digest, reported_at: report.entry.at };
  if (first.statement.act === 'take_back') {
    const things = thingsOf(first.statement, report.entry, killed.atMs);
    return things.ok ? { ...common, things: things.things, persons, expiresMs } : things;
  }
  const objection = restoreObjection(intent, report.entry, killed);
  if (objection !== undefined) return refused(objection);
  const approvers = heard.spoken.map(({ person }) => person);
  const quorum = quorumAt({ request, terms, admission: null, approvers, nowMs: rules.nowMs });
  const met = quorum.met && quorum.kind === 'full' && approvers.length > 0;
  return met ? { ...common, things: [], persons, expiresMs } : waiting(heard.objections, terms, quorum.have);
}

/** How it was killed: by the authority's end mark, or by the deadline, which is an end mark of its own. */
function killOf({ intent, mark, roleKeys, nowMs }: FollowUpRules) {
  const { on_kill } = intent;
  if (on_kill === undefined) return undefined;
  const deadline = epochMs(intent.deadline);
  if (mark === null) {
    if (nowMs < deadline || !on_kill.triggers.includes('timebox_expired')) return undefined;
    return { harmless: true, atMs: deadline };
  }
  const read = readEntry(mark.envelope, intent.event_id, roleKeys);
  const data = read.ok && read.entry.type === 'end_mark' ? markData.safeParse(read.entry.data) : undefined;
  if (!read.ok || data?.success !== true) return undefined;
  const { cause, by, compromise } = data.data;
  // A cause of a newer version has no trigger here.
  const trigger = (triggerOf(cause as EndCause) as ReturnType<typeof triggerOf> | undefined) ?? null;
  if (trigger === null || !on_kill.triggers.includes(trigger)) return undefined;
  const harmless = cause === 'deadline' || (SAID.has(cause) && by !== null && compromise !== true);
  return { harmless, atMs: epochMs(read.entry.at) };
}

/** What the statements must be about. */
interface About {
  request: Request;
  terms: Terms;
  reportDigest: string;
}
interface Spoken {
  statement: FollowUpStatement;
  person: PersonFacts;
}

/** The statements that count, each person's once; the first of them says what all are about. */
function hear(rules: FollowUpRules, about: About) {
  const spoken: Spoken[] = [];
  const persons: FollowUpPerson[] = [];
  const objections: Objection[] = [];
  let expiresMs = rules.nowMs + ORDER_LIFE_MS;
  for (const envelope of rules.statements) {
    const digest = sha256Hex(envelope.payload);
    const read = readSigned(envelope, rules.roster, followUpStatementSchema);
    const code = read.ok ? objectionTo(rules, about, read) : read.reason;
    if (code !== undefined) objections.push({ digest, code });
    if (!read.ok || code !== undefined) continue;
    const [first] = spoken;
    const isSame = first === undefined || first.statement.act === read.statement.act;
    if (!isSame || persons.some(({ person }) => person === read.person.id)) continue;
    spoken.push({ statement: read.statement, person: read.person });
    persons.push({ person: read.person.id, method: read.method, digest });
    expiresMs = Math.min(expiresMs, expiryOf(read.statement.issued_at, read.statement.not_after));
    // One is enough, and speaks for itself: what it names must not depend on who else spoke.
    if (read.statement.act === 'take_back') break;
  }
  return { spoken, persons, objections, expiresMs, report_digest: about.reportDigest };
}

function objectionTo(
  { intent, nowMs }: FollowUpRules,
  { request, terms, reportDigest }: About,
  { statement, person }: Spoken,
): FollowUpRefusal | undefined {
  if (statement.event_id !== intent.event_id) return 'foreign_event';
  if (statement.request_digest !== intent.request_digest) return 'foreign_request';
  if (statement.policy_digest !== intent.policy_digest) return 'foreign_policy';
  if (statement.report_digest !== reportDigest) return 'foreign_report';
  if (epochMs(statement.issued_at) > nowMs + CLOCK_SKEW_MS) return 'not_yet_valid';
  if (nowMs >= expiryOf(statement.issued_at, statement.not_after)) return 'stale';
  if (!isValidAt(person, nowMs)) return 'person_not_valid';
  const relations = relationsOf(person, request, terms, new Set());
  // What the killed principal gave away, and whoever asked for it, have no say in what becomes of it.
  const isParty = relations.has('invoker') || relations.has('principal');
  const may =
    statement.act === 'take_back' ? relations.has('approver') || relations.has('responder') : relations.has('approver');
  return may && !isParty && person.kind === 'human' ? undefined : 'not_entitled';
}

type Things = { ok: true; things: { digest: string; granted: Granted }[] } | Extract<JudgedFollowUp, { ok: false }>;

function thingsOf(
  { entries }: Extract<FollowUpStatement, { act: 'take_back' }>,
  report: EntryPayload,
  killedMs: number,
): Things {
  const data = listedData.safeParse(report.data);
  if (!data.success) return refused('report_refused');
  const listed = new Map(data.data.granted.map((granted) => [digestOf(granted), granted]));
  const things: { digest: string; granted: Granted }[] = [];
  for (const digest of entries) {
    const granted = listed.get(digest);
    if (granted === undefined) return refused('not_in_report', digest);
    if (granted.via === 'other' || !isIdentified(granted)) return refused('not_removable', digest);
    if (granted.standing !== true) return refused('not_standing', digest);
    if (granted.at === null || epochMs(granted.at) > killedMs + CLOCK_SKEW_MS) return refused('after_the_kill', digest);
    things.push({ digest, granted });
  }
  return { ok: true, things };
}

/** All that it takes to find exactly this one again. */
const isIdentified = (granted: Granted): boolean =>
  granted.principal_id !== null &&
  granted.role_template_id !== null &&
  granted.directory_scope_id !== null &&
  granted.assignment_id !== null;

function restoreObjection(
  { on_kill }: Intent,
  report: EntryPayload,
  { harmless }: { harmless: boolean },
): FollowUpRefusal | undefined {
  if (on_kill?.restore_account !== true) return 'restore_not_allowed';
  if (!disabledData.safeParse(report.data).success) return 'not_disabled_by_us';
  return harmless ? undefined : 'for_compromise';
}

function waiting(objections: Objection[], terms: Terms, have: number): JudgedFollowUp {
  const [only] = objections;
  if (have === 0 && objections.length === 1 && only !== undefined)
    return { ...refused(only.code), waiting: { have, want: wantOf(terms), objections } };
  return { ...refused('quorum_not_met'), waiting: { have, want: wantOf(terms), objections } };
}

const wantOf = ({ approvals }: Terms): number => Math.max(1, approvals.min_approvers);

const refused = (code: FollowUpRefusal, about = ''): Extract<JudgedFollowUp, { ok: false }> => ({
  ok: false,
  code,
  message: `${FOLLOW_UP_REFUSALS[code]}${about === '' ? '' : ` (${about})`}`,
});
