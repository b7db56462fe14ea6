import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';

import type { EntryPayload, Receipt } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import { signedIntentSchema, type Intent } from '../../domain/intent.js';
import type { KillOutcome } from '../../domain/kill-state.js';
import type { HaltTasks } from '../../domain/tasks.js';
import { canonicalJson, digestOf, sha256Hex } from '../../proofs/canonical-json.js';
import { verifyIntent, type AuthorityKey } from '../../proofs/signed-intent.js';
import type { Clock } from '../clock.js';
import { waitFor } from '../graph/wire/graph-error.js';
import type { NoticeChannel, NoticeMessage, SendOutcome } from './channel.js';

/** What it takes to have foreign runtimes halt jobs. */
export interface HaltDeps {
  readonly clock: Clock;
  readonly authorityKey: AuthorityKey;
  /** Signs with the role's key. */
  readonly sign: (payload: EntryPayload) => Receipt;
  /** By the names that policies use. */
  readonly runtimes: ReadonlyMap<string, NoticeChannel>;
  /** The jobs that were let into an event, as the ledger has them, in its order. */
  readonly jobsOf: (eventId: string) => Promise<string[]>;
}

const inputSchema = z.strictObject({ signed: signedIntentSchema, index: z.number().int().min(0).max(64) });

/** A receiver's own wish counts up to twenty minutes. */
const MOST_MS = 5 * 60_000;
const MOST_WISHED_SECONDS = 20 * 60;

/**
 * Tells one runtime, which the signed intent names, to halt the jobs of its event: one signed POST an attempt, with the same
 * id in every attempt, until the runtime has taken it (2xx) or says that it wants no more of it (410). What it does then is
 * the runtime's: no job has a token that outlives the end mark by more than its minutes.
 */
export function haltJobTask(deps: HaltDeps): HaltTasks['haltJob'] {
  return async (given) => {
    const input = inputSchema.safeParse(given);
    if (!input.success) throw ApplicationFailure.nonRetryable('expected {signed, index}', 'input_malformed');
    const { signed, index } = input.data;
    if (!verifyIntent(signed, deps.authorityKey).ok)
      throw waitFor('intent_not_authentic', "the authority's signature on the intent does not verify", 60_000);
    const { intent } = signed;
    const runtime = intent.on_kill?.halt_job?.[index];
    if (runtime === undefined)
      throw ApplicationFailure.nonRetryable('the intent names no such runtime', 'not_in_the_intent');
    const channel = deps.runtimes.get(runtime);
    if (channel === undefined)
      throw waitFor('runtime_unknown', `job_runtimes in the settings does not name ${runtime}: add it there`, 60_000);
    const { attempt, scheduledTimestampMs } = Context.current().info;
    const jobs = await deps.jobsOf(intent.event_id);
    const message = messageOf(intent, { runtime, index, jobs, at: instant(scheduledTimestampMs) });
    const sent = await channel.send(message, Context.current().cancellationSignal);
    if (sent.code !== null && sent.final !== true) throw again(runtime, sent, attempt);
    const result = sent.code === null ? 'done' : 'refused';
    const code = sent.code === null ? null : 'runtime_gone';
    const told = { result, code, runtime, status: sent.status, jobs: jobs.length, attempt } as const;
    return outcomeOf(deps, intent, index, { ...told, webhook_id: message.id, body_sha256: sha256Hex(message.body) });
  };
}

/** As other webhooks of Reseal's: `id`, `type`, `timestamp` and `event_id` first, then what it is about. */
function messageOf(
  { event_id, tuple, deadline }: Intent,
  { runtime, index, jobs, at }: { runtime: string; index: number; jobs: string[]; at: string },
): NoticeMessage {
  const id = `halt_job-${event_id}-${index}`;
  const { tenant_id, principal_id } = tuple;
  const body = { id, type: HALT, timestamp: at, event_id, runtime, jobs, tenant_id, principal_id, deadline };
  const summary = `halt the jobs of ${event_id}`;
  return { id, type: HALT, event_id, summary, body: canonicalJson({ ...body, summary }) };
}
const HALT = 'halt_job';

function outcomeOf(
  { clock, sign }: HaltDeps,
  intent: Intent,
  index: number,
  told: { result: KillOutcome['result']; code: string | null } & Record<string, unknown>,
): KillOutcome {
  const { event_id, policy_digest } = intent;
  const at = instant(clock.now());
  const data = { intent_digest: digestOf(intent), policy_digest, ...told };
  const transition = `job_halted/${index}`;
  const receipt = sign({ schema: 'reseal.entry.v1', event_id, transition, type: 'job_halted', at, data });
  return { result: told.result, code: told.code, at, receipt };
}

/** Later each time, without limit: 5 s, 10 s, 20 s, up to five minutes, or when the runtime says. */
function again(runtime: string, { code, status, retry_after = 0 }: SendOutcome, attempt: number): Error {
  const growing = Math.min(MOST_MS, 5_000 * 2 ** Math.min(10, attempt - 1));
  const wished = Math.min(retry_after, MOST_WISHED_SECONDS) * 1000;
  const said = `${code ?? 'unknown'}${status === null ? '' : ` ${status}`}`;
  return waitFor('runtime_not_told', `${runtime} did not take it: ${said}`, Math.max(growing, wished));
}
