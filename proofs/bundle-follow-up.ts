import { z } from 'zod';

import { orderDataSchema } from '../domain/follow-up-tasks.js';
import type { FollowUpAct } from '../domain/follow-up.js';
import { epochMs } from '../domain/identifiers.js';
import { policySchema } from '../domain/policy.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import type { BundleStatement } from './bundle.js';
import { digestOf } from './canonical-json.js';
import { judgeFollowUp } from './follow-up.js';
import type { Trust } from './trust.js';

/** What people had done after a kill, as the roles that did it signed it. */
export interface ProvenFollowUp {
  act: FollowUpAct;
  ordered_at: string;
  persons: string[];
  /** Each thing, by its digest, or the account by its object id. */
  done: { what: string; result: 'done' | 'refused'; code: string | null; at: string }[];
  /** What the verifier read afterwards; null where no entry says. */
  confirmed: boolean | null;
}

const stepData = z.object({
  order_digest: z.string(),
  thing: z.string().optional(),
  result: z.enum(['done', 'refused']),
  code: z.string().nullable(),
});
const verifiedData = z.object({ order_digest: z.string(), confirmed: z.boolean() });
const compromisedPayload = z.object({ act: z.literal('kill'), compromise: z.literal(true) });

interface KnownOrder {
  found: ProvenFollowUp;
  things: ReadonlySet<string>;
}

/**
 * What was taken back, and whether an account was enabled: each upon an order of the authority's that rests on people's
 * statements, judged again here from their bytes at the time of the order, and on nothing that the order does not name.
 */
export function proveFollowUps(
  authority: ProvenAuthority,
  { policy }: BundleStatement['predicate'],
  entries: readonly ProvenEntry[],
  trust: Trust,
  findings: BundleFindings,
): void {
  const orders = new Map<string, KnownOrder>();
  const refuse = ({ seq }: ProvenEntry, message: string): void =>
    findings.fail('follow_ups', 'follow_up_unproven', placeOfSeq(seq), message);
  for (const proven of entries) {
    const { type, data, at } = proven.entry;
    if (type === 'follow_up_ordered') {
      const known = readOrder(authority, policy, proven, trust);
      if (typeof known === 'string') refuse(proven, known);
      else {
        orders.set(digestOf(proven.entry), known);
        findings.facts.follow_ups.push(known.found);
      }
    } else if (type === 'taken_back' || type === 'taken_back_direct' || type === 'account_enabled') {
      const step = stepData.safeParse(data);
      const order = step.success ? orders.get(step.data.order_digest) : undefined;
      const act = type === 'account_enabled' ? 'restore_account' : 'take_back';
      const what = act === 'take_back' ? step.data?.thing : authority.request.principal.object_id;
      const isNamed = order?.found.act === act && what !== undefined && (act !== 'take_back' || order.things.has(what));
      if (!step.success || !isNamed || what === undefined) refuse(proven, 'no order before it names this');
      else order.found.done.push({ what, result: step.data.result, code: step.data.code, at });
    } else if (type === 'follow_up_verified') {
      const read = verifiedData.safeParse(data);
      const order = read.success ? orders.get(read.data.order_digest) : undefined;
      if (!read.success || order === undefined) refuse(proven, 'no order before it is the one that it speaks of');
      else order.found.confirmed = read.data.confirmed;
    }
  }
  for (const { found } of orders.values())
    if (found.confirmed !== true && found.done.some(({ result }) => result === 'done'))
      findings.notVerified.push(`that ${SAID[found.act]} took: the second identity does not say so`);
  findings.ran('follow_ups', `${orders.size} orders after a kill`);
}

const SAID = { take_back: 'what was taken back', restore_account: 'enabling the account' } as const;

function readOrder(
  { request, intent, extensions, acts }: ProvenAuthority,
  document: unknown,
  { entry }: ProvenEntry,
  trust: Trust,
): KnownOrder | string {
  const data = orderDataSchema.safeParse(entry.data);
  const policy = policySchema.safeParse(document);
  const latest = extensions.at(-1)?.intent ?? intent?.intent;
  if (!data.success || !policy.success || latest === undefined) return 'it is no order, or follows no intent';
  const { request: asked, statements, report, mark, act, persons, entries: named } = data.data;
  const judged = judgeFollowUp({
    intent: latest,
    request: asked,
    statements,
    report,
    mark,
    roster: trust.roster,
    policy: policy.data,
    policyDigest: request.policy_digest,
    roleKeys: trust.keyOf,
    nowMs: epochMs(entry.at),
  });
  if (!judged.ok) return `${judged.code}: ${judged.message}`;
  const same = judged.act === act && judged.things.map(({ digest }) => digest).join() === named.join();
  if (!same || judged.persons.map(({ person }) => person).join() !== persons.map(({ person }) => person).join())
    return 'it orders something else than people signed';
  if (act === 'restore_account' && acts.some(({ envelope }) => isCompromised(envelope.payload)))
    return 'the kill was said to be for a compromise';
  const found: ProvenFollowUp = {
    act,
    ordered_at: entry.at,
    persons: judged.persons.map(({ person }) => person),
    done: [],
    confirmed: null,
  };
  return { found, things: new Set(named) };
}

/** The payload's signature was verified before, and that it is a statement. */
function isCompromised(payload: string): boolean {
  return compromisedPayload.safeParse(JSON.parse(payload)).success;
}
