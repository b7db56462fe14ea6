import { describe, expect, it } from 'vitest';

import { auditPayloadSchema } from '../../domain/audit-line.js';
import { auditDrafts, subjectOf, type Invoked } from '../../domain/audit-mapping.js';
import type { EntryPayload } from '../../domain/entry.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { entryOf } from '../proofs/ceremony-people.js';
import { fullCeremony, type TestCeremony } from '../proofs/full-ceremony.js';

const { request, payloads, intent } = fullCeremony();
const subject = subjectOf(request, digestOf(request));
const nameOf = (person: string): string => `${person}@example.com`;
const hash = 'ab'.repeat(32);

const drafts = (entries: TestCeremony['payloads'], invoked?: Invoked) =>
  auditDrafts(
    subject,
    entries.map((payload, index) => ({ payload, ledger: { seq: index + 1, hash } })),
    invoked,
    nameOf,
  );
const events = (entries: EntryPayload[], invoked?: Invoked) => drafts(entries, invoked).map(({ entry }) => entry.event);
const found = (type: EntryPayload['type']) => payloads.find((payload) => payload.type === type)!;
const ended = (end: string, data: Record<string, unknown> = {}): EntryPayload =>
  entryOf(request.event_id, 'ended', 'ended', Date.parse(intent.deadline), {
    end,
    cause: 'kill',
    by: 'bob',
    refusals: 0,
    ...data,
  });
const earlier: Invoked = { duration_seconds: 1800, expires_at: '2026-11-21T10:33:00Z' };

describe('what a ceremony says in the audit log', () => {
  it('is one line an entry: three by the names of Sentinel, and the rest by ours', () => {
    const names = events(payloads);
    expect(names).toHaveLength(payloads.length);
    expect(names.filter((name) => name.startsWith('breakglass.'))).toEqual([
      'breakglass.invoked',
      'breakglass.expired',
    ]);
    expect(names[0]).toBe('reseal.request');
    expect(names).toContain('reseal.confirmed');
  });

  it('fits the format of a line', () => {
    for (const [index, draft] of drafts(payloads).entries()) {
      const line = { schema: 'reseal.audit.v1', seq: index + 1, prev_hash: hash, logged_at: draft.at, ...draft };
      expect(auditPayloadSchema.safeParse(line).error).toBeUndefined();
    }
  });

  it('says invoked with the deadline and the seconds that the authority fixed', () => {
    const [line] = drafts([found('intent')]);
    expect(line).toMatchObject({
      said_by: 'authority',
      entry: {
        event: 'breakglass.invoked',
        event_id: request.event_id,
        request_id: digestOf(request).slice(0, 16),
        invoker: request.invoker.upn,
        status: 'active',
        duration_seconds: 1800,
        expires_at: `${intent.deadline.slice(0, 19)}Z`,
        justification: request.justification,
      },
      details: { principal: request.principal.upn, request_digest: digestOf(request) },
    });
  });

  it('says closed of what was closed or revoked, by whom and why', () => {
    for (const end of ['closed', 'revoked']) {
      const [line] = drafts([ended(end)], earlier);
      expect(line?.entry).toMatchObject({
        event: 'breakglass.closed',
        status: 'closed',
        closed_by: 'bob@example.com',
        closed_reason: 'kill',
        ...earlier,
      });
    }
  });

  it('says expired of what reached its deadline, closed by nobody', () => {
    const [line] = drafts([ended('expired', { cause: 'deadline', by: null })], earlier);
    expect(line?.entry).toMatchObject({ event: 'breakglass.expired', status: 'expired', ...earlier });
    expect(line?.entry).not.toHaveProperty('closed_reason');
  });

  it.each(['refused', 'denied', 'cancelled', 'unapproved'])('has no event of Sentinel for %s', (end) => {
    expect(events([ended(end)])).toEqual(['reseal.ended']);
  });

  it('has none for what was not granted, where that is known in time', () => {
    expect(events([found('intent'), ended('not_granted')])).toEqual(['reseal.intent', 'reseal.ended']);
  });

  it('closes what was logged as invoked and then not granted, so that nobody takes it for active', () => {
    const [line] = drafts([ended('not_granted', { by: null })], earlier);
    expect(line?.entry).toMatchObject({ event: 'breakglass.closed', closed_reason: 'not_granted', ...earlier });
  });

  it('has no end of Sentinel for what was never logged as invoked', () => {
    expect(events([ended('expired')])).toEqual(['reseal.ended']);
  });

  it('takes of an entry only plain members, and cuts them between characters', () => {
    const data = {
      code: 'x',
      detail: '\u{1f600}'.repeat(400),
      nested: { justification: 'no' },
      list: [1],
      n: 3,
      'bad name': 1,
    };
    const [line] = drafts([entryOf(request.event_id, 'finding', 'finding/1', Date.parse(intent.deadline), data)]);
    expect(Object.keys(line?.details ?? {})).toEqual(['code', 'detail', 'n']);
    expect(line?.details.detail).toBe('\u{1f600}'.repeat(300));
  });

  it('never throws over an intent that is none', () => {
    const odd = entryOf(request.event_id, 'intent', 'intent', Date.parse(intent.deadline), { signed: { intent: 1 } });
    expect(events([odd])).toEqual(['reseal.intent']);
  });
});
