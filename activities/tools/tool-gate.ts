import type { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';

import { contractRefusal, toolCallOn } from '../../domain/contract-targets.js';
import { cutUnits } from '../../domain/cut-text.js';
import type { SignedIntent } from '../../domain/intent.js';
import type { JobClaims } from '../../domain/job.js';
import { isJobTool } from '../../domain/job-tools.js';
import {
  jobEndedSchema,
  kindRefusal,
  targetRefusal,
  toolBodySchema,
  toolCallSchema,
  verbOf,
  type ToolBody,
  type ToolInput,
  type ToolOutcome,
} from '../../domain/tool-call.js';
import { judgeHolding } from '../../proofs/holder-proof.js';
import { judgeJobToken } from '../../proofs/job-token.js';
import { admitCall, type AdmittedCall } from './admitted-call.js';
import { refusedCall } from './call-receipt.js';
import type { ToolDeps } from './tool-deps.js';

type Refused = { ok: false; code: string; message: string; job: JobClaims | null };
type Judged = { ok: true; call: AdmittedCall } | Refused;

/**
 * What stands before a role's tools, on every attempt. Everything that a call says is verified here, from this role's own
 * roots and on its own clock: the authority's token, that the caller holds the job's key, that the proof is for this very
 * request and new, that the tool is the job's and the contract's, that the target is the intent's. Other activities pass.
 */
export const toolGate =
  (deps: ToolDeps): ActivityInterceptorsFactory =>
  (context) => ({
    inbound: {
      execute: (input, next) =>
        context.info.activityType === 'tool'
          ? passToolGate(deps, context, input.args[0], () => next(input))
          : next(input),
    },
  });

/** Runs one attempt of a call, or answers why not, signed by this role. What is not even a call fails for good. */
export async function passToolGate<Result>(
  deps: ToolDeps,
  context: Context,
  given: unknown,
  run: () => Promise<Result>,
): Promise<Result | ToolOutcome> {
  const { evidence, warrant, withheld, made, ...call } = Object(given) as Record<string, unknown>;
  const parsed = toolCallSchema.safeParse(call);
  if (!parsed.success) throw ApplicationFailure.nonRetryable('this is not a call of a tool', 'input_malformed');
  const input = { ...parsed.data, evidence, warrant, withheld, made } as ToolInput;
  const judged = await judge(deps, context, input);
  if (!judged.ok) return refusedCall(deps, input, judged, judged.job);
  admitCall(judged.call);
  return run();
}

async function judge(deps: ToolDeps, context: Context, input: ToolInput): Promise<Judged> {
  const { authorityKey, role, clock } = deps;
  const { event_id, tool, body, token, proof } = input;
  const nowMs = clock.now();
  const verb = verbOf(tool);
  const evenIfOver = verb === 'ended';
  const held = judgeJobToken(token, { eventId: event_id, role, authorityKey, nowMs, evenIfOver });
  if (!held.ok) return held;
  const { claims, signed } = held;
  const refuse = (code: string, message: string): Refused => ({ ok: false, code, message, job: claims });
  const proven = judgeHolding(proof, { token, tool, body, jkt: claims.cnf.jkt, nowMs });
  if (!proven.ok) return refuse(proven.code, proven.message);
  const { runId } = context.info.workflowExecution ?? {};
  switch (deps.used.use(proven.claims, `${runId ?? ''}/${context.info.activityId}`)) {
    case 'again':
      return refuse('proof_replayed', 'this very proof was used before');
    case 'too_old':
      return refuse('proof_stale', 'it was made before this process began: prove it again');
    case 'too_many':
      return refuse('too_many_calls', 'too many calls at once: try again');
    case 'first':
  }
  const call = { input, claims, callId: proven.claims.jti, signed };
  const misled = (): Refused => refuse('token_foreign', `${role} does not do this: send it where it belongs`);
  if (verb === 'ended' || verb === 'receipt') {
    if (!(verb in deps.verbs)) return misled();
    if (verb === 'receipt') return { ok: true, call: { ...call, verb, body: NOTHING_ASKED } };
    const ended = jobEndedSchema.safeParse(body);
    if (!ended.success)
      return refuse('body_malformed', `expected {status, signal, halted}: ${firstIssue(ended.error)}`);
    return { ok: true, call: { ...call, verb, body: NOTHING_ASKED } };
  }
  if (verb === undefined || !isJobTool(tool)) return refuse('tool_unknown', 'Reseal has no such tool');
  if (!claims.scope.includes(tool)) return refuse('tool_not_in_scope', 'the job was not let in for this tool');
  if (!(verb in deps.verbs)) return misled();
  const read = toolBodySchema.safeParse(body);
  if (!read.success) return refuse('body_malformed', `expected {target?, receipts?}: ${firstIssue(read.error)}`);
  const foreign = kindRefusal(signed.intent, tool) ?? targetRefusal(signed.intent, read.data.target);
  if (foreign !== undefined) return refuse(foreign.code, foreign.message);
  const outside = contractObjection(deps, signed, tool, nowMs);
  if (outside !== undefined) return refuse(outside.code, outside.message);
  return { ok: true, call: { ...call, verb, body: read.data } };
}

/** A job's call needs the contract in force; the ceremony's own rollback never asks. */
function contractObjection(
  { carrying }: ToolDeps,
  { intent }: SignedIntent,
  tool: string,
  nowMs: number,
): { code: string; message: string } | undefined {
  const under = carrying(intent.policy_digest, nowMs);
  if (!under.ok) return under;
  return contractRefusal(under.contract, toolCallOn(tool, intent.tuple), under.roster);
}

const NOTHING_ASKED: ToolBody = { target: {}, receipts: [] };

const firstIssue = ({ issues: [issue] }: { issues: { path: PropertyKey[]; message: string }[] }): string =>
  cutUnits(`${issue?.path.map(String).join('.') ?? ''}: ${issue?.message ?? ''}`, 200);
