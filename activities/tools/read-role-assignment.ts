import { Context } from '@temporalio/activity';
import { z } from 'zod';

import { instant } from '../../domain/identifiers.js';
import { assignmentIntent } from '../graph/assignment/assignment-intent.js';
import { readStanding } from '../graph/assignment/assignments.js';
import { Attempt } from '../graph/attempt.js';
import { openSession, type GraphDeps } from '../graph/effect-deps.js';
import { backoffMs, toApplicationFailure } from '../graph/wire/graph-error.js';
import type { Verb } from './tool-deps.js';

const nothing = z.object({});

/** What stands outside PIM for the event's own tuple now: the same answer as of PIM's, in which nothing has an end. */
export const readRoleAssignment =
  (deps: GraphDeps): Verb =>
  ({ signed }) =>
    Attempt.run(nothing, {}, async (attempt) => {
      const { tuple, deadline, dead_man } = assignmentIntent(signed.intent);
      const graph = openSession(deps, tuple.tenant_id, attempt);
      const answer = await readStanding(graph, tuple);
      if (!answer.ok)
        throw toApplicationFailure(answer.failure, backoffMs(answer.failure, Context.current().info.attempt));
      const assignments = [answer.value]
        .filter((one) => one !== null)
        .map(({ id }) => ({ id, schedule_id: null, through_pim: false, starts_at: null, ends_at: null }));
      const read_at = instant(deps.clock.now());
      const result = { target: { ...tuple }, assignments, deadline, dead_man, read_at };
      const calls = {
        client_request_ids: [...graph.clientRequestIds],
        application_id: deps.access.applicationId(tuple.tenant_id),
      };
      return { ok: true, result, data: { standing: assignments.length, ...calls } };
    });
