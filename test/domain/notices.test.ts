import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { EntryPayload, EntryType } from '../../domain/entry.js';
import type { Intent } from '../../domain/intent.js';
import { isPressing, type Notice, type NoticeFacts } from '../../domain/notice-facts.js';
import { noticePayload, type NoticeSubject } from '../../domain/notice-payload.js';
import { intentOfEntry, noticesOfEntry, type EntryReading } from '../../domain/notices-of-entry.js';
import { channelsFor, NOTICE_TYPES, noticeRoutesSchema, SENTINEL_NOTICES } from '../../domain/notices.js';
import { sentinelLogEntrySchema } from '../../domain/sentinel.js';
import { entryOf, T0 } from '../proofs/ceremony-people.js';
import { fullCeremony } from '../proofs/full-ceremony.js';
import { nameOf } from '../../domain/effects/effects.js';

const routes = (...given: unknown[]) => noticeRoutesSchema.parse(given);

describe('the channels of a policy', () => {
  it('hears of everything where no event is named', () => {
    for (const type of NOTICE_TYPES) expect(channelsFor(routes({ channel: 'desk' }), type)).toEqual(['desk']);
  });

  it('hears of what is named, each channel for itself', () => {
    const both = routes({ channel: 'desk', events: ['finding'] }, { channel: 'pager', events: ['rollback_overdue'] });
    expect(channelsFor(both, 'finding')).toEqual(['desk']);
    expect(channelsFor(both, 'rollback_overdue')).toEqual(['pager']);
    expect(channelsFor(both, 'requested')).toEqual([]);
  });

  it('hears of an immediate grant whatever it names', () => {
    expect(channelsFor(routes({ channel: 'desk', events: ['finding'] }), 'immediate')).toEqual(['desk']);
  });

  it('is nobody where the policy has none', () => {
    for (const type of NOTICE_TYPES) expect(channelsFor([], type)).toEqual([]);
  });

  it.each([
    ['an event nobody knows', [{ channel: 'desk', events: ['granted'] }], 'events'],
    ['an address for a name', [{ channel: 'https://desk.example/hook' }], 'expected 1 to 64 of'],
    ['a channel twice', [{ channel: 'desk' }, { channel: 'desk', events: ['finding'] }], 'named twice'],
    ['a secret', [{ channel: 'desk', secret: 'whsec_x' }], 'secret'],
  ])('refuses %s', (_, given, says) => {
    const parsed = noticeRoutesSchema.safeParse(given);
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).toContain(says);
  });
});

const { request, intent, payloads } = fullCeremony();
const WHY = request.justification;
const about: NoticeSubject = {
  event_id: request.event_id,
  profile: request.profile,
  role: nameOf(request.effect),
  directory_scope_id: '/',
  invoker: request.invoker.upn,
  principal: request.principal.upn,
  reason_code: request.reason_code,
  justification: WHY,
  ticket: 'INC-1',
  request_digest: intent.request_digest,
};
const reading = { intent, nameOf: (person: string) => `${person}@example.com` };
const payloadOf = (notice: Notice) =>
  noticePayload(notice, about, { id: 'notice_1', ui_url: 'http://127.0.0.1:8233/history' });
const only = (entry: EntryPayload, given: EntryReading = reading): Notice => {
  const [notice, ...rest] = noticesOfEntry(entry, given);
  if (notice === undefined || rest.length > 0) throw new Error(`${rest.length} more`);
  return notice;
};
const entry = (type: EntryType, transition: string, data: Record<string, unknown> = {}) =>
  entryOf(request.event_id, type, transition, T0, data);
const ended = (end: string, cause: string, by: string | null = null, given: EntryReading = reading) =>
  only(entry('ended', 'ended', { end, cause, by, refusals: 0 }), given);
/** Nothing was ever issued. */
const unissued = { ...reading, intent: null };

