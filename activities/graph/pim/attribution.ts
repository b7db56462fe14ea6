import { z } from 'zod';

import type { Finding } from '../../../domain/outcomes.js';
import type { Intent } from '../../../domain/intent.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import type { Holding } from './holdings.js';
import { meaningOf } from './pim-status.js';
import { pimFamily, pimTuple, type PimTuple } from './pim-family.js';
import { quoted, type ScheduleRequest } from './pim-wire.js';
import { creatorOf, isOwnGrant, madeAt, markOn, scheduleOf, type Recognition } from './tuple-history.js';

/**
 * Who is behind a holding: `own` this intent's grant; `explained` another ceremony's, marked by the authority;
 * `unexpected` our write identity without such a mark, or the granted principal; `foreign` somebody else; `unknown` nobody
 * can say yet.
 */
export interface Attribution {
  readonly verdict: 'own' | 'explained' | 'unexpected' | 'foreign' | 'unknown';
  readonly by: string | null;
}

const UNKNOWN: Attribution = { verdict: 'unknown', by: null };

/** Asks Graph who made a holding: PIM's requests, or the directory's audit log for an assignment made outside PIM. */
export async function attribute(
  graph: GraphSession,
  holding: Holding,
  intent: Intent,
  by: Recognition,
): Promise<GraphAnswer<Attribution>> {
  if (holding.kind === 'eligible') return { ok: true, value: { verdict: 'foreign', by: null } };
  if (holding.kind === 'direct') return initiatorOf(graph, holding, intent, by);
  const pim = pimFamily(intent.tuple);
  const requests = await graph.readAll(pim.requests, pim.requestSchema, { $filter: pim.ofTuple(holding) });
  if (!requests.ok) return requests;
  return { ok: true, value: attributeByRequests(requests.value, holding, intent, by) };
}

/** The same for a PIM assignment, from the requests of its tuple. Pure. */
export function attributeByRequests(
  requests: readonly ScheduleRequest[],
  holding: Holding,
  intent: Intent,
  by: Recognition,
): Attribution {
  const made = requests
    .filter((request) => scheduleOf(request) === holding.schedule_id && meaningOf(request.status) !== 'failed')
    // Who changed an assignment later did not make it.
    .toSorted((a, b) => Number(changes(a)) - Number(changes(b)) || madeAt(a) - madeAt(b));
  const request = made[0];
  if (request === undefined) return UNKNOWN;
  const creator = creatorOf(request);
  if (creator === undefined || !by.writerIds.has(creator)) return attributePerson(creator ?? null, intent, by);
  const { principal_id, role_template_id, directory_scope_id } = holding;
  const held = { tenant_id: intent.tuple.tenant_id, principal_id, role_template_id, directory_scope_id };
  if (sameTuple(held, pimTuple(intent.tuple)) && isOwnGrant(request, intent, by))
    return { verdict: 'own', by: creator };
  const marked = markOn(request, pimFamily(intent.tuple).tupleOf(held), by.authorityKeys);
  return { verdict: marked === undefined ? 'unexpected' : 'explained', by: creator };
}

const changes = ({ action }: ScheduleRequest): boolean => action !== 'adminAssign' && action !== 'selfActivate';

function attributePerson(who: string | null, intent: Intent, by: Recognition): Attribution {
  const ours = who !== null && (who === intent.tuple.principal_id || by.writerIds.has(who));
  return { verdict: ours ? 'unexpected' : 'foreign', by: who };
}

function sameTuple(a: PimTuple, b: PimTuple): boolean {
  const { principal_id, role_template_id, directory_scope_id } = a;
  return (
    principal_id === b.principal_id &&
    role_template_id === b.role_template_id &&
    directory_scope_id === b.directory_scope_id
  );
}

const actor = z.string().toLowerCase().nullish();
const coreRowSchema = z.object({
  activityDateTime: z.string(),
  initiatedBy: z
    .object({ user: z.object({ id: actor }).nullish(), app: z.object({ appId: actor }).nullish() })
    .nullish(),
  targetResources: z.array(z.object({ id: actor })).nullish(),
});

/** An assignment made outside PIM names nobody; the Core Directory's audit row does, minutes later. */
async function initiatorOf(
  graph: GraphSession,
  holding: Holding,
  intent: Intent,
  by: Recognition,
): Promise<GraphAnswer<Attribution>> {
  const $filter = [
    `activityDateTime ge ${intent.issued_at}`,
    `loggedByService eq ${quoted('Core Directory')}`,
    `activityDisplayName eq ${quoted(pimFamily(intent.tuple).added)}`,
  ].join(' and ');
  const rows = await graph.readAll('/auditLogs/directoryAudits', coreRowSchema, { $filter });
  if (!rows.ok) return rows;
  const wanted = [holding.principal_id, holding.role_template_id];
  const row = rows.value.find(({ targetResources }) => {
    const targets = (targetResources ?? []).map(({ id }) => id);
    return wanted.every((id) => targets.includes(id));
  });
  const who = row?.initiatedBy?.user?.id ?? row?.initiatedBy?.app?.appId;
  return { ok: true, value: who === undefined || who === null ? UNKNOWN : attributePerson(who, intent, by) };
}

/** What is told of a newcomer; undefined for one that is explained. Without times, so that it is told once. */
export function findingOf(holding: Holding, { verdict, by }: Attribution): Finding | undefined {
  if (verdict === 'own' || verdict === 'explained') return undefined;
  const has = holding.kind === 'eligible' ? 'may activate' : 'holds';
  const what = `${holding.principal_id} ${has} ${holding.role_template_id} at ${holding.directory_scope_id}`;
  const how = holding.kind === 'direct' ? 'outside PIM ' : '';
  const code = verdict === 'unexpected' ? 'unexpected_target_detected' : 'foreign_change';
  return { code, detail: `${what}, made ${how}by ${by ?? 'somebody unknown'} (${holding.schedule_id})`.slice(0, 500) };
}
