import { ApplicationFailure } from '@temporalio/common';
import type { Context } from '@temporalio/activity';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import { signedIntentSchema, type SignedIntent } from '../../../domain/intent.js';
import type { ApplyOutcome } from '../../../domain/outcomes.js';
import type { Role } from '../../../domain/roles.js';
import type { Evidence } from '../../../domain/tasks.js';
import { RENEWABLE, warrantTokenSchema } from '../../../domain/warrant.js';
import { judgeWarrant } from '../../../proofs/warrant.js';
import { admit, type AdmittedGrant } from './admitted-grant.js';
import { applyProgressSchema, NOTHING_APPLIED } from './apply-progress.js';
import { waitFor } from '../wire/graph-error.js';
import { authorityKeyAmong, isAuthentic, receiptAlone, type GraphDeps } from '../effect-deps.js';
import { grantReceipt, isChained } from './grant-receipt.js';

/** Whether the evidence carries this intent, by the effect's own roster, policy and clock; `nowMs` is epoch milliseconds. */
export type Judge = (
  signed: SignedIntent,
  evidence: Evidence,
  nowMs: number,
) => { ok: true } | { ok: false; code: string; message: string };

export interface GateDeps extends GraphDeps {
  /** The role that stands behind this gate: warrants for another are refused. */
  readonly role: Role;
  readonly judge: Judge;
  /**
   * Why the authority's journal says that the event has ended, or undefined where it does not; rejects where it cannot be read.
   * For effects without Graph's five-minute floor: the age of a warrant does not bound what may have happened since.
   */
  readonly endMark?: (eventId: string) => Promise<string | undefined>;
}

/**
 * Graph removes no assignment in its first five minutes; less a minute by which clocks may differ, no warrant is taken that
 * could be older than a grant which was made under it and has been removed since.
 */
const MAX_AGE_SECONDS = 240;

/** The judge looks at the evidence itself, whatever it is. */
const inputSchema = z.object({
  signed: signedIntentSchema,
  evidence: z.custom<Evidence>((value) => typeof value === 'object' && value !== null),
  warrant: warrantTokenSchema.nullable().default(null),
  first: z.boolean(),
});
type GrantInput = z.output<typeof inputSchema>;

/**
 * What stands before the activities of the role that changes directory roles, on every attempt: `apply` runs only under an
 * intent, evidence and a warrant that all verify here and agree. `rollback` takes privilege away: it passes with the intent
 * alone, which it looks at itself, and nothing that is missing or over can lock it out.
 */
export const grantGate =
  (deps: GateDeps): ActivityInterceptorsFactory =>
  (context) => ({
    inbound: {
      execute: (input, next) => {
        const name = context.info.activityType;
        if (name === 'apply') return passGate(deps, context, input.args[0], () => next(input));
        // An order is judged by the activity itself, and can lead to nothing but a rollback.
        if (name === 'rollback' || name === 'rollbackOnOrder') return next(input);
        // The same of an order to take back what a killed principal gave away: it can only remove.
        if (name === 'takeBack') return next(input);
        // Its own gate has judged it; what it grants passes `passGate` all the same.
        if (name === 'tool') return next(input);
        throw ApplicationFailure.nonRetryable(`no rule says what ${name} needs`, 'activity_unknown');
      },
    },
  });

/**
 * Runs one attempt to grant, or answers why not. Arguments are anybody's: what is not even an input fails for good, and
 * everything else is told, signed by this role.
 */
export async function passGate<Result>(
  deps: GateDeps,
  context: Context,
  given: unknown,
  run: () => Promise<Result>,
): Promise<Result | ApplyOutcome> {
  const input = inputSchema.safeParse(given);
  if (!input.success) throw ApplicationFailure.nonRetryable('this is not the input of a grant', 'input_malformed');
  const judged = judge(deps, input.data);
  if (!judged.ok) return refusal(deps, context, input.data, judged);
  const cause = await endMarkOf(deps, input.data.signed.intent.event_id);
  if (cause !== undefined) {
    const ended = { code: 'end_mark_stands', message: `an end mark stands: ${cause}` };
    return refusal(deps, context, input.data, ended);
  }
  admit(judged.grant);
  return run();
}

/** Fails closed: a journal that cannot be read is waited for, and nothing is granted meanwhile. */
async function endMarkOf({ endMark }: GateDeps, eventId: string): Promise<string | undefined> {
  if (endMark === undefined) return undefined;
  try {
    return await endMark(eventId);
  } catch {
    throw waitFor('end_mark_unread', "the authority's journal cannot be read: nothing is granted without it", 5_000);
  }
}

type Judged = { ok: true; grant: AdmittedGrant } | { ok: false; code: string; message: string };

const NOT_AUTHENTIC = 'intent_not_authentic';

function judge(deps: GateDeps, { signed, evidence, warrant }: GrantInput): Judged {
  const { authorityKeys, role } = deps;
  if (!isAuthentic(signed, authorityKeys))
    return { ok: false, code: NOT_AUTHENTIC, message: "the authority's signature on the intent does not verify" };
  const nowMs = deps.clock.now();
  const carried = deps.judge(signed, evidence, nowMs);
  if (!carried.ok) return carried;
  const authorityKey = authorityKeyAmong(authorityKeys);
  const { intent } = signed;
  const rules = { intent, role, authorityKey, nowMs, maxAgeSeconds: MAX_AGE_SECONDS };
  const judged = judgeWarrant(warrant, rules);
  if (!judged.ok) return judged;
  return { ok: true, grant: { warrant: judged.claims, token: warrant ?? '', judged_at: instant(nowMs) } };
}

function refusal(
  deps: GateDeps,
  { info }: Context,
  { signed, first }: GrantInput,
  { code, message }: { code: string; message: string },
): ApplyOutcome {
  if (RENEWABLE.has(code)) return { outcome: 'warrant_expired', at: instant(deps.clock.now()) };
  const { attempt } = info;
  const left: unknown = info.heartbeatDetails;
  const parsed = applyProgressSchema.safeParse(left);
  const details = parsed.success ? parsed.data : NOTHING_APPLIED;
  const clean = isChained(first, attempt, { resumed: left !== undefined && left !== null, details });
  const said = { code, message: message.slice(0, 500), clean };
  const calls = { attempt, client_request_ids: details.client_request_ids };
  // Of an intent that is nobody's the ledger is told that nothing was called, and nothing of what it says.
  const receipt =
    code === NOT_AUTHENTIC
      ? receiptAlone(deps, signed.intent.event_id, { ...refusedAs(signed), data: said })
      : grantReceipt(deps, signed.intent, 'not_granted', said, calls);
  return { outcome: 'refused', ...said, receipt };
}

/** What a refused intent claims to be decides under which name it is refused: nothing of another round is spoken of. */
const refusedAs = ({ intent: { round } }: SignedIntent) =>
  round === 1
    ? ({ type: 'not_granted', transition: 'not_granted' } as const)
    : ({ type: 'not_extended', transition: `not_extended/${round}` } as const);
