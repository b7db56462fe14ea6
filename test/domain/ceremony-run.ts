import { commands, type CeremonyCommand } from '../../domain/ceremony-commands.js';
import { newCeremony, type CeremonyState } from '../../domain/ceremony-state.js';
import { step } from '../../domain/ceremony.js';
import type { CeremonyEvent } from '../../domain/ceremony-event.js';
import { instant } from '../../domain/identifiers.js';
import type { SignedIntent } from '../../domain/intent.js';
import type {
  AbsenceOutcome,
  AdmitOutcome,
  ApplyOutcome,
  Finding,
  Opened,
  RollbackOutcome,
} from '../../domain/outcomes.js';
import type { PersonFacts } from '../../domain/quorum.js';
import type { SignalAct } from '../../domain/statement.js';
import * as scene from './scene.js';

/** Freezes a whole state, so that a step that writes into what it was given throws. Shared parts are frozen once. */
export function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
  return value;
}

/** One ceremony driven by hand: a clock, the state, and a word for each thing that can happen. */
export class CeremonyRun {
  now = scene.T0;
  state: CeremonyState;
  readonly opened: Opened;

  constructor(opened: Partial<Opened> = {}) {
    this.opened = {
      request: scene.REQUEST,
      request_digest: scene.REQUEST_DIGEST,
      policy_digest: scene.POLICY_DIGEST,
      terms: scene.TERMS,
      ...opened,
    };
    this.state = newCeremony(scene.EVENT, scene.envelopeOf('request'), this.now);
  }

  tell(event: CeremonyEvent): this {
    this.state = deepFreeze(step(deepFreeze(this.state), event, this.now));
    return this;
  }

  after(ms: number): this {
    this.now += ms;
    return this.tell({ type: 'tick' });
  }

  wants(): string[] {
    return commands(this.state).map(({ do: what }) => what);
  }

  command(what: CeremonyCommand['do']): CeremonyCommand | undefined {
    return commands(this.state).find((command) => command.do === what);
  }

  say(who: PersonFacts, act: SignalAct, nonce = String(this.now)): this {
    return this.tell(scene.says(who, act, this.now, {}, nonce));
  }

  /** The answer to the latest statement of this person, act and nonce. */
  answerTo(who: PersonFacts, act: SignalAct, nonce = String(this.now)): string | undefined {
    const { digest } = scene.verified(who, act, this.now, {}, nonce);
    const verdict = this.state.verdicts.find((known) => known.digest === digest);
    return verdict?.reason ?? verdict?.status;
  }

  admit(over: Partial<Extract<AdmitOutcome, { outcome: 'admitted' }>> = {}): this {
    const { opened } = this;
    const at = instant(this.now);
    const rest = { at, opened, extra_approvers: 0, escalated: false, receipt: scene.receipt('request') };
    return this.tell({ type: 'admitted', outcome: { outcome: 'admitted', ...rest, ...over } });
  }

  survey(): this {
    const survey = { holders: ['somebody'], principal_assignments: [] };
    return this.tell({
      type: 'surveyed',
      outcome: { outcome: 'surveyed', survey, receipt: scene.receipt('surveyed') },
    });
  }

  get deadline(): number {
    return scene.T0 + 40 * scene.MINUTE;
  }

  issue(reissued = false, over: { signed?: SignedIntent; warrant?: string | null } = {}): this {
    const receipt = scene.receipt('intent');
    const said = { signed: scene.intentUntil(this.deadline), warrant: 'warrant', ...over };
    return this.tell({ type: 'issued', outcome: { outcome: 'issued', ...said, reissued, receipt } });
  }

  issueRefused(standing = false): this {
    const intent = standing ? scene.intentUntil(this.deadline) : null;
    const standing_receipt = standing ? scene.receipt('intent') : null;
    const outcome = { outcome: 'refused' as const, code: 'not_now', message: 'no', standing: intent, standing_receipt };
    return this.tell({ type: 'issued', outcome });
  }

  granted(over: Partial<Extract<ApplyOutcome, { outcome: 'granted' }>> = {}): this {
    return this.tell({
      type: 'applied',
      outcome: {
        outcome: 'granted',
        provider_request_id: 'r',
        provider_status: 'Provisioned',
        ends_at: instant(this.deadline + 10 * scene.MINUTE),
        adopted: false,
        receipt: scene.receipt('granted'),
        ...over,
      },
    });
  }

  warrantExpired(): this {
    return this.tell({ type: 'applied', outcome: { outcome: 'warrant_expired', at: instant(this.now) } });
  }

