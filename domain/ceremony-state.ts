import { instant } from './identifiers.js';
import type { Delivered } from './delivery.js';
import type { OutboxItem, Receipt } from './entry.js';
import type { Said } from './hearing.js';
import type { SignedIntent } from './intent.js';
import type { KillState } from './kill-state.js';
import type { Finding, Opened, Survey } from './outcomes.js';
import type { PersonFacts } from './quorum.js';
import type { Refusal } from './refusal.js';
import type { GrantKnowledge, ResealState } from './reseal.js';
import type { SignedStatement } from './statement.js';
import type { METHODS, Verdict } from './verdict.js';
import type { WatchedChange } from './watched.js';

export const ENDS = [
  'refused',
  'denied',
  'cancelled',
  'unapproved',
  'not_granted',
  'closed',
  'expired',
  'revoked',
] as const;
export type End = (typeof ENDS)[number];
export const PHASES = [
  'requested',
  'awaiting_approval',
  'issuing',
  'granting',
  'active',
  'active_unverified',
  'resealing',
] as const;
export type Phase = (typeof PHASES)[number] | End;

export type EndCause =
  | 'deny'
  | 'withdraw'
  | 'close'
  | 'kill'
  | 'cancel'
  | 'deadline'
  | 'window'
  | 'refused_by_provider'
  | 'unexpected_target'
  | 'ends_later_than_intended'
  | 'not_issued'
  | 'workflow_lost';

export interface Ending {
  cause: EndCause;
  by: string | null;
  /** Whoever killed it said so. */
  compromise?: true;
  at: string;
}

export interface Approval {
  person: PersonFacts;
  at: string;
  method: (typeof METHODS)[number];
  digest: string;
  envelope: SignedStatement;
  /** Under which it counts, where the policy wants one. */
  delivery?: Receipt | undefined;
}

export const FLAGS = [
  'standing_until_floor',
  'rollback_overdue',
  'verify_overdue',
  'sessions_open',
  'workflow_lost',
  'reappeared',
  'escalated',
  'fallback_open',
  'actions_pending',
] as const;
export type Flag = (typeof FLAGS)[number];

/** The register's word: a row and a ledger are there since `at`, and the quorum grows by `extra_approvers`. */
export interface Admission {
  at: string;
  extra_approvers: number;
  receipt: Receipt;
}

/**
 * The extension that was asked for last. `awaiting_approval` → `issuing` (the authority records another intent) → `updating`
 * (the provider is told) → `verifying`, when the later deadline is in force → `done`; or `refused`, and the deadline stays.
 */
export interface Extension {
  /** 2 for the first one. */
  round: number;
  asked: SignedStatement;
  /** Hex SHA-256 of the payload of what was asked: approvals name it. */
  digest: string;
  by: string;
  at: string;
  deadline: string;
  approvals: Approval[];
  /** Who approved the extensions before it that are in force, by id: what stands rests on them too. Absent: nobody. */
  rests_on?: string[];
  step: 'awaiting_approval' | 'issuing' | 'updating' | 'verifying' | 'done' | 'refused';
  /** The authority's intent for it, once recorded: whatever becomes of it, its dead-man is the provider's latest end. */
  signed: SignedIntent | null;
  warrant: string | null;
  renewals: number;
  /** A call was made, or may have been, and its answer is not known: it may take effect yet. */
  unanswered: boolean;
  refusal: Refusal | null;
}

/**
 * All a ceremony knows: plain JSON, carried whole through continue-as-new. Times are RFC 3339 and absolute. Bounded:
 * 128 accepted statements, 64 recorded refusals, and an outbox that holds one entry a transition.
 */
