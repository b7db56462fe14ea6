import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ENTRY_ROLES, type EntryType } from '../../domain/entry.js';
import { signDsse } from '../../proofs/dsse.js';
import { readEntry, signReceipt } from '../../proofs/receipt.js';
import { ENTRY_PAYLOAD_TYPE } from '../../domain/entry.js';
import { T0, entryOf, keyOf, newEventId, roleKeys } from './ceremony-people.js';

const eventId = newEventId();
const payload = entryOf(eventId, 'ended', 'ended', T0, { end: 'denied', note: 'é' });
const codeOf = (body: unknown): string => {
  const read = readEntry(body, eventId, keyOf);
  return read.ok ? 'ok' : read.code;
};

describe('a receipt', () => {
  it('reads back as what its role said', () => {
    const { envelope, transition } = signReceipt(payload, roleKeys.register);
    expect(transition).toBe('ended');
    expect(readEntry(envelope, eventId, keyOf)).toEqual({
      ok: true,
      entry: payload,
      role: 'register',
      keyid: roleKeys.register.keyid,
    });
  });

  it.each(Object.keys(ENTRY_ROLES) as EntryType[])('of type %s counts from its own role alone', (type) => {
    const entry = entryOf(eventId, type, type, T0);
    for (const [role, key] of Object.entries(roleKeys)) {
      expect(codeOf(signReceipt(entry, key).envelope)).toBe(role === ENTRY_ROLES[type] ? 'ok' : 'entry_role');
    }
  });

  it('refuses text that is not its own RFC 8785 form, though the role signed it', () => {
    const spaced = Buffer.from(JSON.stringify(payload, null, 1));
    expect(codeOf(signDsse({ payloadType: ENTRY_PAYLOAD_TYPE, payload: spaced, key: roleKeys.register }))).toBe(
      'entry_malformed',
    );
    const { schema: _schema, ...rest } = payload;
    const bytes = Buffer.from(JSON.stringify(rest));
    expect(codeOf(signDsse({ payloadType: ENTRY_PAYLOAD_TYPE, payload: bytes, key: roleKeys.register }))).toBe(
      'entry_malformed',
    );
  });

  it('refuses a second signature and another kind of payload', () => {
    const { envelope } = signReceipt(payload, roleKeys.register);
    const two = [...envelope.signatures, ...signReceipt(payload, roleKeys.authority).envelope.signatures];
    expect(codeOf({ ...envelope, signatures: two })).toBe('entry_envelope');
    expect(codeOf({ ...envelope, payloadType: 'application/json' })).toBe('entry_envelope');
  });

  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.anything(), (body) => {
        expect(codeOf(body)).not.toBe('ok');
      }),
      { numRuns: 200 },
    );
  });
});
