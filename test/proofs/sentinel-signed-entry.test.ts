import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { sentinelLogEntryJson } from '../../proofs/sentinel-json.js';
import { readSentinelLine, secretOfFile, signSentinelEntry } from '../../proofs/sentinel-signed-entry.js';
import { ENTRY, KEY, logEntries, SECRET, signed, signedRaw } from './sentinel-vectors.js';

const read = (line: string | Uint8Array) =>
  readSentinelLine(typeof line === 'string' ? Buffer.from(line) : line, (id) =>
    id === KEY.key_id ? SECRET : undefined,
  );
const codeOf = (line: string | Uint8Array): string => {
  const verdict = read(line);
  return verdict.ok ? 'verified' : verdict.code;
};
const line = signed(ENTRY);

describe('a signed line', () => {
  it('is what the rule says, byte for byte', () => {
    const entry =
      '{"timestamp":"2026-11-21T01:08:15Z","event":"breakglass.invoked","event_id":"00112233445566aa","request_id":"",' +
      '"invoker":"dana","profile":"production","reason_code":"incident",' +
      '"justification":"Orders \\u003cstuck\\u003e \\u0026 customers wait: INC-7","status":"active",' +
      '"duration_seconds":3600,"expires_at":"2026-11-21T02:08:15Z"}';
    expect(sentinelLogEntryJson(ENTRY)).toBe(entry);
    expect(line).toBe(signedRaw(entry));
  });

  it('verifies and gives back every entry that could be written', () => {
    fc.assert(
      fc.property(logEntries, (entry) => {
        const verdict = read(signed(entry));
        expect(verdict.ok && verdict.line.entry).toEqual(entry);
        expect(verdict.ok && sentinelLogEntryJson(verdict.line.entry!)).toBe(sentinelLogEntryJson(entry));
      }),
    );
  });

  it('verifies as Sentinel itself would when somebody has only spaced it anew', () => {
    const spaced = JSON.stringify(JSON.parse(line), null, 1).replaceAll('\n', ' ');
    expect(codeOf(spaced)).toBe('verified');
  });

  it('has the same digest each time, and another for another entry', () => {
    const digest = (text: string) => {
      const verdict = read(text);
      return verdict.ok ? verdict.line.digest : '';
    };
    expect(digest(line)).toMatch(/^[0-9a-f]{64}$/);
    expect(digest(line)).toBe(digest(line));
    expect(digest(signed({ ...ENTRY, invoker: 'erin' }))).not.toBe(digest(line));
  });

  it('of another kind than break-glass verifies, and is no history', () => {
    const verdict = read(signedRaw('{"timestamp":"2026-01-01T00:00:00Z","decision":"allow","rule":1}'));
    expect(verdict).toMatchObject({ ok: true, line: { entry: null } });
  });

  it('keeps members that a newer Sentinel adds out of the entry, and in the text', () => {
    const text = signedRaw(sentinelLogEntryJson(ENTRY).replace('}', ',"hostname":"h1"}'));
    expect(read(text)).toMatchObject({ ok: true, line: { entry: ENTRY, text } });
  });

  it('needs a secret of 32 bytes and a printable key id', () => {
    expect(() => signSentinelEntry('{}', ENTRY.timestamp, { ...KEY, secret: Buffer.alloc(31) })).toThrow(TypeError);
    expect(() => signSentinelEntry('{}', ENTRY.timestamp, { ...KEY, key_id: 'a b' })).toThrow(TypeError);
  });
});

describe('a key file', () => {
  it('holds its bytes, but for the line break at the end of a text', () => {
    for (const end of ['', '\n', '\r\n'])
      expect(Buffer.from(secretOfFile(Buffer.from(`secret word${end}`))).toString()).toBe('secret word');
    const binary = Buffer.from([0, 1, 2, 0xff, 0x0a]);
    expect(secretOfFile(binary)).toBe(binary);
    expect(Buffer.from(secretOfFile(Buffer.from('a\n\n'))).toString()).toBe('a\n\n');
  });
});

