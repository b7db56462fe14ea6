import type { QuorumKind } from '../domain/quorum.js';
import type { End } from '../domain/ceremony-state.js';
import type { Prerequisite } from '../domain/prerequisite.js';
import type { ProvenJob } from './bundle-jobs.js';
import type { ProvenFollowUp } from './bundle-follow-up.js';
import type { ProvenKillAction } from './bundle-kill.js';
import type { BundleStage } from './bundle.js';
import type { ToldCall } from './bundle-calls.js';

/** What a check says that an earlier failure kept from being made. */
export const NOT_REACHED = 'not reached';

/** Why a bundle was refused. */
export type BundleErrorCode =
  | 'bundle_too_large'
  | 'bundle_not_json'
  | 'bundle_not_canonical'
  | 'envelope_malformed'
  | 'envelope_signature'
  | 'envelope_signer'
  | 'statement_malformed'
  | 'subject_mismatch'
  | 'ledger_broken'
  | 'entry_refused'
  | 'policy_malformed'
  | 'policy_digest'
  | 'policy_unknown'
  | 'contract_refused'
  | 'roster_refused'
  | 'request_refused'
  | 'statement_refused'
  | 'intent_refused'
  | 'marker_refused'
  | 'extension_refused'
  | 'order_broken'
  | 'grant_refused'
  | 'removal_unproven'
  | 'end_mismatch'
  | 'finding_unproven'
  | 'stage_mismatch'
  | 'delivery_refused'
  | 'review_refused'
  | 'job_unproven'
  | 'kill_action_unproven'
  | 'follow_up_unproven';

export const BUNDLE_CHECKS = [
  'format',
  'signature',
  'ledger',
  'signers',
  'policy',
  'contract',
  'roster',
  'request',
  'statements',
  'delivery',
  'quorum',
  'intent',
  'marker',
  'extension',
  'order',
  'grant',
  'removal',
  'end',
  'stage',
  'review',
  'jobs',
  'kill',
  'follow_ups',
] as const;
export type BundleCheck = (typeof BUNDLE_CHECKS)[number];

/** What a bundle says happened; worth something only where the report is `ok`. Times are RFC 3339 UTC or null. */
export interface BundleFacts {
  invoker: string | null;
  principal: string | null;
  principal_id: string | null;
  profile: string | null;
  role: string | null;
  directory_scope_id: string | null;
  policy_digest: string | null;
  /** Which contract the policy was, and whose signatures the trust file proves. */
  contract: { series: string; version: number; signers: string[] } | null;
  /** By which signed roster it was issued, or else admitted; `signers` are those whom the trust file proves, if any. */
  roster: { series: string; version: number; signers: string[] } | null;
  /** By which of the policy's quorums it was granted. */
  quorum: QuorumKind | null;
  approvals: { person: string; method: string; at: string }[];
  requested_at: string | null;
  /** Whom channels had been given the notice to that asks for approval; `round` is 1, or the extension's. */
  deliveries: { channel: string; round: number; people: string[]; at: string; body_sha256: string }[];
  /** Approvals of outside control planes that the request names. */
  prerequisites: Prerequisite[];
  issued_at: string | null;
  deadline: string | null;
  dead_man: string | null;
  /** The changes that were asked of the provider, in the order of the ledger; reads are left out. */
  calls: ToldCall[];
  /** Who had it extended, who approved exactly that, and when the provider took it; null where it did not, or not in time. */
  extensions: {
    round: number;
    asked_by: string;
    asked_at: string;
    approvals: { person: string; method: string; at: string }[];
    issued_at: string;
    deadline: string;
    dead_man: string | null;
    extended_at: string | null;
    verified_at: string | null;
  }[];
  granted_at: string | null;
  verified_at: string | null;
  removal_accepted_at: string | null;
  removed_observed_at: string | null;
  removed_confirmed_at: string | null;
  sessions_ended_at: string | null;
  audited_at: string | null;
  end: End | null;
  cause: string | null;
  ended_at: string | null;
  /** Who reviewed it afterwards. */
  review: { person: string; method: string; at: string } | null;
  /** What a kill called for besides the removal, and a role answers for. */
  kill_actions: ProvenKillAction[];
  /** What people had done afterwards, by their signatures. */
  follow_ups: ProvenFollowUp[];
  /** Jobs that worked inside its window. */
  jobs: ProvenJob[];
  /** Signed receipts of model calls that jobs handed in. */
  model_receipts: number;
  /** Calls of tools that name none of them; null where the contract does not ask for any. */
  calls_without_receipt: string[] | null;
  /** What the verifier's entries say was beside the change, each as a sentence. */
  beside: string[];
  ledger_head: string | null;
  ledger_count: number;
}

/** What an offline verifier says of a bundle. `ok` means that nothing in `errors` stands against it. */
export interface BundleReport {
  ok: boolean;
  event_id: string | null;
  stage: BundleStage | null;
  checks: { name: BundleCheck; ok: boolean; detail: string }[];
  facts: BundleFacts;
  /** What no check here could establish, each as a sentence. */
  not_verified: string[];
  errors: { code: BundleErrorCode; where: string; message: string }[];
}

/** Collects what the checks find. A check that nobody ran is reported as failed, never left out. */
export class BundleFindings {
  readonly errors: BundleReport['errors'] = [];
  readonly notVerified: string[] = [];
  readonly #details = new Map<BundleCheck, string>();
  readonly #failed = new Set<BundleCheck>();
  readonly facts: BundleFacts = {
    invoker: null,
    principal: null,
    principal_id: null,
    profile: null,
    role: null,
    directory_scope_id: null,
    policy_digest: null,
    contract: null,
    roster: null,
    quorum: null,
    approvals: [],
    requested_at: null,
    deliveries: [],
    prerequisites: [],
    issued_at: null,
    deadline: null,
    dead_man: null,
    extensions: [],
    calls: [],
    granted_at: null,
    verified_at: null,
    removal_accepted_at: null,
    removed_observed_at: null,
    removed_confirmed_at: null,
    sessions_ended_at: null,
    audited_at: null,
    end: null,
    cause: null,
    ended_at: null,
    review: null,
    kill_actions: [],
    follow_ups: [],
    jobs: [],
    model_receipts: 0,
    calls_without_receipt: null,
    beside: [],
    ledger_head: null,
    ledger_count: 0,
  };

  /** Holds something against the bundle; `where` names the place, such as `entries[3].body`. */
  fail(check: BundleCheck, code: BundleErrorCode, where: string, message: string): void {
    this.#failed.add(check);
    if (this.errors.length < 100) this.errors.push({ code, where, message });
  }

  /** Says that a check ran to its end, and what it looked at. */
  ran(check: BundleCheck, detail: string): void {
    this.#details.set(check, detail);
  }

  failed(check: BundleCheck): boolean {
    return this.#failed.has(check) || !this.#details.has(check);
  }

  report(eventId: string | null, stage: BundleStage | null): BundleReport {
    const checks = BUNDLE_CHECKS.map((name) => {
      const ok = !this.failed(name);
      return { name, ok, detail: this.#details.get(name) ?? NOT_REACHED };
    });
    return {
      ok: this.errors.length === 0 && checks.every(({ ok }) => ok),
      event_id: eventId,
      stage,
      checks,
      facts: this.facts,
      not_verified: this.notVerified,
      errors: this.errors,
    };
  }
}

/** `entries[3].body`: where the entry of a seq stands in the bundle. */
export const placeOfSeq = (seq: number): string => `entries[${seq - 1}].body`;
