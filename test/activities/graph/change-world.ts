import { expect } from 'vitest';

import type { Receipt } from '../../../domain/entry.js';
import type { Intent, SignedIntent } from '../../../domain/intent.js';
import { INTENT_PAYLOAD_TYPE } from '../../../domain/intent.js';
import {
  absenceOutcomeSchema,
  applyOutcomeSchema,
  rollbackOutcomeSchema,
  type Survey,
} from '../../../domain/outcomes.js';
import type { Request } from '../../../domain/request.js';
import type { EffectTasks, VerifierTasks } from '../../../domain/tasks.js';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import { signDsse } from '../../../proofs/dsse.js';
import { makeMarker } from '../../../proofs/marker.js';
import { mintWarrant } from '../../../proofs/warrant.js';
import { instant } from '../../../domain/identifiers.js';
import { runAttempts, type RunOptions } from './attempts.js';
import { MINUTE } from './in-a-world.js';
import { ALICE, EVIDENCE, type Unbound, type World } from './world.js';

const EVENT = '0123456789abcdef';
type Target = Pick<Intent, 'kind' | 'tuple'>;
type Rest = Omit<Parameters<EffectTasks['rollback']>[0], 'signed' | 'round'> & { round?: number };

/** A tenant in which something without a dead man of Graph's is changed: the role that does, and the second identity. */
export abstract class ChangeWorld {
  endMark: () => Promise<string | undefined> = () => Promise.resolve(undefined);

  constructor(readonly world: World) {}

  abstract get tasks(): Unbound<EffectTasks>;
  abstract get verifier(): Unbound<VerifierTasks>;
  abstract request(): Request;

  async apply(signed: SignedIntent, options: RunOptions = {}, first = true) {
    const { authority, clock } = this.world;
    const warrant = await mintWarrant(signed.intent, authority, clock.now(), 30 * 60);
    const ran = await runAttempts(this.tasks.apply, { signed, evidence: EVIDENCE, warrant, first }, clock, options);
    expect(applyOutcomeSchema.parse(ran.result)).toEqual(ran.result);
    return ran;
  }

  /** The id that Graph gave it. */
  async granted(signed: SignedIntent): Promise<string> {
    const { result } = await this.apply(signed);
    if (result.outcome !== 'granted') throw new Error(JSON.stringify(result));
    return result.provider_request_id;
  }

  async rollback(signed: SignedIntent, input: Rest = {}, options: RunOptions = {}) {
    const ran = await runAttempts(this.tasks.rollback, { signed, round: 1, ...input }, this.world.clock, options);
    expect(rollbackOutcomeSchema.parse(ran.result)).toEqual(ran.result);
    return ran;
  }

  async checked(signed: SignedIntent, survey: Survey | null, input: { refused?: true; shown?: Receipt[] } = {}) {
    const { shown } = this.world;
    const asked = { signed, survey, round: 1, settle_until: null, patience: 3, shown, ...input };
    const ran = await runAttempts(this.verifier.verifyRolledBack, asked, this.world.clock, { maxAttempts: 200 });
    return { ...ran, outcome: absenceOutcomeSchema.parse(ran.result) };
  }

  async survey(request = this.request()) {
    const input = { request, request_digest: '1'.repeat(64) };
    return (await runAttempts(this.verifier.survey, input, this.world.clock)).result;
  }

  async surveyed(): Promise<Survey> {
    const outcome = await this.survey();
    if (outcome.outcome !== 'surveyed') throw new Error(outcome.message);
    return outcome.survey;
  }

  /** An intent of half an hour, signed by the world's authority. */
  protected signedIntent(target: Target, change: Partial<Intent>): SignedIntent {
    const { authority, clock } = this.world;
    const deadline = instant(clock.now() + 30 * MINUTE);
    const intent = {
      schema: 'reseal.intent.v1',
      event_id: EVENT,
      round: 1,
      ...target,
      end_sessions: true,
      request_digest: '1'.repeat(64),
      policy_digest: '2'.repeat(64),
      evidence_digest: '3'.repeat(64),
      quorum: 'full',
      issued_at: instant(clock.now()),
      deadline,
      dead_man: null,
      marker: makeMarker({ event_id: EVENT, deadline, tuple: target.tuple }, authority.privateKey),
      ...change,
    } as Intent;
    const payload = Buffer.from(canonicalJson(intent), 'utf8');
    return { intent, envelope: signDsse({ payloadType: INTENT_PAYLOAD_TYPE, payload, key: authority }) };
  }

  /** What alice asks for, half an hour long. */
  protected requestFor(effect: Request['effect'], over: Partial<Request>): Request {
    return {
      event_id: EVENT,
      profile: 'mfa-out',
      reason_code: 'incident',
      justification: 'the second factor is down for everybody tonight',
      ticket: null,
      duration_seconds: 1800,
      invoker: { person: 'alice', upn: 'alice@example.test' },
      principal: { object_id: ALICE, upn: 'alice@example.test' },
      effect,
      policy_digest: '2'.repeat(64),
      requested_at: '2026-06-01T10:00:00.000Z',
      ...over,
    };
  }
}
