import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { AuditPayload } from '../../domain/audit-line.js';
import { ownEntry } from '../../domain/audit-mapping.js';
import {
  AUDIT_GENESIS,
  auditLineHash,
  AuditLogReader,
  readAuditLine,
  signAuditLine,
  unverifiedAuditLine,
  verifyAuditLog,
} from '../../proofs/audit-log.js';
import { generateRoleKey } from '../../proofs/role-key.js';
import { keyOf, roleKeys } from './ceremony-people.js';
import { ENTRY } from './sentinel-vectors.js';

const AT = '2026-11-21T01:08:15.120Z';
const nobody = { event_id: null, invoker: null, profile: null, reason_code: null };
const key = roleKeys.register;

function payload(seq: number, prev_hash: string, over: Partial<AuditPayload> = {}): AuditPayload {
  const entry = seq % 2 === 0 ? ENTRY : ownEntry(nobody, AT, 'reseal.request');
  const said = { at: AT, logged_at: AT, said_by: 'register', ledger: { seq, hash: 'ab'.repeat(32) } };
  return {
    schema: 'reseal.audit.v1',
    seq,
    prev_hash,
    ...said,
    entry,
    details: { ticket: 'INC-7', count: seq },
    ...over,
  };
}

/** A log of so many lines, as it stands in a file. */
function log(count: number): string[] {
  let prev = AUDIT_GENESIS;
  return Array.from({ length: count }, (_, index) => {
    const line = signAuditLine(payload(index + 1, prev), key);
    prev = auditLineHash(line);
    return line;
  });
}

const verify = (lines: readonly string[]) =>
  verifyAuditLog(Buffer.from(lines.map((line) => `${line}\n`).join('')), keyOf);
const faults = (lines: readonly string[]) => verify(lines).faults.map(({ line, code }) => [line, code]);
const lines = log(6);

describe('an audit log', () => {
  it('verifies from the file and the trust roots alone, and says what it holds', () => {
    expect(verifyAuditLog(Buffer.from(lines.join('\n')), keyOf)).toEqual({
      ok: true,
      count: 6,
      first_seq: 1,
      last_seq: 6,
      head: auditLineHash(lines[5]!),
      faults: [],
    });
  });

  it('verifies as a stretch of itself', () => {
    expect(verify(lines.slice(2, 5))).toMatchObject({ ok: true, first_seq: 3, last_seq: 5 });
  });

  it('is read a line at a time just as well', () => {
    const reader = new AuditLogReader(keyOf);
    expect(lines.map((line) => reader.next(Buffer.from(line))?.seq)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(reader.next(Buffer.from('x'))).toBeUndefined();
    expect(reader.report()).toMatchObject({ ok: false, count: 7, last_seq: 6, faults: [{ line: 7, code: 'syntax' }] });
  });

  it('has one form: the same entry by the same key is the same line', () => {
    expect(log(6)).toEqual(lines);
    expect(unverifiedAuditLine(lines[1]!)).toEqual(payload(2, auditLineHash(lines[0]!)));
  });

  it.each([
    ['a line taken out', lines.filter((_, index) => index !== 2), [[3, 'gap']]],
    [
      'two lines changed about',
      [lines[0]!, lines[2]!, lines[1]!],
      [
        [2, 'gap'],
        [3, 'out_of_order'],
      ],
    ],
    ['a line twice', [lines[0]!, lines[0]!], [[2, 'out_of_order']]],
    ['another line before', [lines[0]!, signAuditLine(payload(2, AUDIT_GENESIS), key)], [[2, 'prev_mismatch']]],
    [
      'a first line that points at something',
      [signAuditLine(payload(1, 'cd'.repeat(32)), key)],
      [[1, 'genesis_mismatch']],
    ],
    [
      'an empty line',
      [lines[0]!, '', lines[1]!],
      [
        [2, 'syntax'],
        [3, 'prev_mismatch'],
      ],
    ],
    ['nothing in it', [], [[0, 'empty']]],
  ])('with %s does not verify', (_name, changed, expected) => {
    expect(faults(changed)).toEqual(expected);
  });

  it('does not verify once any byte of it is another', () => {
    const bytes = Buffer.from(`${lines.slice(0, 2).join('\n')}\n`);
    fc.assert(
      fc.property(fc.nat(bytes.length - 2), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(verifyAuditLog(changed, keyOf).ok).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a line', () => {
  const codeOf = (text: string | Uint8Array): string => {
    const verdict = readAuditLine(typeof text === 'string' ? Buffer.from(text) : text, keyOf);
    return verdict.ok ? 'verified' : verdict.code;
  };

  it.each([
    ['by a key that nobody vouches for', 'signer_unknown', signAuditLine(payload(1, AUDIT_GENESIS), generateRoleKey())],
    ['by another role', 'signer_role', signAuditLine(payload(1, AUDIT_GENESIS), roleKeys.authority)],
    [
      'with a name that is none',
      'payload_malformed',
      signAuditLine(payload(1, AUDIT_GENESIS, { entry: { ...ownEntry(nobody, AT, 'other.name') } }), key),
    ],
    ['spaced anew', 'not_canonical', JSON.stringify(JSON.parse(lines[0]!), null, 1).replaceAll('\n', ' ')],
    ['with a byte order mark', 'syntax', `\ufeff${lines[0]!}`],
    ['with a carriage return', 'not_canonical', `${lines[0]!}\r`],
    ['of 10 MB', 'line_too_large', Buffer.alloc(10 * 1024 * 1024, 'a')],
    ['that is a number', 'envelope_malformed', '1'],
    ['that is null', 'envelope_malformed', 'null'],
  ])('%s is refused as %s', (_name, code, text) => {
    expect(codeOf(text)).toBe(code);
  });

  it('never throws, whatever bytes it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 300 }),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(codeOf(bytes)).not.toBe('verified');
          expect(unverifiedAuditLine(Buffer.from(bytes).toString('utf8'))).toBeUndefined();
        },
      ),
    );
  });
});