describe('a line that is no history', () => {
  const entry = sentinelLogEntryJson(ENTRY);
  const over = (change: Record<string, unknown>) => JSON.stringify({ ...(JSON.parse(line) as object), ...change });
  const cases: [name: string, code: string, line: string | Uint8Array][] = [
    ['an unsigned log entry', 'unsigned', entry],
    ['an unsigned event', 'unsigned', '{"id":"00112233445566aa","status":"active","duration":7200000000000}'],
    ['an empty signature', 'unsigned', over({ signature: '' })],
    ['a member missing', 'line_malformed', '{"entry":{},"signature":"00","key_id":"k"}'],
    ['a member too many', 'line_malformed', over({ more: 1 })],
    ['an array', 'line_malformed', '[1]'],
    ['an entry that is text', 'line_malformed', over({ entry: 'x' })],
    ['a key id that is no text', 'line_malformed', over({ key_id: 7 })],
    ['a timestamp that is no text', 'line_malformed', over({ timestamp: 7 })],
    [
      'a signature in upper case',
      'signature_malformed',
      line.replace(/"signature":"[^"]+"/, (s) => s.toUpperCase().replace('SIGNATURE', 'signature')),
    ],
    ['another key id', 'key_unknown', signed(ENTRY, { key_id: 'other' })],
    ['another secret', 'signature_mismatch', signed(ENTRY, { secret: Buffer.alloc(32, 'x') })],
    ['a changed entry', 'signature_mismatch', line.replace('dana', 'erin')],
    ['a changed timestamp', 'signature_mismatch', over({ timestamp: '2026-11-21T01:08:16Z' })],
    ['an event that Sentinel has not', 'entry_malformed', signedRaw(entry.replace('invoked', 'paused'))],
    ['a duration over four hours', 'entry_malformed', signedRaw(entry.replace('3600', '14401'))],
    ['a duration beyond exact numbers', 'entry_malformed', signedRaw(entry.replace('3600', '9007199254740993'))],
    ['a number beyond all', 'number_out_of_range', signedRaw(entry.replace('3600', '1e999'))],
    ['a member twice', 'duplicate_member', line.replace('"key_id":', '"key_id":"x","key_id":')],
    ['a member of the entry twice', 'duplicate_member', signedRaw(entry.replace('{', '{"event":"breakglass.closed",'))],
    ['a prototype', 'forbidden_member', signedRaw(entry.replace('{', '{"__proto__":{},'))],
    ['half a character', 'lone_surrogate', signedRaw(entry.replace('dana', '\\ud800'))],
    [
      'invalid UTF-8',
      'invalid_utf8',
      Buffer.concat([Buffer.from(line.slice(0, 40)), Buffer.from([0xff]), Buffer.from(line.slice(40))]),
    ],
    ['a byte order mark', 'byte_order_mark', `\ufeff${line}`],
    ['a carriage return', 'carriage_return', `${line}\r`],
    ['nothing', 'line_empty', ''],
    ['half a line', 'syntax', line.slice(0, 100)],
    ['nesting without end', 'too_deep', '['.repeat(1000)],
    ['10 MB', 'line_too_large', Buffer.alloc(10 * 1024 * 1024, 'a')],
  ];
  it.each(cases)('with %s is refused as %s', (_name, code, hostile) => {
    expect(codeOf(hostile)).toBe(code);
  });

  it('is told without its own words', () => {
    const verdict = read(signedRaw(entry.replace('incident', 'secret-word')));
    expect(verdict.ok ? '' : verdict.message).toContain('reason_code');
    expect(JSON.stringify(verdict)).not.toContain('secret-word');
  });

  it('never throws, whatever bytes it is', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void codeOf(bytes)));
  });

  it('never verifies once any byte of it is another', () => {
    const bytes = Buffer.from(line);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ flip;
        expect(codeOf(changed)).not.toBe('verified');
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused where the key that is known is too short to count', () => {
    const verdict = readSentinelLine(Buffer.from(line), () => Buffer.alloc(8));
    expect(verdict).toMatchObject({ ok: false, code: 'key_unknown' });
  });
});
