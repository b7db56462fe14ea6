import { commands, isFinished, wake } from '../../domain/ceremony-commands.js';
import type { Opened } from '../../domain/outcomes.js';
import { lostCeremony, newCeremony, type CeremonyState } from '../../domain/ceremony-state.js';
import { step } from '../../domain/ceremony.js';
import type { CeremonyEvent } from '../../domain/ceremony-event.js';
import { instant } from '../../domain/identifiers.js';
import type { PersonFacts } from '../../domain/quorum.js';
import { SIGNAL_ACTS, type ActStatement, type SignalAct } from '../../domain/statement.js';
import { STATEMENT_REFUSALS, type StatementRefusal } from '../../domain/verdict.js';
import { ASKED, answer, type Asked } from './ceremony-answers.js';
import { bruteQuorum, checkStep, mayApprove } from './ceremony-invariants.js';
import type { Move, Plan, Twist } from './ceremony-plans.js';
import { deepFreeze } from './ceremony-run.js';
import * as scene from './scene.js';

const REASONS = Object.keys(STATEMENT_REFUSALS) as StatementRefusal[];

/** What the generated orders reached, over all runs: a property that never met a state would say nothing of it. */
export const reached = {
  phases: new Set<string>(),
  asked: new Set<string>(),
  verdicts: new Set<string>(),
  flags: new Set<string>(),
  renewals: new Set<number>(),
  extended: new Set<string>(),
  rounds: new Set<number>(),
};

/** One generated ceremony: every step of it is checked against every invariant. */
export class Performance {
  now = scene.T0;
  state: CeremonyState;
  private readonly opened: Opened;
  private readonly people: PersonFacts[];
  private readonly genuineApprovals = new Set<string>();
  private readonly asked: Asked[] = [];
  private readonly said: Extract<CeremonyEvent, { type: 'heard' }>[] = [];
  private spoken = 0;
  /** Whether the road everybody hopes for leads over an extension. */
  private readonly extends_: boolean;

  /** Whether it ends there in a refusal of the provider's. */
  private readonly refuses: boolean;

  constructor(plan: Plan) {
    this.extends_ = plan.extends;
    this.refuses = plan.refuses;
    this.people = scene.PEOPLE.map((who) => {
      if (who.id === 'dave') return { ...who, valid_from: instant(scene.T0 + plan.daveFrom * scene.MINUTE) };
      if (who.id === 'erin') return { ...who, valid_until: instant(scene.T0 + plan.erinUntil * scene.MINUTE) };
      return who;
    });
    const effect = { ...scene.REQUEST.effect, end_sessions: plan.terms.effect.end_sessions };
    this.opened = deepFreeze({
      request: { ...scene.REQUEST, duration_seconds: plan.duration, effect },
      request_digest: scene.REQUEST_DIGEST,
      policy_digest: scene.POLICY_DIGEST,
      terms: plan.terms,
    });
    this.state = deepFreeze(newCeremony(scene.EVENT, scene.envelopeOf('request'), this.now));
    if (plan.lost) this.state = lostCeremony(this.state, this.opened, scene.intentUntil(this.now + 20 * scene.MINUTE));
    if (plan.lost) this.tell({ type: 'workflow_lost', receipt: scene.receipt('intent') });
  }

  tell(event: CeremonyEvent): void {
    const before = deepFreeze(this.state);
    this.state = deepFreeze(step(before, event, this.now));
    checkStep(before, event, this.state, this.now, { genuineApprovals: this.genuineApprovals });
    reached.phases.add(this.state.phase);
    for (const { do: what } of commands(this.state)) {
      reached.asked.add(what);
      if (!this.asked.includes(what)) this.asked.push(what);
    }
    for (const flag of this.state.flags) reached.flags.add(flag);
    reached.renewals.add(this.state.renewals);
    if (this.state.extension !== null) reached.extended.add(this.state.extension.step);
    reached.rounds.add(this.state.prior.length + 1);
    if (event.type !== 'heard') return;
    const verdict = this.state.verdicts.find(({ digest }) => digest === event.checked.digest);
    if (verdict !== undefined) reached.verdicts.add(verdict.reason ?? `${verdict.act} accepted`);
  }

  private answer(asked: Asked, variant: number): void {
    this.tell(answer(asked, variant, this.state, this.opened, this.now));
  }

  say(who: PersonFacts, spoken: SignalAct, bent: Twist, pick: number): void {
    this.spoken += 1;
    const over: Partial<ActStatement> = {
      ...(bent === 'foreign' ? { request_digest: 'e'.repeat(64) } : {}),
      ...(bent === 'old_policy' ? { policy_digest: 'e'.repeat(64) } : {}),
      ...(bent === 'future' ? { issued_at: instant(this.now + scene.HOUR) } : {}),
      ...(bent === 'stale' ? { not_after: instant(this.now) } : {}),
      ...this.extending(spoken, pick),
    };
    const event = scene.says(who, spoken, this.now, over, String(this.spoken));
    const { digest } = event.checked;
    if (bent === 'forged') {
      const reason = REASONS[pick % REASONS.length] ?? 'malformed';
      event.checked = { ok: false, digest, reason, ...(pick % 2 ? { person: who.id } : {}) };
    } else if (bent === 'misnamed') {
      event.signal = SIGNAL_ACTS[(SIGNAL_ACTS.indexOf(spoken) + 1 + (pick % 5)) % SIGNAL_ACTS.length] ?? 'kill';
    }
    if (bent !== 'forged' && spoken === 'approve') this.genuineApprovals.add(digest);
    this.said.push(event);
    this.tell(event);
  }

