import { describe, expect, it } from 'vitest';

import type { Tuple } from '../../domain/intent.js';
import { makeMarker, verifyMarker, type MarkerFields } from '../../proofs/marker.js';
import { generateRoleKey } from '../../proofs/role-key.js';

const authority = generateRoleKey();
const tuple: Tuple = {
  tenant_id: '11111111-1111-4111-8111-111111111111',
  principal_id: '22222222-2222-4222-8222-222222222222',
  role_template_id: '33333333-3333-4333-8333-333333333333',
  directory_scope_id: '/administrativeUnits/44444444-4444-4444-8444-444444444444',
};
const mark = { event_id: '0123456789abcdef', deadline: '2026-06-01T10:30:00.000Z' };
const marker = makeMarker({ ...mark, tuple }, authority.privateKey);
const fields: MarkerFields = {
  ticketSystem: marker.ticket_system,
  ticketNumber: marker.ticket_number,
  justification: marker.justification,
};
const keys = [authority.publicKey];

describe('a marker', () => {
  it('names event and deadline, and fits the fields of a PIM request', () => {
    expect(marker.ticket_number).toBe('reseal-0123456789abcdef-1780309800');
    expect(marker.ticket_number.length).toBeLessThanOrEqual(64);
    expect(marker.justification.length).toBeLessThanOrEqual(500);
  });

  it('verifies for its tuple, and says what it was made from', () => {
    expect(verifyMarker(fields, tuple, keys)).toEqual({ ok: true, marked: mark });
  });

  it('still verifies after the authority changed its key', () => {
    expect(verifyMarker(fields, tuple, [generateRoleKey().publicKey, ...keys]).ok).toBe(true);
  });

  it.each(['tenant_id', 'principal_id', 'role_template_id', 'directory_scope_id'] as const)(
    'means nothing with another %s',
    (name) => {
      const other = { ...tuple, [name]: '55555555-5555-4555-8555-555555555555' };
      expect(verifyMarker(fields, other, keys)).toEqual({ ok: false, reason: 'marker_signature_invalid' });
    },
  );

  it('refuses a key that is not the authority’s, and no key at all', () => {
    const reason = 'marker_signature_invalid';
    expect(verifyMarker(fields, tuple, [generateRoleKey().publicKey])).toEqual({ ok: false, reason });
    expect(verifyMarker(fields, tuple, [])).toEqual({ ok: false, reason });
  });

  it('refuses any other event or deadline in its words, in one field or in both', () => {
    const justification = marker.justification.replace('0123456789abcdef', 'ffffffffffffffff');
    const ticketNumber = marker.ticket_number.replace('0123456789abcdef', 'ffffffffffffffff');
    const later = marker.justification.replace('10:30', '11:30');
    expect(verifyMarker({ ...fields, justification }, tuple, keys)).toMatchObject({ reason: 'marker_malformed' });
    expect(verifyMarker({ ...fields, ticketNumber }, tuple, keys)).toMatchObject({ reason: 'marker_malformed' });
    const both = verifyMarker({ ...fields, justification, ticketNumber }, tuple, keys);
    expect(both).toMatchObject({ reason: 'marker_signature_invalid' });
    expect(verifyMarker({ ...fields, justification: later }, tuple, keys).ok).toBe(false);
  });

  it('never throws on what somebody else wrote there', () => {
    const garbage = [null, undefined, '', 'x'.repeat(10_000), '\u0000', `${marker.justification} and more`];
    for (const text of garbage) {
      expect(verifyMarker({ ...fields, justification: text }, tuple, keys).ok).toBe(false);
      expect(verifyMarker({ ...fields, ticketNumber: text }, tuple, keys).ok).toBe(false);
      expect(verifyMarker({ ...fields, ticketSystem: text }, tuple, keys).ok).toBe(false);
    }
    const impossible = marker.justification.replace('2026-06-01T10:30:00.000Z', '2026-99-99T99:99:99.000Z');
    expect(verifyMarker({ ...fields, justification: impossible }, tuple, keys).ok).toBe(false);
  });

  it('has one spelling of its signature', () => {
    const last = marker.justification.slice(-1);
    const twin = String.fromCharCode(last.charCodeAt(0) + 1);
    const respelled = marker.justification.slice(0, -1) + twin;
    expect(verifyMarker({ ...fields, justification: respelled }, tuple, keys).ok).toBe(false);
  });
});
