import { Context } from '@temporalio/activity';

import type { Receipt } from '../../../domain/entry.js';
import type { Intent } from '../../../domain/intent.js';
import type { AdmittedGrant } from './admitted-grant.js';
import type { ApplyProgress } from './apply-progress.js';
import { receiptOf, type GraphDeps } from '../effect-deps.js';

/** What is told of every attempt to grant: which one it was, what it sent, and under which warrant, if any held. */
export interface GrantCalls {
  attempt: number;
  client_request_ids: string[];
  admitted?: AdmittedGrant;
}

/**
 * The effect's signed word on a grant. It carries the warrant as the authority signed it, with the time at which the gate
 * took it, so that a reader can judge it again. A warrant is no secret: without this role's credential it does nothing.
 */
export function grantReceipt(
  deps: GraphDeps,
  intent: Intent,
  word: 'granted' | 'not_granted',
  data: Record<string, unknown>,
  { attempt, client_request_ids, admitted }: GrantCalls,
): Receipt {
  const application_id = deps.access.applicationId(intent.tuple.tenant_id);
  const under = admitted === undefined ? {} : warrantNamed(admitted);
  const calls = { attempt, client_request_ids, application_id, ...under };
  // A refusal speaks of the calls of one activity: it says in whose run, so that nobody takes it for another's.
  const told = word === 'granted' ? data : { ...data, run_id: Context.current().info.workflowExecution?.runId ?? '' };
  const { round } = intent;
  const type = round === 1 ? word : EXTENDING[word];
  const transition = round === 1 ? word : `${type}/${round}`;
  return receiptOf(deps, intent, { type, transition, data: { ...told, ...calls } });
}

/** The same of a later round. */
const EXTENDING = { granted: 'extended', not_granted: 'not_extended' } as const;

const warrantNamed = ({ warrant, token, judged_at }: AdmittedGrant) => ({
  warrant_id: warrant.jti,
  warrant_scope_hash_b64u: warrant.token_scope_hash_b64u,
  warrant: token,
  warrant_judged_at: judged_at,
});

/** Whether nothing that went before this attempt can become a grant; a crash between two attempts leaves a gap. */
export function isChained(
  first: boolean,
  attempt: number,
  { resumed, details }: { resumed: boolean; details: ApplyProgress },
): boolean {
  // An attempt numbered 1 that finds details was started anew by somebody: what went before is not known.
  return first && (attempt === 1 ? !resumed : details.clean_through === attempt - 1);
}
