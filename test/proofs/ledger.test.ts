import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { sha256Hex } from '../../proofs/canonical-json.js';
import { signDsse } from '../../proofs/dsse.js';
import { genesisLedgerHash, ledgerEntry, verifyLedger, type LedgerEntry } from '../../proofs/ledger.js';
import { generateRoleKey } from '../../proofs/role-key.js';

const EVENT = '0123456789abcdef';
const key = generateRoleKey();

function ledgerOf(count: number, eventId = EVENT): LedgerEntry[] {
  const entries: LedgerEntry[] = [];
  let prev = genesisLedgerHash(eventId);
  for (let seq = 1; seq <= count; seq += 1) {
    const body = signDsse({ payloadType: 'text/plain', payload: Buffer.from(`step ${seq}`), key });
    const entry = ledgerEntry({ seq, prev_ledger_hash: prev, body });
    entries.push(entry);
    prev = entry.ledger_hash;
  }
  return entries;
}

/** The ledger with its entry at `seq` changed. */
function withEntry(seq: number, change: (entry: LedgerEntry) => unknown): unknown[] {
  return ledgerOf(4).map((entry) => (entry.seq === seq ? change(entry) : entry));
}

describe('ledgerEntry', () => {
  it('hashes the RFC 8785 form of seq, previous hash and body', () => {
    const body = { payloadType: 't', payload: 'YQ==', signatures: [{ keyid: 'k', sig: 's' }] };
    const prev = genesisLedgerHash(EVENT);
    const form =
      '{"body":{"payload":"YQ==","payloadType":"t","signatures":[{"keyid":"k","sig":"s"}]},' +
      `"prev_ledger_hash":"${prev}","seq":1}`;
    expect(ledgerEntry({ seq: 1, prev_ledger_hash: prev, body })).toEqual({
      seq: 1,
      prev_ledger_hash: prev,
      ledger_hash: sha256Hex(form),
      body,
    });
  });

  it('starts from a genesis of the event alone', () => {
    expect(genesisLedgerHash(EVENT)).toBe(sha256Hex('reseal-ledger-v1:0123456789abcdef'));
  });
});

describe('verifyLedger', () => {
  it('accepts a whole ledger, also an empty one, and answers head and count', () => {
    const entries = ledgerOf(5);
    expect(verifyLedger(EVENT, entries)).toEqual({ ok: true, head: entries[4]?.ledger_hash, count: 5 });
    expect(verifyLedger(EVENT, [])).toEqual({ ok: true, head: genesisLedgerHash(EVENT), count: 0 });
    expect(verifyLedger(EVENT, JSON.parse(JSON.stringify(entries)))).toMatchObject({ ok: true });
  });

  it('accepts a prefix: that the tail is missing only a checkpoint over head and count shows', () => {
    const entries = ledgerOf(5);
    expect(verifyLedger(EVENT, entries.slice(0, 3))).toEqual({ ok: true, head: entries[2]?.ledger_hash, count: 3 });
  });

  it('names a gap, a repetition and a swap', () => {
    const [one, two, three, four] = ledgerOf(4);
    expect(verifyLedger(EVENT, [one, three, four])).toMatchObject({ ok: false, reason: 'gap', at: 2 });
    expect(verifyLedger(EVENT, [two, three])).toMatchObject({ ok: false, reason: 'gap', at: 1 });
    expect(verifyLedger(EVENT, [one, two, two])).toMatchObject({ ok: false, reason: 'out_of_order', at: 3 });
    expect(verifyLedger(EVENT, [one, three, two])).toMatchObject({ ok: false, reason: 'gap', at: 2 });
  });

  it('names an entry whose content was changed', () => {
    const body = signDsse({ payloadType: 'text/plain', payload: Buffer.from('forged'), key });
    expect(
      verifyLedger(
        EVENT,
        withEntry(3, (entry) => ({ ...entry, body })),
      ),
    ).toEqual({
      ok: false,
      reason: 'hash_mismatch',
      at: 3,
    });
  });

  it('names the successor of an entry that was replaced with its hash', () => {
    const body = signDsse({ payloadType: 'text/plain', payload: Buffer.from('forged'), key });
    const entries = withEntry(3, (entry) => ledgerEntry({ ...entry, body }));
    expect(verifyLedger(EVENT, entries)).toEqual({ ok: false, reason: 'prev_mismatch', at: 4 });
  });

  it("refuses another event's ledger", () => {
    const entries = ledgerOf(2, 'fedcba9876543210');
    expect(verifyLedger(EVENT, entries)).toEqual({ ok: false, reason: 'prev_mismatch', at: 1 });
  });

  it.each([
    ['an unknown member', (entry: LedgerEntry) => ({ ...entry, note: 'x' })],
    ['a missing member', ({ seq, body }: LedgerEntry) => ({ seq, body })],
    ['an upper-case hash', (entry: LedgerEntry) => ({ ...entry, ledger_hash: entry.ledger_hash.toUpperCase() })],
    ['a text as number', (entry: LedgerEntry) => ({ ...entry, seq: '2' })],
    ['a fraction', (entry: LedgerEntry) => ({ ...entry, seq: 2.5 })],
    ['a body that is no envelope', (entry: LedgerEntry) => ({ ...entry, body: { payload: 'x' } })],
    ['null', () => null],
  ])('refuses %s as malformed and says where', (_name, change) => {
    expect(verifyLedger(EVENT, withEntry(2, change))).toMatchObject({ ok: false, reason: 'malformed', at: 2 });
  });

  it('refuses what is no ledger, and one too long', () => {
    for (const entries of [undefined, null, {}, 'x', 1]) {
      expect(verifyLedger(EVENT, entries)).toMatchObject({ ok: false, reason: 'malformed', at: 0 });
    }
    expect(verifyLedger(EVENT, new Array(70_000))).toMatchObject({ ok: false, reason: 'too_long', at: 0 });
    expect(verifyLedger(EVENT, new Array(3))).toMatchObject({ ok: false, reason: 'malformed', at: 1 });
  });

  it('refuses any one changed character of a value, and never throws', () => {
    const text = JSON.stringify(ledgerOf(2));
    for (let index = 0; index < text.length; index += 1) {
      const changed = text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ 1) + text.slice(index + 1);
      let entries: unknown;
      try {
        entries = JSON.parse(changed);
      } catch {
        continue;
      }
      expect(verifyLedger(EVENT, entries).ok, `character ${index}`).toBe(false);
    }
  });

  it('never throws for arbitrary values', () => {
    const entry = fc.record({ seq: fc.anything(), prev_ledger_hash: fc.anything(), ledger_hash: fc.anything() });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.array(fc.oneof(entry, fc.anything()), { minLength: 1 })), (value) => {
        const verdict = verifyLedger(EVENT, value);
        expect(verdict.ok).toBe(Array.isArray(value) && value.length === 0);
      }),
      { numRuns: 500 },
    );
  });
});
