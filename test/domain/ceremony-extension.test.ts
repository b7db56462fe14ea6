import { describe, expect, it } from 'vitest';
import { MAX_RENEWALS } from '../../domain/ceremony-warrant.js';
import { instant } from '../../domain/identifiers.js';
import type { ApplyOutcome, IssueOutcome } from '../../domain/outcomes.js';
import { settleUntil } from '../../domain/reseal.js';
import type { ActStatement } from '../../domain/statement.js';
import { viewOf } from '../../domain/view.js';
import { type CeremonyRun, run } from './ceremony-run.js';
import * as scene from './scene.js';

const { alice, bob, carol, dave, sam, zed, MINUTE, SECOND } = scene;

/** A ceremony that can be extended, by hand. */
class Extending {
  constructor(readonly ceremony: CeremonyRun = run().toActive()) {}

  get state() {
    return this.ceremony.state;
  }
  get extension() {
    return this.state.extension;
  }

  /** The verdict on alice's wish for so many minutes more; `by` and `over` change whose it is and what it says. */
  ask(minutes: number, over: Partial<ActStatement> = {}, by = alice): string | undefined {
    const from = Date.parse(this.state.signed?.intent.deadline ?? instant(this.ceremony.now));
    const said = { round: this.state.prior.length + 2, deadline: instant(from + minutes * MINUTE), ...over };
    return this.say(by, 'extend', said);
  }

  /** An approval of what waits. */
  approve(by: typeof bob, over: Partial<ActStatement> = {}): string | undefined {
    const { round = 2, deadline = '', digest: extension_digest = '' } = this.extension ?? {};
    return this.say(by, 'approve', { round, deadline, extension_digest, ...over });
  }

  say(by: typeof bob, act: 'approve' | 'extend' | 'withdraw', over: Partial<ActStatement> = {}): string | undefined {
    const spoken = scene.says(by, act, this.ceremony.now, over, String(this.state.verdicts.length));
    this.ceremony.tell(spoken);
    const verdict = this.state.verdicts.find(({ digest }) => digest === spoken.checked.digest);
    return verdict?.reason ?? verdict?.status;
  }

  approved(minutes = 20): this {
    expect([this.ask(minutes), this.approve(bob), this.approve(carol)]).toEqual(['accepted', 'accepted', 'accepted']);
    return this;
  }

  get intended() {
    const { round = 2, deadline = '' } = this.extension ?? {};
    const dead_man = instant(Date.parse(deadline) + 10 * MINUTE);
    return scene.intentUntil(Date.parse(deadline), { round, dead_man });
  }

  issued(over: Partial<Extract<IssueOutcome, { outcome: 'issued' }>> = {}): this {
    const round = this.extension?.round ?? 2;
    const rest = { reissued: false, warrant: 'warrant', receipt: scene.receipt(`extension/${round}`) };
    const outcome = { outcome: 'issued' as const, signed: this.intended, ...rest, ...over };
    this.ceremony.tell({ type: 'extension_issued', round, outcome });
    return this;
  }

  notIssued(): this {
    const none = { standing: null, standing_receipt: null };
    const outcome = { outcome: 'refused' as const, code: 'contract_revoked', message: 'no', ...none };
    this.ceremony.tell({ type: 'extension_issued', round: this.extension?.round ?? 2, outcome });
    return this;
  }

  applied(outcome: ApplyOutcome): this {
    this.ceremony.tell({ type: 'extension_applied', round: this.extension?.round ?? 2, outcome });
    return this;
  }

  taken(ends_at = this.intended.intent.dead_man): this {
    const said = { provider_request_id: 'u', provider_status: 'Provisioned', adopted: false };
    return this.applied({ outcome: 'granted', ...said, ends_at, receipt: scene.receipt('extended/2') });
  }

  refused(clean: boolean): this {
    const said = { code: 'ExpirationRule', message: 'too long', clean };
    return this.applied({ outcome: 'refused', ...said, receipt: scene.receipt('not_extended/2') });
  }

  get deadline() {
    return this.state.signed?.intent.deadline;
  }
  wants(): (string | undefined)[] {
    return this.ceremony.wants();
  }
  key(): string | undefined {
    return this.ceremony.command('extend')?.key;
  }
}

const D1 = instant(run().deadline);
const plus = (minutes: number): string => instant(Date.parse(D1) + minutes * MINUTE);

