import { randomUUID } from 'node:crypto';

import { z } from 'zod';

import { lookedAtSchema, type FollowUpVerifierTasks, type LookData } from '../../../domain/follow-up-tasks.js';
import { digestSchema, epochMs } from '../../../domain/identifiers.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { Attempt } from '../attempt.js';
import { openSession, receiptOf, requireAuthentic, type GraphDeps } from '../effect-deps.js';
import { readFailed } from '../reading.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { actedOn } from './acted-on.js';
import { changedSince, standingOf, thingOf, type Look } from './listed-thing.js';

/** What touches an account, by the Core Directory's names. */
const ON_ACCOUNTS = [
  'Disable account',
  'Enable account',
  'Update user',
  'Delete user',
  'Restore user',
  'Reset user password',
  'Change user password',
];
/** The role says that it was disabled when it has read it back: somebody may have come in between. */
const BEFORE_MS = 60_000;

const userSchema = z.object({ accountEnabled: z.boolean() });

/**
 * What stands of things that were listed, or of an account that was disabled, just before somebody acts on them. What it is
 * asked to look at is anybody's word; what it signs is what it saw.
 */
export function lookAgain(deps: GraphDeps): FollowUpVerifierTasks['lookAgain'] {
  return ({ signed, report_digest, at }) =>
    Attempt.run(z.object({}), {}, async (attempt) => {
      requireAuthentic(signed, deps);
      const { intent } = signed;
      const about = lookedAtSchema.parse(at);
      const graph = openSession(deps, intent.tuple.tenant_id, attempt);
      const seen =
        about.act === 'take_back'
          ? await things(graph, about.entries)
          : await account(graph, deps, intent.tuple.principal_id, about.since);
      if (!seen.ok) throw readFailed(seen.failure, attempt);
      const data: LookData = { act: about.act, report_digest: digestSchema.parse(report_digest), ...seen.value };
      const calls = { client_request_ids: graph.clientRequestIds.slice(-64) };
      const transition = `follow_up_looked/${randomUUID()}`;
      return {
        receipt: receiptOf(deps, intent, { type: 'follow_up_looked', transition, data: { ...data, ...calls } }),
      };
    });
}

type Seen = Pick<LookData, 'entries' | 'account'>;
type TakeBack = Extract<z.output<typeof lookedAtSchema>, { act: 'take_back' }>;

async function things(graph: GraphSession, listed: TakeBack['entries']): Promise<GraphAnswer<Seen>> {
  const entries: Seen['entries'] = [];
  for (const granted of listed) {
    const thing = thingOf(granted);
    const look: GraphAnswer<Look> =
      thing === undefined ? { ok: true, value: 'changed' } : await standingOf(graph, thing);
    if (!look.ok) return look;
    let { value } = look;
    if (thing?.via === 'direct' && value === 'as_listed') {
      const changed = await changedSince(graph, thing);
      if (!changed.ok) return changed;
      if (changed.value) value = 'changed';
    }
    entries.push({ digest: digestOf(granted), look: value });
  }
  return { ok: true, value: { entries, account: null } };
}

async function account(
  graph: GraphSession,
  { ownIds }: GraphDeps,
  principalId: string,
  since: string,
): Promise<GraphAnswer<Seen>> {
  const user = await graph.read(`/users/${encodeURIComponent(principalId)}`, userSchema, {
    $select: 'id,accountEnabled',
  });
  if (!user.ok) {
    if (user.failure.kind === 'not_found') return { ok: true, value: { entries: [], account: null } };
    return user;
  }
  const from = epochMs(since) - BEFORE_MS;
  const rows = await actedOn(graph, { activities: ON_ACCOUNTS, since: from, targets: [principalId] });
  if (!rows.ok) return rows;
  const acted = rows.value.filter(({ by }) => by === null || ownIds?.has(by) !== true).slice(0, 20);
  return { ok: true, value: { entries: [], account: { since, enabled: user.value.accountEnabled, acted } } };
}