  applyRefused(clean: boolean): this {
    const outcome = { outcome: 'refused' as const, code: 'RoleNotFound', message: 'no such role', clean };
    return this.tell({ type: 'applied', outcome: { ...outcome, receipt: scene.receipt('not_granted') } });
  }

  verified(findings: Finding[] = [], endsAt: string | null = instant(this.deadline + 10 * scene.MINUTE)): this {
    return this.tell({
      type: 'verified',
      outcome: { outcome: 'present', ends_at: endsAt, findings, receipt: scene.receipt('verified') },
    });
  }

  watched(findings: Finding[]): this {
    return this.tell({ type: 'watched', outcome: { findings, holders: ['somebody', 'another'] } });
  }

  removed(word: 'revoked' | 'gone' = 'revoked'): this {
    const outcome: RollbackOutcome = {
      outcome: 'removed',
      word,
      at: instant(this.now),
      receipt: scene.receipt(`removal/${this.state.reseal?.round ?? 0}`),
    };
    return this.tell({ type: 'rolled_back', round: this.state.reseal?.round ?? 0, outcome });
  }

  nothingSeen(findings: Finding[] = []): this {
    const receipt = scene.receipt(`removal/${this.state.reseal?.round ?? 0}`);
    const outcome: RollbackOutcome = { outcome: 'nothing_seen', at: instant(this.now), findings, receipt };
    return this.tell({ type: 'rolled_back', round: this.state.reseal?.round ?? 0, outcome });
  }

  tooShort(retryInMs: number): this {
    const receipt = scene.receipt(`removal/${this.state.reseal?.round ?? 0}`);
    const times = { at: instant(this.now), retry_at: instant(this.now + retryInMs) };
    return this.tell({
      type: 'rolled_back',
      round: this.state.reseal?.round ?? 0,
      outcome: { outcome: 'too_short', ...times, receipt },
    });
  }

  absent(findings: Finding[] = []): this {
    const at = instant(this.now);
    const receipt = scene.receipt('confirmed');
    const outcome: AbsenceOutcome = { outcome: 'absent', observed_at: at, confirmed_at: at, findings, receipt };
    return this.tell({ type: 'absence', round: this.state.reseal?.round ?? 0, outcome });
  }

  present(): this {
    const receipt = scene.receipt(`reappeared/${this.state.reseal?.round ?? 0}`);
    return this.tell({
      type: 'absence',
      round: this.state.reseal?.round ?? 0,
      outcome: { outcome: 'present', at: instant(this.now), receipt },
    });
  }

  sessionsEnded(): this {
    return this.tell({ type: 'sessions_ended', at: instant(this.now), receipt: scene.receipt('sessions_ended') });
  }

  /** The authority's end mark, and what stands beside it. */
  marked(standing = this.state.signed): this {
    const standing_receipt = standing === null ? null : scene.receipt('intent');
    return this.tell({ type: 'marked', standing, standing_receipt, receipt: scene.receipt('end_mark') });
  }

  /** An effect, or the verifier, says that the intent is not the authority's. */
  notAuthentic(): this {
    const round = this.state.reseal?.round ?? 0;
    const outcome = { outcome: 'not_authentic' as const, at: instant(this.now) };
    const type = this.state.reseal?.step === 'checking' ? 'absence' : 'rolled_back';
    return this.tell({ type, round, outcome });
  }

  /** The register takes all that waits. */
  append(): this {
    return this.tell({ type: 'appended', transitions: this.state.outbox.map(({ transition }) => transition) });
  }

  audited(outcome: 'audited' | 'missing' = 'audited'): this {
    return this.tell({ type: 'audited', outcome, at: instant(this.now), receipt: scene.receipt('audited') });
  }

  toAwaitingApproval(): this {
    return this.admit().survey();
  }

  toIssuing(): this {
    return this.toAwaitingApproval().say(scene.bob, 'approve').say(scene.carol, 'approve');
  }

  toGranting(): this {
    return this.toIssuing().issue();
  }

  toActive(): this {
    return this.toGranting().granted().verified();
  }

  /** Active, then closed by the invoker: the rollback is wanted. */
  toResealing(): this {
    return this.toActive()
      .after(10 * scene.MINUTE)
      .say(scene.alice, 'close');
  }

  /** From resealing to the end: removed, absent, and everything that is left to do done. */
  wrapUp(): this {
    this.removed().absent();
    if (this.wants().includes('end_sessions')) this.sessionsEnded();
    if (this.wants().includes('mark')) this.marked();
    if (this.wants().includes('audit')) this.audited();
    return this.append();
  }
}

export const run = (opened: Partial<Opened> = {}): CeremonyRun => new CeremonyRun(opened);
