import {
  ActivityFailure,
  ApplicationFailure,
  condition,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  uuid4,
} from '@temporalio/workflow';
import { MAX_FOLLOW_UP_STATEMENTS } from '../domain/follow-up.js';
import {
  followedUpSchema,
  followUpInputSchema,
  followUpOutcomeSchema,
  followUpVerifiedSchema,
  lookOutcomeSchema,
  type FollowUpAuthorityTasks,
  type FollowUpInput,
  type FollowUpOutcome,
  type FollowUpStanding,
  type FollowUpVerifierTasks,
  type LookedAt,
  type RestoreTasks,
  type TakeBackTasks,
} from '../domain/follow-up-tasks.js';
import type { OutboxItem, Receipt } from '../domain/entry.js';
import { instant } from '../domain/identifiers.js';
import { TASK_QUEUES, type Role } from '../domain/roles.js';
import { signedStatementSchema, type SignedStatement } from '../domain/statement.js';
import { recorded } from './recorded.js';

/** One more statement about the same. */
export const statementSignal = defineSignal<[SignedStatement]>('statement');
export const standingQuery = defineQuery<FollowUpStanding>('standing');

/** As long as an order is good, and some more: what a role never answered is said to be unanswered. */
const bounded = {
  startToCloseTimeout: '60s',
  scheduleToCloseTimeout: '40m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '60s' },
} as const;
const of = <Tasks>(role: Role, summary: string) =>
  proxyActivities<Tasks & object>({ ...bounded, taskQueue: TASK_QUEUES[role], summary });
const authority = proxyActivities<FollowUpAuthorityTasks>({
  taskQueue: TASK_QUEUES.authority,
  startToCloseTimeout: '15s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '20s' },
  summary: 'judge what people signed',
});

/** Second signatures are waited for as long as a statement can live. */
const WAIT = '24h';

type Ordered = Extract<FollowUpOutcome, { outcome: 'ordered' }>;
type Step = Extract<FollowUpStanding, { status: 'done' }>['steps'][number];

/**
 * Carries out what people sign once a ceremony was killed. It decides nothing: the authority judges the statements, the roles
 * that act judge them again, and the verifier looks before and after. Each word of theirs is in the ledger before the answer.
 */
export async function followUp(raw: FollowUpInput): Promise<FollowUpStanding> {
  const input = followUpInputSchema.safeParse(raw);
  if (!input.success) throw ApplicationFailure.nonRetryable('expected {event_id, envelope, report}', 'invalid_input');
  const { event_id, report } = input.data;
  const statements = [input.data.envelope];
  let standing: FollowUpStanding = { status: 'working', doing: 'judging what was signed' };
  setHandler(standingQuery, () => standing);
  // Anybody can signal: what is no statement, came before, or is too much is not kept.
  setHandler(statementSignal, (said) => {
    const parsed = signedStatementSchema.safeParse(said);
    if (!parsed.success || statements.length >= MAX_FOLLOW_UP_STATEMENTS) return;
    if (
      !statements.some(
        ({ payload, signature }) => payload === parsed.data.payload && signature === parsed.data.signature,
      )
    )
      statements.push(parsed.data);
  });
  const judge = async (look: Receipt | null): Promise<FollowUpOutcome> => {
    const answer = await authority.followUp({ event_id, report, statements: [...statements], look });
    const parsed = followUpOutcomeSchema.safeParse(answer);
    if (!parsed.success)
      throw ApplicationFailure.nonRetryable('the authority gave no usable answer', 'no_usable_answer');
    return parsed.data;
  };
  const end = async (outcome: FollowUpOutcome): Promise<FollowUpStanding> => {
    if (outcome.outcome === 'refused') {
      await recorded(event_id, outcome.receipt);
      return { status: 'refused', code: outcome.code, message: outcome.message };
    }
    return { status: 'refused', code: 'quorum_not_met', message: 'not enough people have signed in time' };
  };
  for (;;) {
    const heard = statements.length;
    const judged = await judge(null);
    if (judged.outcome === 'waiting') {
      const { outcome: _outcome, ...counted } = judged;
      standing = { status: 'waiting', ...counted };
      if (await condition(() => statements.length > heard, WAIT)) continue;
      return (standing = await end(judged));
    }
    if (judged.outcome !== 'look') return (standing = await end(judged));
    standing = { status: 'working', doing: 'looking at how things stand' };
    const seen = await answered(async () =>
      lookOutcomeSchema.parse(
        await of<FollowUpVerifierTasks>('verifier', 'how does it stand now?').lookAgain({
          signed: judged.signed,
          report_digest: judged.report_digest,
          at: judged.at,
        }),
      ),
    );
    if (!seen.ok) {
      await recorded(event_id, unanswered(event_id, 'verifier', 'look', seen.code));
      return (standing = { status: 'refused', code: 'look_refused', message: 'the verifier did not answer' });
    }
    await recorded(event_id, seen.value.receipt);
    const ordered = await judge(seen.value.receipt);
    if (ordered.outcome !== 'ordered') return (standing = await end(ordered));
    await recorded(event_id, ordered.order);
    standing = { status: 'working', doing: 'carrying it out' };
    return (standing = await carryOut(event_id, ordered, (doing) => (standing = { status: 'working', doing })));
  }
}

