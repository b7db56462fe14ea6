import type { End } from './ceremony-state.js';
import type { EntryPayload } from './entry.js';
import { epochMs } from './identifiers.js';
import { intentSchema, type Intent } from './intent.js';
import { noticesOfKillAction } from './kill-notices.js';
import type { Notice } from './notice-facts.js';
import type { NoticeType } from './notices.js';
import { z } from 'zod';

/** What the entries of one event mean to people, given its intent (null where there is none) and how people are named. */
export interface EntryReading {
  intent: Intent | null;
  /** A person's UPN. */
  nameOf: (person: string) => string;
}

/**
 * The notices that a ledger entry calls for: most call for none.
 *
 * What a ceremony tells of itself is anybody's word who can write to the namespace: never throws.
 */
export function noticesOfEntry(entry: EntryPayload, reading: EntryReading): Notice[] {
  const { type, transition, at, data } = entry;
  switch (type) {
    case 'intent':
      return invoked(entry, reading);
    case 'finding':
      return [
        {
          type: 'finding',
          transition,
          at,
          facts: { code: text(data.code) ?? 'finding', detail: text(data.detail) ?? '' },
        },
      ];
    case 'unverified':
      return [{ type: 'unverified', transition, at, facts: {} }];
    case 'overdue':
      return [{ type: 'rollback_overdue', transition, at, facts: { requested_at: text(data.requested_at) } }];
    case 'reappeared':
      return [{ type: 'reappeared', transition, at, facts: {} }];
    case 'extension_refused': {
      const { code, message, deadline } = data;
      const facts = { code: text(code) ?? 'refused', message: text(message) ?? '', asked_until: text(deadline) };
      return [{ type, transition, at, facts }];
    }
    case 'reviewed':
      return [{ type: 'reviewed', transition, at, facts: { by: nameOr(data.person, reading) } }];
    case 'granted_listed':
    case 'credential_rotated':
    case 'account_disabled':
    case 'job_halted':
      return noticesOfKillAction(entry);
    case 'resealing':
      return data.cause === 'workflow_lost' ? [{ type: 'workflow_lost', transition, at, facts: {} }] : [];
    default:
      return transition === 'ended' ? ended(entry, reading) : [];
  }
}

const intentData = z.object({
  signed: z.object({ intent: intentSchema }),
  approvals: z.array(z.object({ person: z.string() })).catch([]),
});

/** The intent that an entry of the authority's carries, or null for any other entry. */
export function intentOfEntry({ type, data }: EntryPayload): Intent | null {
  const parsed = type === 'intent' ? intentData.safeParse(data) : undefined;
  return parsed?.success === true ? parsed.data.signed.intent : null;
}

/** The intent of a later round that an entry of the authority's carries, or null for any other entry. */
export function extensionOfEntry({ type, data }: EntryPayload): Intent | null {
  const parsed = type === 'extension' ? intentData.safeParse(data) : undefined;
  return parsed?.success === true ? parsed.data.signed.intent : null;
}

/** The people whose approvals an intent rests on, by id; nobody for any other entry. */
export function countedIn({ type, data }: EntryPayload): string[] {
  const parsed = type === 'intent' ? intentData.safeParse(data) : undefined;
  return parsed?.success === true ? parsed.data.approvals.map(({ person }) => person) : [];
}

/** From the intent on the glass counts as broken, whatever the provider answers. */
function invoked(entry: EntryPayload, { nameOf }: EntryReading): Notice[] {
  const { at } = entry;
  const intent = intentOfEntry(entry);
  if (intent === null) return [];
  const facts = grantedBy(intent);
  const approved_by = countedIn(entry).map(nameOf);
  const told: Notice = { type: 'breakglass.invoked', transition: 'invoked', at, facts: { ...facts, approved_by } };
  return facts.quorum === 'immediate' ? [told, { type: 'immediate', transition: 'immediate', at, facts }] : [told];
}

const grantedBy = ({ deadline, issued_at, quorum }: Intent) => ({
  expires_at: deadline,
  duration_seconds: Math.round((epochMs(deadline) - epochMs(issued_at)) / 1000),
  quorum,
});

/** Which notice tells of which end. To Sentinel, whatever ended before its time was closed. */
const NOTICE_OF_END: Readonly<Record<End, NoticeType>> = {
  refused: 'refused',
  denied: 'denied',
  cancelled: 'cancelled',
  unapproved: 'unapproved',
  not_granted: 'not_granted',
  closed: 'breakglass.closed',
  revoked: 'breakglass.closed',
  expired: 'breakglass.expired',
};

function ended({ transition, at, data }: EntryPayload, { intent, nameOf }: EntryReading): Notice[] {
  const end = text(data.end) ?? 'cancelled';
  const type = Object.hasOwn(NOTICE_OF_END, end) ? NOTICE_OF_END[end as End] : 'cancelled';
  const said = text(data.by);
  const by = said === null ? null : nameOf(said);
  const cause = text(data.cause);
  const refusal = (data.refusal ?? {}) as { code?: unknown; message?: unknown };
  const ungranted = { cause, by, code: text(refusal.code), message: text(refusal.message) };
  if (intent === null) return [{ type: isUngranted(type) ? type : 'cancelled', transition, at, facts: ungranted }];
  const { expires_at, duration_seconds } = grantedBy(intent);
  const facts = { end, expires_at, duration_seconds };
  if (type === 'breakglass.expired') return [{ type, transition, at, facts }];
  const closed = { ...facts, ...(by === null ? {} : { closed_by: by }), closed_reason: cause ?? end };
  if (!isUngranted(type)) return [{ type: 'breakglass.closed', transition, at, facts: closed }];
  // It was told as invoked when the intent was recorded: nobody shall take it for active any longer.
  return [
    { type, transition, at, facts: ungranted },
    { type: 'breakglass.closed', transition: `${transition}/closed`, at, facts: closed },
  ];
}

const UNGRANTED = ['refused', 'denied', 'cancelled', 'unapproved', 'not_granted'] as const;
const isUngranted = (type: NoticeType): type is (typeof UNGRANTED)[number] =>
  (UNGRANTED as readonly NoticeType[]).includes(type);

const nameOr = (person: unknown, { nameOf }: EntryReading): string =>
  typeof person === 'string' ? nameOf(person) : 'somebody';

const text = (value: unknown): string | null => (typeof value === 'string' ? value.slice(0, 500) : null);
