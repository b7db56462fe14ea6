import type { KeyObject } from 'node:crypto';

import { epochMs } from '../../../domain/identifiers.js';
import type { Intent, Tuple } from '../../../domain/intent.js';
import { verifyMarker, type Marked } from '../../../proofs/marker.js';
import { meaningOf } from './pim-status.js';
import type { ScheduleRequest } from './pim-wire.js';

/** By what a request is recognised as Reseal's. */
export interface Recognition {
  readonly writerIds: ReadonlySet<string>;
  readonly authorityKeys: readonly KeyObject[];
}

/** What the authority's marker names: one grant. */
export type Granted = Pick<Intent, 'event_id' | 'deadline' | 'tuple'>;

/** Who made a request: an application if there is one, else a user; undefined when Graph does not say. */
export function creatorOf(request: ScheduleRequest): string | undefined {
  return request.createdBy?.application?.id ?? request.createdBy?.user?.id ?? undefined;
}

/** The authority's mark on a request for this tuple; undefined without one that verifies. Who made it is another question. */
export function markOn(request: ScheduleRequest, tuple: Tuple, keys: readonly KeyObject[]): Marked | undefined {
  const verdict = markerOf(request, tuple, keys);
  return verdict.ok ? verdict.marked : undefined;
}

/** The same, with why there is none. */
export function markerOf(request: ScheduleRequest, tuple: Tuple, keys: readonly KeyObject[]) {
  const { ticketInfo, justification } = request;
  const fields = {
    ticketSystem: ticketInfo?.ticketSystem,
    ticketNumber: ticketInfo?.ticketNumber,
    justification,
  };
  return verifyMarker(fields, tuple, keys);
}

/**
 * The grant of this intent's ceremony, or an extension of it: made by our application, with the authority's marker of this
 * very event. Of whichever round: each has a deadline of its own, and what stands is one assignment.
 */
export function isOwnGrant(request: ScheduleRequest, intent: Granted, by: Recognition): boolean {
  const creator = creatorOf(request);
  const assigns = request.action === 'adminAssign' || request.action === 'adminUpdate';
  if (!assigns || creator === undefined || !by.writerIds.has(creator)) return false;
  return markOn(request, intent.tuple, by.authorityKeys)?.event_id === intent.event_id;
}

/** Which schedule a request made or changed. For adminAssign Graph gives both the same id. */
export const scheduleOf = (request: ScheduleRequest): string => request.targetScheduleId ?? request.id;

/** What the requests of one tuple say about this intent's grant. */
export interface TupleHistory {
  /** Our grants, newest first, refused ones included. */
  readonly own: readonly ScheduleRequest[];
  /** The newest of them that was not refused. */
  readonly grant: ScheduleRequest | undefined;
  /** Our extensions of it that have taken effect, newest first. */
  readonly extensions: readonly ScheduleRequest[];
  /** A later removal: by us (the provider's own word), or by somebody else. */
  readonly removed: 'revoked' | 'gone' | undefined;
  /** Who removed it, where a removal says so. */
  readonly remover: string | undefined;
  /** Somebody else has assigned or extended it since: it is theirs now. */
  readonly taken: ScheduleRequest | undefined;
}

/** Actions of a request that give somebody a role, or give it for longer. */
export const ASSIGNING: ReadonlySet<string> = new Set([
  'adminAssign',
  'adminUpdate',
  'adminExtend',
  'adminRenew',
  'selfActivate',
  'selfExtend',
  'selfRenew',
]);
export const REMOVING: ReadonlySet<string> = new Set(['adminRemove', 'selfDeactivate']);

/** Reads the requests of a tuple, in any order. Pure. The list may be stale: absence from it proves nothing. */
export function historyOf(requests: readonly ScheduleRequest[], intent: Granted, by: Recognition): TupleHistory {
  const ordered = requests.toSorted((a, b) => madeAt(b) - madeAt(a));
  const ours = ordered.filter((request) => isOwnGrant(request, intent, by));
  const own = ours.filter(({ action }) => action === 'adminAssign');
  const grant = own.find(({ status }) => meaningOf(status) !== 'failed');
  if (grant === undefined)
    return { own, grant, extensions: [], removed: undefined, remover: undefined, taken: undefined };
  const later = ordered.filter((request) => request.id !== grant.id && madeAt(request) >= madeAt(grant));
  const extensions = ours.filter(
    (request) => !own.includes(request) && later.includes(request) && meaningOf(request.status) === 'active',
  );
  // What was extended stood then, whatever was said before.
  const stoodAt = madeAt(extensions[0] ?? grant);
  const removals = later.filter(
    (request) =>
      REMOVING.has(request.action ?? '') && meaningOf(request.status) === 'revoked' && madeAt(request) >= stoodAt,
  );
  const byUs = removals.some((removal) => by.writerIds.has(creatorOf(removal) ?? ''));
  const over = removals.length > 0 || meaningOf(grant.status) === 'revoked';
  const removed = over ? (byUs ? 'revoked' : 'gone') : undefined;
  const taken = later.find((request) => takesOver(request, grant, intent, by));
  const remover = removals[0] === undefined ? undefined : creatorOf(removals[0]);
  return { own, grant, extensions, removed, remover, taken };
}

/**
 * Until when the authority lets it stand, by what Graph was told: the grant's own deadline, or the latest of the extensions
 * that have taken effect. RFC 3339.
 */
export function markedDeadline(
  { extensions }: Pick<TupleHistory, 'extensions'>,
  granted: Granted,
  { authorityKeys }: Recognition,
): string {
  const marks = extensions.map((request) => markOn(request, granted.tuple, authorityKeys)?.deadline);
  return marks.reduce<string>(
    (latest, mark) => (mark !== undefined && epochMs(mark) > epochMs(latest) ? mark : latest),
    granted.deadline,
  );
}

/** A change by the granted principal to our own schedule does not make it theirs: that is what the privilege allowed. */
function takesOver(request: ScheduleRequest, grant: ScheduleRequest, intent: Granted, by: Recognition): boolean {
  const creator = creatorOf(request);
  if (!ASSIGNING.has(request.action ?? '') || meaningOf(request.status) !== 'active') return false;
  if (creator !== undefined && by.writerIds.has(creator)) return false;
  return !(creator === intent.tuple.principal_id && scheduleOf(request) === scheduleOf(grant));
}

/** When a request was made, epoch ms; 0 where Graph does not say. */
export function madeAt(request: ScheduleRequest): number {
  const ms = Date.parse(request.createdDateTime ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}
