import type { Receipt } from '../../domain/entry.js';
import type { Intent } from '../../domain/intent.js';
import type { WarrantClaims } from '../../domain/warrant.js';
import type { ApplyProgress } from './apply-progress.js';
import { receiptOf, type GraphDeps } from './effect-deps.js';

/** What is told of every attempt to grant: which one it was, what it sent, and under which warrant, if any held. */
export interface GrantCalls {
  attempt: number;
  client_request_ids: string[];
  warrant?: WarrantClaims;
}

/** The effect's signed word on a grant. The warrant's scope hash follows from the intent, so that a reader can check it. */
export function grantReceipt(
  deps: GraphDeps,
  intent: Intent,
  word: 'granted' | 'not_granted',
  data: Record<string, unknown>,
  { attempt, client_request_ids, warrant }: GrantCalls,
): Receipt {
  const application_id = deps.access.applicationId(intent.tuple.tenant_id);
  const under =
    warrant === undefined ? {} : { warrant_id: warrant.jti, warrant_scope_hash_b64u: warrant.token_scope_hash_b64u };
  const calls = { attempt, client_request_ids, application_id, ...under };
  return receiptOf(deps, intent, { type: word, transition: word, data: { ...data, ...calls } });
}

/** Whether nothing that went before this attempt can become a grant; a crash between two attempts leaves a gap. */
export function isChained(
  first: boolean,
  attempt: number,
  { resumed, details }: { resumed: boolean; details: ApplyProgress },
): boolean {
  // An attempt numbered 1 that finds details was started anew by somebody: what went before is not known.
  return first && (attempt === 1 ? !resumed : details.clean_through === attempt - 1);
}
