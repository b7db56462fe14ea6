import type { AuditDetails, AuditDraft } from './audit-line.js';
import type { End } from './ceremony-state.js';
import { cutText } from './cut-text.js';
import { nameOf, objectOfEffect } from './effects/effects.js';
import { makerOf, type EntryPayload } from './entry.js';
import { epochMs } from './identifiers.js';
import { signedIntentSchema, type Intent } from './intent.js';
import type { Request } from './request.js';
import { goTime, requestIdOf, STATUS_AFTER, type SentinelEventName, type SentinelLogEntry } from './sentinel.js';
import type { CeremonyView } from './view.js';

/** What a register knows of a ceremony from its admission, and says in every line about it. */
export type AuditSubject = Pick<
  CeremonyView,
  | 'event_id'
  | 'profile'
  | 'reason_code'
  | 'justification'
  | 'invoker'
  | 'principal'
  | 'role'
  | 'directory_scope_id'
  | 'tenant_id'
  | 'ticket'
  | 'request_digest'
  | 'policy_digest'
>;

/** An entry in its place in the ledger. */
export interface PlacedEntry {
  payload: EntryPayload;
  ledger: { seq: number; hash: string };
}

/** How long a privilege was issued for, as its `breakglass.invoked` said. */
export type Invoked = Pick<SentinelLogEntry, 'duration_seconds' | 'expires_at'>;

/** Sentinel's event for each end. The others were never in effect, and Sentinel has no event for them. */
const EVENT_OF_END: Readonly<Partial<Record<End, SentinelEventName>>> = {
  closed: 'breakglass.closed',
  revoked: 'breakglass.closed',
  expired: 'breakglass.expired',
};

/**
 * What entries that came to a ledger together say in the audit log, one draft an entry, in their order.
 *
 * `breakglass.invoked` is the authority's intent: from then on the privilege may stand. `closed` and `expired` are the end.
 * An intent that comes together with the end `not_granted` invoked nothing; where it was logged before that was known,
 * `closed` follows, so that no reader takes it for active. `invoked` is what an earlier line of this ceremony said.
 * `nameOf` writes a person's id as the invoker is written. Entries are signed but may hold anybody's words: never throws.
 */
export function auditDrafts(
  subject: AuditSubject,
  entries: readonly PlacedEntry[],
  invoked: Invoked | undefined,
  nameOf: (person: string) => string,
): AuditDraft[] {
  const cameToNothing = entries.some(({ payload }) => endOf(payload) === 'not_granted');
  let standing = invoked;
  return entries.map(({ payload, ledger }) => {
    const intent = payload.type === 'intent' && !cameToNothing ? intentOf(payload) : undefined;
    if (intent !== undefined) standing = invokedOf(intent);
    const said = { at: payload.at, said_by: makerOf(payload), ledger };
    const event = intent === undefined ? endEventOf(payload) : 'breakglass.invoked';
    if (event === undefined || standing === undefined) {
      return { ...said, entry: ownEntry(subject, payload.at, nameOfEntry(payload)), details: scalarsOf(payload.data) };
    }
    const ending = event === 'breakglass.invoked' ? {} : endingOf(payload, nameOf);
    return {
      ...said,
      entry: { ...sentinelEntry(subject, payload.at, event, standing), ...closedOf(event, ending) },
      details: { ...detailsOf(subject), ...(event === 'breakglass.invoked' ? {} : scalarsOf(payload.data)) },
    };
  });
}

/** An entry of our own, about a ceremony or (with a subject of nulls) about none. */
export function ownEntry(
  subject: Pick<AuditSubject, 'invoker' | 'profile' | 'reason_code'> & { event_id: string | null },
  at: string,
  event: string,
): AuditDraft['entry'] {
  const { event_id, invoker, profile, reason_code } = subject;
  return { timestamp: goTime(at), event, event_id, invoker, profile, reason_code };
}