describe('what a ledger entry means to people', () => {
  const intentEntry = payloads.find(({ type }) => type === 'intent');
  if (intentEntry === undefined) throw new Error('no intent');

  it('tells of the intent as of a glass that is broken, with who approved it', () => {
    const counted = {
      ...intentEntry,
      data: { ...intentEntry.data, approvals: [{ person: 'bob' }, { person: 'carol' }] },
    };
    expect(only(counted)).toMatchObject({
      type: 'breakglass.invoked',
      transition: 'invoked',
      facts: {
        expires_at: intent.deadline,
        duration_seconds: 1800,
        quorum: 'full',
        approved_by: ['bob@example.com', 'carol@example.com'],
      },
    });
  });

  it('tells twice of an intent that nobody approved', () => {
    const immediate: Intent = { ...intent, quorum: 'immediate' };
    const data = { ...intentEntry.data, signed: { intent: immediate } };
    const types = noticesOfEntry({ ...intentEntry, data }, reading).map(({ type }) => type);
    expect(types).toEqual(['breakglass.invoked', 'immediate']);
  });

  it.each([
    ['finding', entry('finding', 'finding/1', { code: 'foreign_change', detail: 'somebody' }), 'finding'],
    ['unverified grant', entry('unverified', 'unverified'), 'unverified'],
    ['overdue rollback', entry('overdue', 'overdue', { requested_at: 'x' }), 'rollback_overdue'],
    ['grant that is there again', entry('reappeared', 'reappeared/1'), 'reappeared'],
  ])('tells of a %s at once', (_, said, type) => {
    const notice = only(said);
    expect(notice).toMatchObject({ type, transition: said.transition, at: said.at });
    expect(isPressing(notice)).toBe(true);
  });

  it('tells of a review, and of a workflow that was lost', () => {
    expect(only(entry('reviewed', 'reviewed', { person: 'bob' })).facts).toEqual({ by: 'bob@example.com' });
    expect(only(entry('resealing', 'resealing', { cause: 'workflow_lost' })).type).toBe('workflow_lost');
    expect(noticesOfEntry(entry('resealing', 'resealing', { cause: 'deadline' }), reading)).toEqual([]);
  });

  it.each([
    ['expired', 'deadline', null, 'breakglass.expired'],
    ['closed', 'close', 'alice', 'breakglass.closed'],
    ['revoked', 'kill', 'bob', 'breakglass.closed'],
  ])('tells of the end %s (%s) of what was granted', (end, cause, by, type) => {
    expect(ended(end, cause, by).type).toBe(type);
  });

  it.each([
    ['denied', 'deny', 'bob'],
    ['cancelled', 'cancel', null],
    ['unapproved', 'window', null],
    ['refused', 'survey', null],
  ])('tells of the end %s (%s) of what was not', (end, cause, by) => {
    expect(ended(end, cause, by, unissued)).toMatchObject({ type: end, facts: { cause } });
  });

  it('closes what it told as invoked when the directory granted nothing', () => {
    const said = entry('ended', 'ended', { end: 'not_granted', cause: 'refused_by_provider', by: null });
    expect(noticesOfEntry(said, reading).map(({ type, transition }) => [type, transition])).toEqual([
      ['not_granted', 'ended'],
      ['breakglass.closed', 'ended/closed'],
    ]);
  });

  it('never throws for what a ceremony tells of itself', () => {
    const types: EntryType[] = [
      'intent',
      'finding',
      'overdue',
      'resealing',
      'ended',
      'refused',
      'reviewed',
      'statement',
    ];
    const any = fc.record({
      type: fc.constantFrom(...types),
      transition: fc.constantFrom('ended', 'finding/1', 'x'),
      data: fc.dictionary(
        fc.constantFrom('end', 'cause', 'by', 'code', 'refusal', 'signed', 'approvals'),
        fc.jsonValue(),
      ),
      known: fc.boolean(),
    });
    fc.assert(
      fc.property(any, ({ type, transition, data, known }) => {
        const said = entry(type, transition, data);
        const notices = noticesOfEntry(said, { ...reading, intent: known ? intent : intentOfEntry(said) });
        for (const notice of notices) expect(NOTICE_TYPES).toContain(payloadOf(notice).type);
      }),
    );
  });
});

