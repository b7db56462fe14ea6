import type { EntryPayload, Receipt } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import type { Granted } from '../../domain/kill-state.js';
import type { OnKill } from '../../domain/on-kill.js';
import type { Request } from '../../domain/request.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../domain/statement.js';
import { canonicalJson, digestOf } from '../../proofs/canonical-json.js';
import type { FollowUpRules } from '../../proofs/follow-up.js';
import { signReceipt } from '../../proofs/receipt.js';
import {
  bob,
  entryOf,
  keyOf,
  policy,
  policyDigest,
  roleKeys,
  roster,
  signPayload,
  signRequest,
  type TestPerson,
} from './ceremony-people.js';

export const ON_KILL: OnKill = {
  triggers: ['operator_statement', 'approval_revoked', 'unexpected_target_detected', 'timebox_expired'],
  end_sessions: false,
  report_granted: true,
  rotate: [],
  disable_account: true,
  restore_account: true,
};

/** A killed ceremony of this request, as a follow-up sees it; times are epoch milliseconds. */
export class FollowUpScene {
  readonly markAt: number;
  constructor(
    readonly request: Request,
    readonly intent: Intent,
    /** When it was killed. */
    readonly at: number,
  ) {
    this.markAt = at;
  }

  mark(data: Record<string, unknown> = {}): Receipt {
    const said = { cause: 'kill', by: 'bob', ...data };
    return signReceipt(entryOf(this.request.event_id, 'end_mark', 'end_mark', this.markAt, said), roleKeys.authority);
  }

  listed(granted: readonly Granted[], key = roleKeys.verifier): Receipt {
    return signReceipt(this.listedEntry(granted), key);
  }
  listedEntry(granted: readonly Granted[]): EntryPayload {
    const data = { total: granted.length, granted: [...granted] };
    return entryOf(this.request.event_id, 'granted_listed', 'granted_listed', this.at + 1000, data);
  }

  disabled(data: Record<string, unknown> = {}): Receipt {
    return signReceipt(this.disabledEntry(data), roleKeys['effect:entra.account']);
  }
  disabledEntry(data: Record<string, unknown> = {}): EntryPayload {
    const said = { result: 'done', code: null, was_enabled: true, ...data };
    return entryOf(this.request.event_id, 'account_disabled', 'account_disabled', this.at + 1000, said);
  }

  /** What a person signs about a report. */
  signed(report: EntryPayload, said: Record<string, unknown>, by: TestPerson = bob): SignedStatement {
    const statement = {
      domain: STATEMENT_DOMAIN,
      event_id: this.request.event_id,
      request_digest: digestOf(this.request),
      policy_digest: this.request.policy_digest,
      person: by.id,
      issued_at: instant(this.at + 2000),
      not_after: instant(this.at + 3600_000),
      report_digest: digestOf(report),
      ...said,
    };
    return signPayload(by, canonicalJson(statement));
  }

  takeBack(
    report: EntryPayload,
    granted: readonly Granted[],
    by: TestPerson = bob,
    over: object = {},
  ): SignedStatement {
    const entries = granted.map((one) => digestOf(one));
    return this.signed(report, { act: 'take_back', entries, ...over }, by);
  }

  restore(report: EntryPayload, by: TestPerson, over: object = {}): SignedStatement {
    return this.signed(report, { act: 'restore_account', not_for_compromise: true, ...over }, by);
  }

  /** The rules that the authority and the roles judge by, a minute after the kill. */
  rules(over: Partial<FollowUpRules> & Pick<FollowUpRules, 'statements' | 'report'>): FollowUpRules {
    return {
      intent: this.intent,
      request: signRequest(this.request),
      mark: this.mark(),
      roster,
      policy,
      policyDigest,
      roleKeys: keyOf,
      nowMs: this.at + 60_000,
      ...over,
    };
  }

  /** The authority's order about these, as its role answers with it. */
  order(data: {
    act: 'take_back' | 'restore_account';
    statements: SignedStatement[];
    report: Receipt;
    entries: string[];
    over?: Record<string, unknown>;
    key?: typeof roleKeys.authority;
  }): Receipt {
    const { act, statements, report, entries, over = {}, key = roleKeys.authority } = data;
    return signReceipt(this.orderEntry({ act, statements, report, entries, over }), key);
  }
  orderEntry(data: {
    act: 'take_back' | 'restore_account';
    statements: SignedStatement[];
    report: Receipt;
    entries: string[];
    over?: Record<string, unknown>;
  }): EntryPayload {
    const { act, statements, report, entries, over = {} } = data;
    const persons = statements.map(({ payload }) => ({
      person: (JSON.parse(payload) as { person: string }).person,
      method: 'software',
      digest: digestOf(payload),
    }));
    const expires_at = instant(this.at + 30 * 60_000);
    const said = { act, statements, request: signRequest(this.request), report, mark: this.mark(), persons, entries };
    const look = signReceipt(
      entryOf(this.request.event_id, 'follow_up_looked', 'follow_up_looked/1', this.at + 30_000),
      roleKeys.verifier,
    );
    const all = { ...said, look, expires_at, ...over };
    return entryOf(this.request.event_id, 'follow_up_ordered', 'follow_up_ordered/1', this.at + 60_000, all);
  }
}