describe('asking for an extension', () => {
  it('waits for approvals, is told at once, and changes nothing yet', () => {
    const extending = new Extending();
    expect(extending.ask(20)).toBe('accepted');
    expect(extending.extension).toMatchObject({ round: 2, step: 'awaiting_approval', deadline: plus(20), by: 'alice' });
    expect(extending.wants()).toEqual(expect.arrayContaining(['watch', 'append']));
    expect(extending.wants()).not.toContain('extend');
    expect(extending.deadline).toBe(D1);
    expect(viewOf(extending.state).extension).toMatchObject({ approvals_wanted: 2, asked_by: 'alice@example.test' });
  });

  it.each([
    ['extension_too_short', 4],
    ['extension_too_long', 240],
  ])('is %s', (reason, minutes) => {
    expect(new Extending().ask(minutes)).toBe(reason);
  });

  it('counts the policy’s maximum from the first start', () => {
    // Issued half an hour before its deadline, and four hours at most.
    expect(new Extending().ask(210)).toBe('accepted');
    expect(new Extending().ask(211)).toBe('extension_too_long');
  });

  it('is the invoker’s, for the next round, while it is active and there is time', () => {
    expect(new Extending().ask(20, {}, bob)).toBe('not_entitled');
    expect(new Extending().ask(20, { round: 3 })).toBe('foreign_round');
    expect(new Extending(run().toGranting()).ask(20)).toBe('wrong_state');
    expect(new Extending(run().toGranting().granted()).ask(20)).toBe('wrong_state');
    expect(new Extending(run().toResealing()).ask(20)).toBe('wrong_state');
    const late = new Extending();
    late.ceremony.now = Date.parse(D1) - MINUTE - 1;
    expect(late.ask(20)).toBe('accepted');
    late.ceremony.now += 1;
    expect(late.ask(21)).toBe('extension_too_late');
    expect(late.approve(bob)).toBe('extension_too_late');
  });

  it('is refused where nobody is asked for a first grant: nothing is renewed without new approvals', () => {
    const approvals = { ...scene.TERMS.approvals, min_approvers: 0, require: [], immediate: ['person:alice'] };
    const ceremony = run({ terms: { ...scene.TERMS, approvals } });
    ceremony.admit().survey().issue().granted().verified();
    expect(ceremony.state.phase).toBe('active');
    expect(new Extending(ceremony).ask(20)).toBe('extension_unapprovable');
  });

  it('replaces what was asked before, whose approvals count no more', () => {
    const extending = new Extending();
    extending.ask(20);
    const before = extending.extension?.digest;
    extending.approve(bob);
    expect(extending.ask(30)).toBe('accepted');
    expect(extending.extension?.approvals).toEqual([]);
    expect(extending.approve(carol, { extension_digest: before ?? '' })).toBe('foreign_round');
  });
});

describe('approving an extension', () => {
  it('takes a new quorum: what was approved before counts for nothing', () => {
    const extending = new Extending();
    extending.ask(20);
    expect(extending.say(bob, 'approve')).toBe('foreign_round');
    expect(extending.approve(bob)).toBe('accepted');
    expect(extending.approve(bob)).toBe('already_approved');
    expect(extending.extension?.step).toBe('awaiting_approval');
    expect(extending.approve(alice)).toBe('is_invoker');
    expect(extending.approve(zed)).toBe('not_entitled');
    expect(extending.approve(carol)).toBe('accepted');
    expect(extending.extension?.step).toBe('issuing');
    expect(extending.key()).toBe('extend/2/issuing/0');
  });

  it.each<Partial<ActStatement>>([{ deadline: plus(21) }, { round: 3 }, { extension_digest: 'e'.repeat(64) }])(
    'is of exactly this one: %o is not',
    (over) => {
      const extending = new Extending();
      extending.ask(20);
      expect(extending.approve(bob, over)).toBe('foreign_round');
    },
  );

  it('of no extension at all is refused as of another round', () => {
    expect(new Extending().approve(bob)).toBe('foreign_round');
  });

  it('takes the full quorum also where fewer sufficed for the grant', () => {
    const fallback = { after: 600, min_approvers: 1, max: 1800 };
    const ceremony = run({ terms: { ...scene.TERMS, approvals: { ...scene.TERMS.approvals, fallback } } });
    ceremony
      .admit()
      .survey()
      .after(11 * MINUTE)
      .say(bob, 'approve');
    ceremony.issue().granted().verified();
    const extending = new Extending(ceremony);
    extending.ask(20);
    extending.approve(bob);
    expect(extending.extension?.step).toBe('awaiting_approval');
    extending.approve(carol);
    expect(extending.extension?.step).toBe('issuing');
  });

  it('can be withdrawn before the quorum; whoever approved what stands withdraws that', () => {
    const extending = new Extending();
    extending.ask(20);
    extending.approve(dave);
    expect(extending.say(dave, 'withdraw')).toBe('accepted');
    expect(extending.state.phase).toBe('active');
    expect(extending.extension?.approvals).toEqual([]);
    extending.approve(bob);
    extending.say(bob, 'withdraw');
    expect(extending.state.phase).toBe('resealing');
  });
});

