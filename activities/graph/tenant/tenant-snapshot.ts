import { z } from 'zod';

import type { PartSnapshot, Snapshot, SnapshotPart } from '../../../domain/snapshot.js';
import { snapshotPart, type SnapshotRow } from '../../../proofs/snapshot-part.js';
import { readAccessPolicies } from '../access/access-policy.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { eligible, holdingOf } from '../pim/holdings.js';
import { ELIGIBILITIES, eligibilitySchema, INSTANCES, instanceSchema } from '../pim/pim-wire.js';

const text = z.string().nullish();
const credential = z.object({ keyId: text, endDateTime: text });
/** application: what somebody who can sign in as it would have to touch. */
const applicationSchema = z.object({
  id: z.string().toLowerCase(),
  appId: text,
  passwordCredentials: z.array(credential).nullish(),
  keyCredentials: z.array(credential).nullish(),
});

/**
 * Who has which role in the tenant, who may activate one, what its Conditional Access policies say, and which credentials
 * its applications have: one read of each, page by page. A part that fails is `unreadable`, with Graph's code.
 */
export async function takeSnapshot(graph: GraphSession): Promise<Snapshot> {
  // One after the other: the policies' interface takes one request a second in all of a tenant.
  const assignments = await graph.readAll(INSTANCES, instanceSchema);
  const eligibilities = await graph.readAll(ELIGIBILITIES, eligibilitySchema);
  const policies = await readAccessPolicies(graph);
  const query = { $select: 'id,appId,passwordCredentials,keyCredentials', $top: '999' };
  const applications = await graph.readAll('/applications', applicationSchema, query);
  return [
    part('assignments', assignments, (instance) => {
      const { key, kind, ends } = holdingOf(instance);
      return { key, said: JSON.stringify([kind, ends, instance.assignmentType, instance.memberType]) };
    }),
    part('eligibilities', eligibilities, (instance) => ({ key: eligible(instance).key, said: '' })),
    part('access_policies', policies, ({ id, digest }) => ({ key: id, said: digest })),
    part('applications', applications, ({ id, appId, passwordCredentials, keyCredentials }) => {
      const keys = [...(passwordCredentials ?? []), ...(keyCredentials ?? [])];
      const held = keys.map(({ keyId, endDateTime }) => `${keyId ?? ''} ${endDateTime ?? ''}`).sort();
      return { key: id, said: JSON.stringify([appId, held]) };
    }),
  ];
}

function part<Row>(name: SnapshotPart, answer: GraphAnswer<Row[]>, rowOf: (row: Row) => SnapshotRow): PartSnapshot {
  if (answer.ok) return snapshotPart(name, answer.value.map(rowOf));
  return { part: name, state: 'unreadable', code: answer.failure.code.slice(0, 100) };
}

export const isComplete = (snapshot: Snapshot): boolean => snapshot.every(({ state }) => state === 'read');

/** What of a snapshot stands in a receipt: how much there was, and its digest. */
export const toldSnapshot = (snapshot: Snapshot): Record<string, unknown>[] =>
  snapshot.map((one) =>
    one.state === 'read'
      ? { part: one.part, count: one.count, sha256: one.digest }
      : { part: one.part, unreadable: one.code },
  );
