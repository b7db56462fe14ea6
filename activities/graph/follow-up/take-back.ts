import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';

import type { FollowedUp, TakeBackTasks } from '../../../domain/follow-up-tasks.js';
import { instant } from '../../../domain/identifiers.js';
import { assignmentPath } from '../assignment/assignments.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf } from '../effect-deps.js';
import { meaningOf } from '../pim/pim-status.js';
import { REQUESTS, scheduleRequestSchema } from '../pim/pim-wire.js';
import { backoffMs, toApplicationFailure, waitFor } from '../wire/graph-error.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { standingOf, thingOf, type ListedThing } from './listed-thing.js';
import { admitOrder, type FollowUpDeps } from './order.js';

/** Graph removes nothing in an assignment's first five minutes; a few seconds more were needed in practice. */
const FLOOR_MS = 305_000;

const progressSchema = z.object({
  /** A removal of this activity's was begun. */
  asked: z.boolean(),
  client_request_ids: z.array(z.string()).max(64),
});

/**
 * Takes one thing back that the principal of a killed ceremony gave to somebody, as an order names it: exactly that assignment
 * where it stands as it was listed, and nothing where somebody changed it since. `via` is what this role's credential can
 * remove.
 */
export function takeBack(deps: FollowUpDeps, via: ListedThing['via']): TakeBackTasks['takeBack'] {
  return ({ signed, order, digest }) =>
    Attempt.run(progressSchema, { asked: false, client_request_ids: [] }, async (attempt): Promise<FollowedUp> => {
      const admitted = admitOrder(deps, 'take_back', signed, order);
      const named = admitted.things.find((one) => one.digest === digest);
      const thing = named && thingOf(named.granted);
      if (thing?.via !== via)
        throw ApplicationFailure.nonRetryable('the order names no such thing for this role', 'not_in_the_order');
      const graph = openSession(deps, signed.intent.tuple.tenant_id, attempt);
      const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      const end = (result: FollowedUp['result'], code: string | null): FollowedUp => {
        const { principal_id, role_template_id, directory_scope_id, assignment_id } = thing;
        const what = { thing: digest, principal_id, role_template_id, directory_scope_id, assignment_id };
        const told = { order_digest: admitted.digest, ...what, result, code, client_request_ids: ids() };
        const type = via === 'pim' ? 'taken_back' : 'taken_back_direct';
        const transition = `${type}/${admitted.digest.slice(0, 32)}/${digest.slice(0, 32)}`;
        const receipt = receiptOf(deps, signed.intent, { type, transition, data: told });
        return { result, code, at: instant(deps.clock.now()), receipt };
      };
      if (deps.protectedIds.has(thing.principal_id)) return end('refused', 'protected_target');
      const failed = (answer: Extract<GraphAnswer<unknown>, { ok: false }>): Error => {
        attempt.keep({ client_request_ids: ids() });
        const { failure } = answer;
        return toApplicationFailure(failure, Math.max(1000, backoffMs(failure, Math.min(5, attempt.number))));
      };
      const standing = await standingOf(graph, thing, deps.writerIds(signed.intent.tuple.tenant_id));
      if (!standing.ok) throw failed(standing);
      if (standing.value === 'gone') return end('done', attempt.details.asked ? null : 'already_gone');
      if (standing.value === 'changed') return end('refused', 'changed_since');
      attempt.stopIfCancelled();
      attempt.keep({ asked: true });
      const answer = await remove(graph, thing, signed.intent.event_id);
      if (answer.ok) return end('done', null);
      const { kind } = answer.failure;
      if (kind === 'does_not_exist' || (via === 'direct' && kind === 'not_found')) return end('done', null);
      if (kind !== 'too_short') throw failed(answer);
      attempt.keep({ client_request_ids: ids() });
      const wait = Math.max(1000, thing.at + FLOOR_MS - deps.clock.now());
      throw waitFor('too_short', 'Graph removes nothing in its first five minutes', Math.min(wait, FLOOR_MS));
    });
}

/** One write. PIM's removal addresses the tuple, of which nothing but the thing itself was read just now. */
async function remove(graph: GraphSession, thing: ListedThing, eventId: string): Promise<GraphAnswer<unknown>> {
  if (thing.via === 'direct') return graph.remove(assignmentPath(thing.assignment_id));
  const body = {
    action: 'adminRemove',
    principalId: thing.principal_id,
    roleDefinitionId: thing.role_template_id,
    directoryScopeId: thing.directory_scope_id,
    justification: `Reseal ${eventId}: granted by a principal whose ceremony was killed; taken back upon a signed order`,
  };
  const answer = await graph.write(REQUESTS, body, scheduleRequestSchema);
  // Anything else than a word for removed is looked at again.
  if (answer.ok && meaningOf(answer.value.status) !== 'revoked')
    throw waitFor('removal_undecided', `status ${answer.value.status ?? 'absent'}`, 5_000);
  return answer;
}