describe('an approval of an extension that is in force', () => {
  const extendedBy = (...people: (typeof dave)[]): Extending => {
    const extending = new Extending();
    extending.ask(20);
    for (const person of people) extending.approve(person);
    return extending.issued().taken();
  };

  it.each([0, 1, 2])('can be withdrawn after the invoker has asked %d more times, and ends the ceremony', (asked) => {
    const extending = extendedBy(dave, carol);
    for (let more = 1; more <= asked; more += 1) expect(extending.ask(20 + more)).toBe('accepted');
    expect(extending.say(dave, 'withdraw')).toBe('accepted');
    expect(extending.state).toMatchObject({ phase: 'resealing', ending: { cause: 'withdraw' } });
  });

  it('ends it also where the same person has approved the next one', () => {
    const extending = extendedBy(dave, carol);
    extending.ask(20);
    expect(extending.approve(dave)).toBe('accepted');
    extending.say(dave, 'withdraw');
    expect(extending.state.phase).toBe('resealing');
  });

  it('is none of one that came to nothing', () => {
    const extending = new Extending();
    extending.ask(20);
    extending.approve(dave);
    extending.approve(carol);
    extending.notIssued();
    extending.ask(20);
    expect(extending.say(dave, 'withdraw')).toBe('not_entitled');
    expect(extending.state.phase).toBe('active');
  });
});

