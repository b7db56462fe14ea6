import { z } from 'zod';

import { lookedAtSchema, type FollowUpVerified, type FollowUpVerifierTasks } from '../../../domain/follow-up-tasks.js';
import { digestSchema, instant } from '../../../domain/identifiers.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { keepApart, NEXT_READ_MS, readFailed } from '../reading.js';
import { waitFor } from '../wire/graph-error.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { standingOf, thingOf } from './listed-thing.js';

/** By so many agreeing reads something is gone, or an account enabled (`facts`: absence takes more than presence). */
const AGREEING = { take_back: 5, restore_account: 3 } as const;
/** Reads after which what is still not so is said to be not so. */
const ENOUGH_READS = 60;

const progressSchema = z.object({
  agreeing: z.number().int(),
  reads: z.number().int(),
  last_at: z.number().nullable(),
  client_request_ids: z.array(z.string()).max(64),
});

/** Whether what was ordered is so, by agreeing reads of the second identity; `left` names what is not, by its digest. */
export function verifyFollowUp(deps: GraphDeps): FollowUpVerifierTasks['verifyFollowUp'] {
  const nothing = { agreeing: 0, reads: 0, last_at: null, client_request_ids: [] };
  return ({ signed, order_digest, at }) =>
    Attempt.run(progressSchema, nothing, async (attempt): Promise<FollowUpVerified> => {
      requireAuthentic(signed, deps);
      const { intent } = signed;
      const about = lookedAtSchema.parse(at);
      const order = digestSchema.parse(order_digest);
      keepApart(attempt.details.last_at, deps.clock.now());
      const graph = openSession(deps, intent.tuple.tenant_id, attempt);
      const left = await leftOf(graph, about, intent.tuple.principal_id);
      const client_request_ids = [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      if (!left.ok) {
        attempt.keep({ agreeing: 0, client_request_ids });
        throw readFailed(left.failure, attempt);
      }
      const agreeing = left.value.length === 0 ? attempt.details.agreeing + 1 : 0;
      const reads = attempt.details.reads + 1;
      attempt.keep({ agreeing, reads, last_at: deps.clock.now(), client_request_ids });
      const confirmed = agreeing >= AGREEING[about.act];
      if (!confirmed && reads < ENOUGH_READS)
        throw waitFor('follow_up_read_again', 'reading until it is so for certain', NEXT_READ_MS);
      const data = { act: about.act, order_digest: order, confirmed, left: left.value, reads, client_request_ids };
      const transition = `follow_up_verified/${order.slice(0, 32)}`;
      const receipt = receiptOf(deps, intent, { type: 'follow_up_verified', transition, data });
      return { confirmed, at: instant(deps.clock.now()), receipt };
    });
}

async function leftOf(
  graph: GraphSession,
  about: z.output<typeof lookedAtSchema>,
  principalId: string,
): Promise<GraphAnswer<string[]>> {
  if (about.act === 'restore_account') {
    const user = await graph.read(
      `/users/${encodeURIComponent(principalId)}`,
      z.object({ accountEnabled: z.boolean() }),
      { $select: 'id,accountEnabled' },
    );
    return user.ok ? { ok: true, value: user.value.accountEnabled ? [] : ['account'] } : user;
  }
  const left: string[] = [];
  for (const granted of about.entries) {
    const thing = thingOf(granted);
    const standing = thing === undefined ? undefined : await standingOf(graph, thing);
    if (standing?.ok === false) return standing;
    if (standing?.value !== 'gone') left.push(digestOf(granted));
  }
  return { ok: true, value: left };
}