export interface CeremonyState {
  event_id: string;
  envelope: SignedStatement;
  phase: Phase;
  started_at: string;
  opened: Opened | null;
  /** Set with `opened`; null for a ceremony that was lost under a policy that has changed since. */
  admission: Admission | null;
  approvals: Approval[];
  /** Approvals that wait to hear whether their people had been asked; absent where the policy wants no receipts of that. */
  held?: Said[] | undefined;
  /** The receipts that are known here. */
  delivered?: Delivered[] | undefined;
  seen: string[];
  verdicts: Verdict[];
  refusals: number;
  survey: Survey | null;
  approval_by: string | null;
  /** The intent in force: of the latest round whose deadline holds. */
  signed: SignedIntent | null;
  /** Those that it extended, the first one first. */
  prior: SignedIntent[];
  extension: Extension | null;
  /** What the effect is shown for the grant. Null before there is one, and of an answer of an earlier version. */
  warrant: string | null;
  /** How many warrants the effect has found to be over, and whether the authority is being asked for another. */
  renewals: number;
  renewing: boolean;
  grant: GrantKnowledge;
  grant_seen: boolean;
  /** What the provider called what it made; kept alone where it keeps no mark of who made it, and has no end for it. */
  made_id?: string | undefined;
  /** A run before this one, or a reset one, may have called the provider already. */
  tried_before: boolean;
  verified: boolean;
  activated_at: string | null;
  ending: Ending | null;
  mark: 'none' | 'pending' | 'standing';
  reseal: ResealState | null;
  /** By how much the latest watches changed who is known. Absent: by nothing. */
  watched?: WatchedChange[];
  /** Once a kill calls for more than the reseal; never there where its policy says nothing of it. */
  kill?: KillState | undefined;
  ended_at: string | null;
  audit: 'none' | 'pending' | 'audited' | 'missing';
  audited_at: string | null;
  refusal: Refusal | null;
  flags: Flag[];
  findings: (Finding & { at: string })[];
  outbox: OutboxItem[];
  /** What the register said it holds, and may be asked for again; the latest, within `MAX_SENT_CHARS`. Absent: nothing. */
  sent?: OutboxItem[];
  /** Appends of which the register took nothing. Absent: none. */
  not_taken?: number;
  /** How often the entry of a transition was asked for, or offered, again. Absent: never. */
  again?: Record<string, number>;
  /** Counts over the ceremony's life: entries made, entries the register holds, and how far it has been asked to hold. */
  drafted: number;
  appended: number;
  flush_to: number;
}

export function newCeremony(eventId: string, envelope: SignedStatement, nowMs: number): CeremonyState {
  return {
    event_id: eventId,
    envelope,
    phase: 'requested',
    started_at: instant(nowMs),
    opened: null,
    admission: null,
    approvals: [],
    seen: [],
    verdicts: [],
    refusals: 0,
    survey: null,
    approval_by: null,
    signed: null,
    prior: [],
    extension: null,
    warrant: null,
    renewals: 0,
    renewing: false,
    grant: 'never_tried',
    grant_seen: false,
    tried_before: false,
    verified: false,
    activated_at: null,
    ending: null,
    mark: 'none',
    reseal: null,
    ended_at: null,
    audit: 'none',
    audited_at: null,
    refusal: null,
    flags: [],
    findings: [],
    outbox: [],
    drafted: 0,
    appended: 0,
    flush_to: 0,
  };
}

/** What `reseal/<event id>` starts from: an intent stands, and the ceremony that should have ended it is gone. */
export function lostCeremony(from: CeremonyState, opened: Opened | null, signed: SignedIntent): CeremonyState {
  return {
    ...from,
    opened,
    signed,
    phase: 'granting',
    grant: 'unanswered',
    tried_before: true,
    flags: ['workflow_lost'],
  };
}

/** Whether the authority is asked which intent stands: an effect says that the one held here is not the authority's. */
export const isAsking = ({ phase, reseal }: CeremonyState): boolean =>
  phase === 'resealing' && reseal?.step === 'asking';

const ENDED: ReadonlySet<string> = new Set(ENDS);
export const isEnd = (phase: Phase): phase is End => ENDED.has(phase);

/** The end that a cause leads to: before the intent nothing was granted, after it the glass was broken. */
export function endOf(cause: EndCause, intentRecorded: boolean): End {
  if (!intentRecorded) {
    if (cause === 'deny') return 'denied';
    return cause === 'window' ? 'unapproved' : 'cancelled';
  }
  if (cause === 'close') return 'closed';
  if (cause === 'deadline') return 'expired';
  return cause === 'refused_by_provider' ? 'not_granted' : 'revoked';
}