async function carryOut(eventId: string, ordered: Ordered, tell: (doing: string) => void): Promise<FollowUpStanding> {
  const { signed, order, at, order_digest, things } = ordered;
  const step = async (what: string, role: Role, ask: () => Promise<unknown>): Promise<Step> => {
    const outcome = await answered(async () => followedUpSchema.parse(await ask()));
    if (outcome.ok) {
      await recorded(eventId, outcome.value.receipt);
      return { what, result: outcome.value.result, code: outcome.value.code };
    }
    const { code } = outcome;
    await recorded(eventId, unanswered(eventId, role, `${order_digest.slice(0, 32)}/${what}`, code));
    return { what, result: code === null ? 'unanswered' : 'refused', code };
  };
  const steps = await Promise.all(
    at.act === 'restore_account'
      ? [
          step('account', 'effect:entra.account', () =>
            of<RestoreTasks>('effect:entra.account', 'enable the account').restoreAccount({ signed, order }),
          ),
        ]
      : things.map(({ digest, via }) => {
          const role = via === 'pim' ? 'effect:entra.directory_role' : 'effect:entra.role_assignment';
          const takeBack = () => of<TakeBackTasks>(role, 'take it back').takeBack({ signed, order, digest });
          return step(digest.slice(0, 32), role, takeBack);
        }),
  );
  const did = doneOf(at, ordered, steps);
  if (did === undefined) return { status: 'done', steps, confirmed: null };
  tell('reading whether it is so');
  const verified = await answered(async () =>
    followUpVerifiedSchema.parse(
      await of<FollowUpVerifierTasks>('verifier', 'is it so?').verifyFollowUp({ signed, order_digest, at: did }),
    ),
  );
  const about = order_digest.slice(0, 32);
  await recorded(eventId, verified.ok ? verified.value.receipt : unanswered(eventId, 'verifier', about, verified.code));
  return { status: 'done', steps, confirmed: verified.ok ? verified.value.confirmed : null };
}

/** What there is to verify: that which its role says is done, or may have done without having answered. */
function doneOf(at: LookedAt, { things }: Ordered, steps: readonly Step[]): LookedAt | undefined {
  const tried = (what: string): boolean => steps.some((step) => step.what === what && step.result !== 'refused');
  if (at.act === 'restore_account') return tried('account') ? at : undefined;
  const entries = at.entries.filter((_, index) => tried(things[index]?.digest.slice(0, 32) ?? ''));
  return entries.length === 0 ? undefined : { act: 'take_back', entries };
}

type Answered<T> = { ok: true; value: T } | { ok: false; code: string | null };

/** `code` is what a role refused for good by; null where no usable answer came while the order was good. */
async function answered<T>(ask: () => Promise<T>): Promise<Answered<T>> {
  try {
    return { ok: true, value: await ask() };
  } catch (error) {
    if (isCancellation(error)) throw error;
    if (error instanceof ActivityFailure) {
      const { cause } = error;
      const isFinal = cause instanceof ApplicationFailure && cause.nonRetryable === true;
      return { ok: false, code: isFinal && CODE.test(cause.type ?? '') ? (cause.type ?? null) : null };
    }
    if (error instanceof Error && error.name === 'ZodError') return { ok: false, code: null };
    throw error;
  }
}
const CODE = /^[a-z0-9_]{1,64}$/;

/** The workflow holds no key: the register signs that it was told so. */
function unanswered(event_id: string, role: Role, about: string, code: string | null): OutboxItem {
  const transition = `follow_up_unanswered/${uuid4()}`;
  const at = instant(Date.now());
  const type = 'follow_up_unanswered' as const;
  const data = { role, about, code };
  return { transition, draft: { schema: 'reseal.entry.v1', event_id, transition, type, at, data } };
}