const asks = { to: ['bob@example.com'], request_digest: intent.request_digest };
const times = { expires_at: intent.deadline, duration_seconds: 1800 };
const ungranted = { cause: 'deny', by: 'bob@example.com', code: null, message: null };
const SAMPLES: NoticeFacts = {
  'breakglass.invoked': { ...times, quorum: 'full', approved_by: ['bob@example.com'] },
  'breakglass.closed': { ...times, end: 'closed', closed_reason: 'close' },
  'breakglass.expired': { ...times, end: 'expired' },
  requested: { ...asks, approvals_wanted: 2, approve_by: intent.deadline, duration_seconds: 1800 },
  escalated: { threshold: 3 },
  refused: ungranted,
  denied: ungranted,
  cancelled: ungranted,
  unapproved: ungranted,
  not_granted: ungranted,
  fallback_opened: { ...asks, skipped: [], min_approvers: 1, max_seconds: 1800, approve_by: intent.deadline },
  extension_requested: {
    ...asks,
    round: 2,
    extension_digest: 'e'.repeat(64),
    expires_at: intent.deadline,
    extended_until: intent.deadline,
    approvals_wanted: 2,
    approve_by: intent.deadline,
  },
  extended: { expires_at: intent.deadline, round: 2 },
  extension_refused: { code: 'quorum_not_met', message: '1 of 2', asked_until: null },
  immediate: { ...times, quorum: 'immediate' },
  finding: { code: 'foreign_change', detail: 'somebody' },
  unverified: {},
  rollback_overdue: { requested_at: intent.deadline },
  reappeared: {},
  workflow_lost: {},
  review_owed: { quorum: 'fallback', review_by: intent.deadline },
  review_overdue: { owed_since: intent.deadline },
  reviewed: { by: 'bob@example.com' },
  compromise: {
    code: 'marker_absent',
    tenant_id: 't',
    principal_id: 'p',
    role_template_id: 'r',
    schedule_id: 's',
    request_id: null,
    found_at: intent.deadline,
  },
};

describe('the payload of a notice', () => {
  it.each([
    ['expired', 'deadline', null, { status: 'expired' }],
    ['closed', 'close', 'alice', { status: 'closed', closed_by: 'alice@example.com', closed_reason: 'close' }],
    ['revoked', 'unexpected_target', null, { status: 'closed', closed_reason: 'unexpected_target' }],
  ])("has all of Sentinel's fields at the end %s", (end, cause, by, members) => {
    const parsed = sentinelLogEntrySchema.parse(JSON.parse(JSON.stringify(payloadOf(ended(end, cause, by)))));
    expect(parsed).toEqual({
      timestamp: new Date(T0).toISOString(),
      event: end === 'expired' ? 'breakglass.expired' : 'breakglass.closed',
      event_id: request.event_id,
      request_id: intent.request_digest.slice(0, 16),
      invoker: request.invoker.upn,
      profile: request.profile,
      reason_code: 'incident',
      justification: WHY,
      duration_seconds: 1800,
      expires_at: intent.deadline,
      ...members,
    });
  });

  it('names whom it asks, or else the invoker whose request it is about', () => {
    const asking: Notice = {
      type: 'requested',
      transition: 'requested',
      at: new Date(T0).toISOString(),
      facts: { ...asks, approvals_wanted: 2, approve_by: intent.deadline, duration_seconds: 1800 },
    };
    expect(payloadOf(asking)).toMatchObject({ to: ['bob@example.com'], next: `reseal approve ${request.event_id}` });
    expect(payloadOf(ended('denied', 'deny', 'bob', unissued))).toMatchObject({
      to: [request.invoker.upn],
      by: 'bob@example.com',
    });
    expect(payloadOf(only(entry('unverified', 'unverified'))).to).toEqual([]);
  });

  it.each(NOTICE_TYPES)("carries the justification in Sentinel's three and nowhere else: %s", (type) => {
    const notice = { type, transition: 'x', at: intent.issued_at, facts: SAMPLES[type] } as Notice;
    const payload = payloadOf(notice);
    expect(JSON.stringify(payload).includes(WHY)).toBe((SENTINEL_NOTICES as readonly string[]).includes(type));
    expect(payload.summary).not.toContain(WHY);
    expect(payload.summary).not.toContain('undefined');
  });
});