describe('an extension on its way', () => {
  it('moves the deadline once the provider has said yes, and is read back', () => {
    const extending = new Extending().approved().issued();
    expect(extending.deadline).toBe(D1);
    expect(extending.key()).toBe('extend/2/updating/0');
    extending.taken();
    expect(extending.deadline).toBe(plus(20));
    expect(extending.state.prior.map(({ intent }) => intent.deadline)).toEqual([D1]);
    expect(extending.key()).toBe('extend/2/verifying/0');
    const seen = { ends_at: plus(30), findings: [], receipt: scene.receipt('verified/2') };
    extending.ceremony.tell({ type: 'extension_verified', round: 2, outcome: { outcome: 'present', ...seen } });
    expect(extending.extension?.step).toBe('done');
    expect(viewOf(extending.state)).toMatchObject({ expires_at: plus(20), dead_man_at: plus(30), quorum: 'full' });
    extending.ceremony.now = Date.parse(D1);
    extending.ceremony.after(1);
    expect(extending.state.phase).toBe('active');
    extending.ceremony.now = Date.parse(plus(20));
    extending.ceremony.after(0);
    expect(extending.state).toMatchObject({ phase: 'resealing', mark: 'none', ending: { cause: 'deadline' } });
    extending.ceremony.wrapUp();
    expect(extending.state.phase).toBe('expired');
  });

  it('can be followed by another, in a round of its own, and never past the first start’s maximum', () => {
    const extending = new Extending().approved(60).issued().taken();
    expect(extending.ask(151)).toBe('extension_too_long');
    expect(extending.ask(150)).toBe('accepted');
    expect(extending.extension?.round).toBe(3);
    expect([extending.approve(bob), extending.approve(carol)]).toEqual(['accepted', 'accepted']);
    extending.issued().taken();
    expect(extending.state.prior).toHaveLength(2);
    expect(extending.deadline).toBe(plus(210));
  });

  it('that the authority refuses leaves the deadline, and can be asked for again', () => {
    const extending = new Extending().approved().notIssued();
    expect(extending.extension).toMatchObject({ step: 'refused', refusal: { code: 'contract_revoked' } });
    expect(extending.state.outbox.at(-1)?.transition).toMatch(/^extension_refused\/2\//);
    expect(extending.deadline).toBe(D1);
    expect(extending.ask(20)).toBe('accepted');
  });

  it.each([true, false])('that the provider refuses leaves the deadline and the later dead-man: clean %s', (clean) => {
    const extending = new Extending().approved().issued().refused(clean);
    expect(extending.deadline).toBe(D1);
    expect(viewOf(extending.state)).toMatchObject({ expires_at: D1, dead_man_at: plus(30) });
    expect(extending.ask(20)).toBe('extension_spent');
    extending.ceremony.now = Date.parse(D1);
    extending.ceremony.after(0);
    // The authority's intent lasts longer than this ceremony: its own mark must end it.
    expect(extending.state).toMatchObject({ phase: 'resealing', mark: 'pending', ending: { cause: 'deadline' } });
    const { reseal } = extending.state;
    expect(reseal?.dead_man).toBe(plus(30));
    extending.ceremony.removed();
    const settles = extending.state.reseal === null ? null : settleUntil(extending.state.reseal);
    expect(settles === null).toBe(clean);
  });

  it('that is not answered by the deadline ends there, and absent reads settle', () => {
    const extending = new Extending().approved().issued();
    extending.ceremony.now = Date.parse(D1);
    extending.ceremony.after(0);
    expect(extending.state).toMatchObject({ phase: 'resealing', mark: 'pending' });
    expect(extending.state.reseal).toMatchObject({ dead_man: plus(30), unsettled: true });
    // A yes that comes now moves nothing.
    extending.taken();
    expect(extending.deadline).toBe(D1);
    expect(extending.state.outbox.map(({ transition }) => transition)).toContain('extended/2');
    extending.ceremony.removed();
    expect(settleUntil(extending.state.reseal!)).toBe(instant(Date.parse(D1) + 20 * MINUTE));
  });

  it('whose intent comes after the end began is kept for the ledger, and for the dead-man', () => {
    const extending = new Extending().approved();
    extending.ceremony.say(sam, 'kill');
    expect(extending.state).toMatchObject({ phase: 'resealing', mark: 'pending' });
    extending.issued();
    expect(extending.state.reseal?.dead_man).toBe(plus(30));
    expect(extending.state.outbox.map(({ transition }) => transition)).toContain('extension/2');
    expect(extending.wants()).not.toContain('extend');
  });

  it.each(['kill', 'deny', 'close'] as const)('is ended by %s, at every step', (act) => {
    const steps = [
      () => new Extending(),
      () => new Extending().approved(),
      () => new Extending().approved().issued(),
      () => new Extending().approved().issued().taken(),
    ];
    for (const [index, step] of steps.entries()) {
      const extending = step();
      if (index === 0) extending.ask(20);
      extending.ceremony.say(act === 'deny' ? bob : alice, act);
      expect(extending.state).toMatchObject({ phase: 'resealing', mark: 'pending', ending: { cause: act } });
      expect(extending.wants()).not.toContain('extend');
      expect(extending.wants()).toContain('rollback');
    }
  });

  it('goes on with another warrant where one is over, and not for ever', () => {
    const extending = new Extending().approved().issued();
    const over = { outcome: 'warrant_expired' as const, at: instant(extending.ceremony.now) };
    extending.applied(over);
    expect(extending.key()).toBe('extend/2/issuing/1');
    extending.issued({ warrant: 'another' });
    expect(extending.extension).toMatchObject({ step: 'updating', warrant: 'another', renewals: 1, unanswered: true });
    for (let renewals = 1; renewals < MAX_RENEWALS; renewals += 1) extending.applied(over).issued();
    extending.applied(over);
    expect(extending.extension).toMatchObject({ step: 'refused', refusal: { code: 'warrant_expired' } });
  });

  it('is none where the authority comes to answer with another intent', () => {
    const extending = new Extending().approved().issued();
    extending.applied({ outcome: 'warrant_expired', at: instant(extending.ceremony.now) });
    const other = scene.intentUntil(Date.parse(plus(20)), { round: 2, evidence_digest: 'f'.repeat(64) });
    extending.issued({ signed: other });
    expect(extending.extension).toMatchObject({ step: 'refused', refusal: { code: 'intent_differs' } });
    expect(extending.deadline).toBe(D1);
  });

  it('ends the ceremony where the provider ends it later than intended', () => {
    const extending = new Extending()
      .approved()
      .issued()
      .taken(instant(Date.parse(plus(30)) + SECOND));
    expect(extending.state).toMatchObject({ phase: 'resealing', ending: { cause: 'ends_later_than_intended' } });
  });

  it('says nothing in answer to another round', () => {
    const extending = new Extending().approved().issued();
    const before = JSON.stringify(extending.state);
    const receipt = scene.receipt('extended/3');
    const said = { provider_request_id: 'u', provider_status: 'Provisioned', adopted: false, receipt };
    const outcome = { outcome: 'granted' as const, ...said, ends_at: plus(30) };
    extending.ceremony.tell({ type: 'extension_applied', round: 3, outcome });
    expect(JSON.stringify(extending.state)).toBe(before);
  });
});