/** What of an admitted or refused request the lines about it say. */
export const subjectOf = (request: Request, requestDigest: string): AuditSubject => ({
  event_id: request.event_id,
  profile: request.profile,
  reason_code: request.reason_code,
  justification: request.justification,
  invoker: request.invoker.upn,
  principal: request.principal.upn,
  role: nameOf(request.effect),
  directory_scope_id: objectOfEffect(request.effect).scope,
  tenant_id: request.effect.tenant_id,
  ticket: request.ticket,
  request_digest: requestDigest,
  policy_digest: request.policy_digest,
});

const isEnding = ({ transition }: EntryPayload): boolean => transition === 'ended';
const endOf = (payload: EntryPayload): unknown => (isEnding(payload) ? payload.data.end : undefined);
const nameOfEntry = (payload: EntryPayload): string => `reseal.${isEnding(payload) ? 'ended' : payload.type}`;

function endEventOf(payload: EntryPayload): SentinelEventName | undefined {
  const end = endOf(payload);
  // Reached only where it was invoked before: otherwise nothing stands, and it is an entry of our own.
  if (end === 'not_granted') return 'breakglass.closed';
  return typeof end === 'string' && Object.hasOwn(EVENT_OF_END, end) ? EVENT_OF_END[end as End] : undefined;
}

function intentOf({ data }: EntryPayload): Intent | undefined {
  const signed = signedIntentSchema.safeParse(data.signed);
  return signed.success ? signed.data.intent : undefined;
}

const invokedOf = ({ issued_at, deadline }: Intent): Invoked => ({
  duration_seconds: Math.round((epochMs(deadline) - epochMs(issued_at)) / 1000),
  expires_at: goTime(deadline),
});

function sentinelEntry(
  subject: AuditSubject,
  at: string,
  event: SentinelEventName,
  invoked: Invoked,
): SentinelLogEntry {
  return {
    timestamp: goTime(at),
    event,
    event_id: subject.event_id,
    request_id: requestIdOf(subject.request_digest),
    invoker: subject.invoker ?? 'unknown',
    profile: subject.profile ?? 'unknown',
    reason_code: (subject.reason_code ?? 'other') as SentinelLogEntry['reason_code'],
    justification: subject.justification ?? '',
    status: STATUS_AFTER[event],
    duration_seconds: invoked.duration_seconds,
    expires_at: invoked.expires_at,
  };
}

interface Ending {
  closed_by?: string;
  closed_reason?: string;
}

function endingOf({ data }: EntryPayload, nameOf: (person: string) => string): Ending {
  const { by, cause, end } = data;
  const reason = end === 'not_granted' ? end : cause;
  return {
    ...(typeof by === 'string' ? { closed_by: cutText(nameOf(by), 256) } : {}),
    ...(typeof reason === 'string' ? { closed_reason: cutText(reason, 300) } : {}),
  };
}

/** Sentinel says who closed and why of what was closed; what ran to its end nobody closed. */
const closedOf = (event: SentinelEventName, ending: Ending): Ending => (event === 'breakglass.closed' ? ending : {});

const detailsOf = (subject: AuditSubject): AuditDetails => ({
  principal: subject.principal,
  role: subject.role,
  directory_scope_id: subject.directory_scope_id,
  tenant_id: subject.tenant_id,
  ticket: subject.ticket,
  request_digest: subject.request_digest,
  policy_digest: subject.policy_digest,
});

const MAX_DETAILS = 24;
const MAX_DETAIL_LENGTH = 300;

/** The plain members of an entry's data, each cut: the ledger holds the whole. */
function scalarsOf(data: EntryPayload['data']): AuditDetails {
  const kept = Object.entries(data).flatMap(([name, value]): [string, AuditDetails[string]][] => {
    if (!/^[a-z][a-z0-9_]{0,63}$/.test(name)) return [];
    if (typeof value === 'string') return [[name, cutText(value, MAX_DETAIL_LENGTH)]];
    return typeof value === 'number' || typeof value === 'boolean' || value === null ? [[name, value]] : [];
  });
  return Object.fromEntries(kept.slice(0, MAX_DETAILS));
}
