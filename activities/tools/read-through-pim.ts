import { Context } from '@temporalio/activity';

import { instant } from '../../domain/identifiers.js';
import { Attempt } from '../graph/attempt.js';
import { openSession, type GraphDeps } from '../graph/effect-deps.js';
import { backoffMs, toApplicationFailure } from '../graph/wire/graph-error.js';
import { pimFamily, pimTuple } from '../graph/pim/pim-family.js';
import { isPim } from '../graph/pim/pim-wire.js';
import { z } from 'zod';
import type { Verb } from './tool-deps.js';

const nothing = z.object({});

/** What stands of a role or a membership for the event's own tuple now, in the words of Graph: read by the verifier's identity, once. */
export const readThroughPim =
  (deps: GraphDeps): Verb =>
  ({ signed }) =>
    Attempt.run(nothing, {}, async (attempt) => {
      const { tuple, deadline, dead_man } = signed.intent;
      const graph = openSession(deps, tuple.tenant_id, attempt);
      const pim = pimFamily(tuple);
      const answer = await graph.readAll(pim.instances, pim.instanceSchema, { $filter: pim.ofTuple(pimTuple(tuple)) });
      if (!answer.ok)
        throw toApplicationFailure(answer.failure, backoffMs(answer.failure, Context.current().info.attempt));
      const assignments = answer.value.map((instance) => ({
        id: instance.id,
        schedule_id: instance.roleAssignmentScheduleId ?? null,
        through_pim: isPim(instance),
        starts_at: instance.startDateTime ?? null,
        ends_at: instance.endDateTime ?? null,
      }));
      const read_at = instant(deps.clock.now());
      const result = { target: { ...tuple }, assignments, deadline, dead_man, read_at };
      const calls = {
        client_request_ids: [...graph.clientRequestIds],
        application_id: deps.access.applicationId(tuple.tenant_id),
      };
      return { ok: true, result, data: { standing: assignments.length, ...calls } };
    });