  /** What an extension and its approvals say besides: mostly of the one that waits, now and then of another. */
  private extending(spoken: SignalAct, pick: number): Partial<ActStatement> {
    const { extension, signed, prior } = this.state;
    if (spoken === 'extend') {
      const from = signed === null ? this.now : Date.parse(signed.intent.deadline);
      const deadline = instant(from + [30, 4, 60, 600, 20][pick % 5]! * scene.MINUTE);
      return { round: prior.length + (pick % 11 === 10 ? 3 : 2), deadline };
    }
    const waits = extension?.step === 'awaiting_approval';
    if (spoken !== 'approve' || !waits || pick % 8 === 7) return {};
    const { round, deadline, digest } = extension;
    return { round, deadline, extension_digest: pick % 8 === 6 ? 'e'.repeat(64) : digest };
  }

  make(move: Move): void {
    switch (move.do) {
      case 'answer': {
        const wanted = commands(this.state);
        const chosen = wanted[move.which % Math.max(1, wanted.length)];
        if (chosen !== undefined) this.answer(chosen.do, move.how);
        return;
      }
      case 'late': {
        const chosen = this.asked[move.which % Math.max(1, this.asked.length)];
        if (chosen !== undefined) this.answer(chosen, move.how);
        return;
      }
      case 'rogue':
        return this.answer(ASKED[move.which % ASKED.length] ?? 'admit', move.how);
      case 'say': {
        const who = this.speaker(move.act, move.who);
        if (who !== undefined) this.say(who, move.act, move.twist, move.pick);
        return;
      }
      case 'again': {
        const once = this.said[move.which % Math.max(1, this.said.length)];
        if (once !== undefined) this.tell({ ...once, signal: move.which % 3 === 0 ? move.as : once.signal });
        return;
      }
      case 'unreadable':
        return this.tell({ type: 'unreadable', signal: move.signal, reason: 'undecodable' });
      case 'flood':
        for (let i = 0; i < move.size; i += 1) this.tell({ type: 'unreadable', signal: 'kill', reason: 'undecodable' });
        return;
      case 'pass':
        this.now += move.seconds * scene.SECOND;
        return this.tell({ type: 'tick' });
      case 'wake': {
        const at = wake(this.state);
        if (at !== undefined) this.now = Math.max(this.now, at + move.late);
        return this.tell({ type: 'tick' });
      }
      case 'cancel':
        return this.tell({ type: 'cancel_requested' });
      case 'lost':
        return this.tell({ type: 'workflow_lost', receipt: scene.receipt('intent') });
      case 'continue_as_new': {
        const carried = JSON.parse(JSON.stringify(this.state)) as CeremonyState;
        this.state = { ...carried, tried_before: carried.tried_before || carried.signed !== null };
        return this.tell({ type: 'tick' });
      }
    }
  }

  /** Every other time somebody who has the right to the act, if there is one; otherwise anybody. */
  private speaker(spoken: SignalAct, pick: number): PersonFacts | undefined {
    const entitled: Readonly<Record<SignalAct, readonly string[]>> = {
      approve: ['bob', 'carol', 'dave', 'erin'],
      deny: ['bob', 'carol'],
      withdraw: this.state.approvals.map(({ person }) => person.id),
      close: ['alice', 'pat'],
      kill: ['sam', 'alice', 'bob'],
      extend: ['alice'],
    };
    const names = entitled[spoken];
    const name = pick % 2 === 0 ? names[(pick >> 1) % Math.max(1, names.length)] : undefined;
    return this.people.find(({ id }) => id === name) ?? this.people[pick % this.people.length];
  }

  /** The road everybody hopes for, as far as `steps` goes. */
  /** `expired`: how many warrants are found to be over before one carries the grant. */
  takeTo(steps: number, expired: number): void {
    const road: (() => void)[] = [
      () => this.answer('admit', 0),
      () => this.answer('survey', 0),
      () => this.approveAll(),
      () => this.answer('issue', 0),
      () => this.grant(expired),
      // Of what was refused nothing is seen.
      () => (this.refuses ? this.answer('rollback', 3) : this.answer('verify', 0)),
      ...(this.extends_ ? [() => this.say(scene.alice, 'extend', 'none', 0), () => this.approveAll()] : []),
      () => this.say(scene.alice, 'close', 'none', 0),
      () => this.answer('rollback', 0),
    ];
    for (const go of road.slice(0, steps)) go();
  }

  private grant(expired: number): void {
    for (let index = 0; index < expired; index += 1) {
      this.tell({ type: 'applied', outcome: { outcome: 'warrant_expired', at: instant(this.now) } });
      this.answer('issue', 0);
    }
    // Cleanly, as `ceremony-answers.ts` has it.
    this.answer('apply', this.refuses ? 8 : 0);
  }

  /** As few of those who may approve as make a quorum, if there are enough. */
  private approveAll(): void {
    const { approvals } = this.opened.terms;
    const may = this.people.filter((who) => mayApprove(who, this.opened.terms));
    const chosen: PersonFacts[] = [];
    for (const who of may) {
      if (bruteQuorum(approvals, chosen)) return;
      chosen.push(who);
      this.say(who, 'approve', 'none', 0);
    }
  }

  /** From here on everybody does what is asked of them, and time passes: the ceremony must come to its end. */
  bringToEnd(): void {
    for (let turn = 0; turn < 60 && !isFinished(this.state); turn += 1) {
      const wanted = commands(this.state).filter(({ do: what }) => what !== 'watch');
      const at = wake(this.state);
      if (wanted[0] !== undefined) this.answer(wanted[turn % wanted.length]?.do ?? wanted[0].do, 0);
      else if (at !== undefined) {
        this.now = Math.max(this.now, at);
        this.tell({ type: 'tick' });
      }
    }
  }
}
