import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Entry, EntryPayload, EntryType } from '../../domain/entry.js';
import { grantInForce } from '../../proofs/grant-in-force.js';
import { signReceipt } from '../../proofs/receipt.js';
import { signIntent } from '../../proofs/signed-intent.js';
import { T0, entryOf, keyOf, newEventId, roleKeys } from './ceremony-people.js';
import { fullCeremony, ledgerOf, sign } from './full-ceremony.js';

const { payloads, intent, request } = fullCeremony();
const eventId = request.event_id;
/** The ledger as it is while the grant stands. */
const standing = payloads.slice(0, payloads.findIndex(({ type }) => type === 'verified') + 1);
const verdict = (entries: readonly EntryPayload[], of = eventId) =>
  grantInForce(ledgerOf(of, entries.map(sign)), of, keyOf);
const codeOf = (found: ReturnType<typeof grantInForce>): string => (found.ok ? 'in_force' : found.code);
const replaced = (type: EntryType, data: Record<string, unknown>): EntryPayload[] =>
  standing.map((payload) => (payload.type === type ? { ...payload, data } : payload));

describe('the ledger of a grant that stands', () => {
  it('proves what the authority signed', () => {
    expect(verdict(standing)).toEqual({ ok: true, intent });
  });

  it('proves nothing before the second identity has seen it, or before anything is recorded', () => {
    for (let length = 0; length < standing.length; length += 1)
      expect(codeOf(verdict(standing.slice(0, length)))).toBe('not_recorded');
  });

  it.each([
    'end_mark',
    'not_granted',
    'resealing',
    'removal',
    'sessions_ended',
    'reappeared',
    'confirmed',
    'ended',
  ] as const)('proves nothing once it says %s', (type) => {
    expect(codeOf(verdict([...standing, entryOf(eventId, type, type, T0)]))).toBe('ledger_disagrees');
  });

  it('of a ceremony that is over proves nothing', () => {
    expect(codeOf(verdict(payloads))).toBe('ledger_disagrees');
  });
});

describe('a forged ledger', () => {
  it('with an intent that another role signed, in its entry or inside of it, proves nothing', () => {
    const bySomebody = standing.map((payload) =>
      payload.type === 'intent' ? signReceipt(payload, roleKeys.register) : sign(payload),
    );
    expect(codeOf(grantInForce(ledgerOf(eventId, bySomebody), eventId, keyOf))).toBe('ledger_disagrees');
    const inside = replaced('intent', { signed: signIntent(intent, roleKeys.register) });
    expect(codeOf(verdict(inside))).toBe('ledger_disagrees');
  });

  it('with a later deadline than the one that was signed proves nothing', () => {
    const signed = signIntent(intent, roleKeys.authority);
    const longer = { ...signed, intent: { ...intent, deadline: '2030-01-01T00:00:00.000Z' } };
    expect(codeOf(verdict(replaced('intent', { signed: longer })))).toBe('ledger_disagrees');
  });

  it('of entries or an intent from another event proves nothing', () => {
    const other = newEventId();
    expect(codeOf(grantInForce(ledgerOf(eventId, standing.map(sign)), other, keyOf))).toBe('ledger_disagrees');
    const moved = standing.map((payload) => ({ ...payload, event_id: other }));
    expect(codeOf(verdict(moved, other))).toBe('ledger_disagrees');
  });

  it('with two intents proves neither', () => {
    const again = standing
      .filter(({ type }) => type === 'intent')
      .map((payload) => ({ ...payload, transition: 'intent/2' }));
    expect(codeOf(verdict([...standing, ...again]))).toBe('ledger_disagrees');
  });

  it('whose signers nobody vouches for proves nothing', () => {
    const entries = ledgerOf(eventId, standing.map(sign));
    expect(codeOf(grantInForce(entries, eventId, () => undefined))).toBe('ledger_disagrees');
  });

  it('never makes it throw, and never proves anything', () => {
    fc.assert(
      fc.property(fc.array(fc.anything(), { maxLength: 5 }), (bodies) => {
        const entries = bodies.map((body, index) => ({ seq: index + 1, body }) as Entry);
        expect(codeOf(grantInForce(entries, eventId, keyOf))).not.toBe('in_force');
      }),
      { numRuns: 200 },
    );
  });
});
