import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

import type { SignedIntent } from '../../domain/intent.js';
import type { JobClaims } from '../../domain/job.js';
import type { ToolBody, ToolInput, ToolVerb } from '../../domain/tool-call.js';

/** A call that was judged: whose it is, what it asks for, and on what. */
export interface AdmittedCall {
  readonly input: ToolInput;
  readonly claims: JobClaims;
  /** The proof's id. */
  readonly callId: string;
  readonly signed: SignedIntent;
  readonly verb: ToolVerb;
  readonly body: ToolBody;
}

/** By attempt: each has a context of its own, which no argument of an activity can name. */
const admitted = new WeakMap<Context, AdmittedCall>();

/** Says that this attempt may act. Only the gate says so. */
export const admitCall = (call: AdmittedCall): void => void admitted.set(Context.current(), call);

/** The call of this attempt. Throws where no gate stands before the activity: without one no tool does anything. */
export function admittedCall(): AdmittedCall {
  const call = admitted.get(Context.current());
  if (call === undefined) throw ApplicationFailure.nonRetryable('no gate has admitted this call', 'call_not_admitted');
  return call;
}
