import { z } from 'zod';

import { instant } from '../../../domain/identifiers.js';
import type { VerifierTasks } from '../../../domain/tasks.js';
import { toldPolicy } from './access-deps.js';
import { changesSince } from './access-differences.js';
import { accessOf } from './access-intent.js';
import { readAccessPolicy } from './access-policy.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { waitFor } from '../wire/graph-error.js';
import { keepApart, NEXT_READ_MS, readFailed, verifiedOf } from '../reading.js';

const PRESENT_READS = 3;

const progressSchema = z.object({
  /** Times of the agreeing reads so far, epoch ms; emptied by one that disagrees. */
  present_at: z.array(z.number()).max(16),
  last_at: z.number().nullable(),
  client_request_ids: z.array(z.string()).max(64),
});

/** Sees the change with the second identity: three agreeing reads, one an attempt, and what others changed meanwhile. */
export function verifyAccess(deps: GraphDeps): VerifierTasks['verify'] {
  const nothing = { present_at: [], last_at: null, client_request_ids: [] };
  return ({ signed, survey }) =>
    Attempt.run(progressSchema, nothing, async (attempt) => {
      requireAuthentic(signed, deps);
      const { intent, tuple, toggle } = accessOf(signed.intent);
      keepApart(attempt.details.last_at, deps.clock.now());
      const graph = openSession(deps, tuple.tenant_id, attempt);
      const ids = (): string[] => [...attempt.details.client_request_ids, ...graph.clientRequestIds].slice(-64);
      const read = await readAccessPolicy(graph, tuple.policy_id);
      if (!read.ok) throw readFailed(read.failure, attempt);
      const now = deps.clock.now();
      const present_at = toggle.stands(read.value) ? [...attempt.details.present_at, now].slice(-PRESENT_READS) : [];
      attempt.keep({ present_at, last_at: now, client_request_ids: ids() });
      if (present_at.length < PRESENT_READS)
        throw waitFor('not_yet_agreed', `${present_at.length} of ${PRESENT_READS} agreeing reads`, NEXT_READ_MS);
      const findings = changesSince(survey, read.value, tuple);
      const reads = present_at.map((at) => ({ at: instant(at), present: true }));
      const data = { reads, ends_at: null, policy: toldPolicy(read.value), findings, client_request_ids: ids() };
      const receipt = receiptOf(deps, intent, { ...verifiedOf(intent), data });
      return { outcome: 'present', ends_at: null, findings, receipt };
    });
}
