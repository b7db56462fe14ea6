import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { replayEventLog } from '../../../proofs/tpm/event-log.js';
import { hashByName } from '../../../proofs/tpm/tpm-algorithms.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { event, extended, header, logOf, startupLocality, type LoggedEvent } from './event-log-writer.js';
import { attest, evidenceOf, failuresOf, NONCE, softwareAk, type HashName, type Values } from './software-quote.js';

const BANKS: HashName[] = ['sha1', 'sha256', 'sha384'];
const EVENTS: LoggedEvent[] = [
  { pcr: 0, data: Buffer.from('firmware') },
  { pcr: 7, data: Buffer.from('secure boot on') },
  { pcr: 0, data: Buffer.from('more firmware') },
  { pcr: 4, data: Buffer.from('boot loader') },
];
const wanted = [hashByName('sha256'), hashByName('sha384')].filter((hash) => hash !== undefined);
const replayed = (log: Buffer): Record<string, string> | string => {
  const result = replayEventLog(log, wanted);
  if (!result.ok) return result.fault.detail;
  return Object.fromEntries(
    [...(result.value.values.get('sha256') ?? [])].map(([pcr, hex]) => [pcr, hex.toString('hex')]),
  );
};

describe('when an event log is replayed', () => {
  it('leads to what a TPM makes of the same events', () => {
    const expected = Object.fromEntries([0, 4, 7].map((pcr) => [pcr, extended('sha256', EVENTS, pcr)]));
    expect(replayed(logOf(BANKS, EVENTS))).toEqual(expected);
  });

  it('begins PCR 0 with the locality that the TPM was started from', () => {
    const log = logOf(BANKS, [startupLocality(3), ...EVENTS]);
    expect(replayed(log)).toMatchObject({ 0: extended('sha256', EVENTS, 0, 3), 7: extended('sha256', EVENTS, 7) });
  });

  it('extends nothing for an event of no action', () => {
    const silent = { pcr: 7, type: 3, data: Buffer.from('anything') };
    expect(replayed(logOf(BANKS, [...EVENTS, silent]))).toMatchObject({ 7: extended('sha256', EVENTS, 7) });
  });

  const whole = logOf(BANKS, EVENTS);
  it.each([
    ['nothing at all', Buffer.alloc(0), 'ends in the middle'],
    ['a log that begins with something else', event(BANKS, { pcr: 0, data: Buffer.from('x') }), 'Spec ID Event03'],
    ['the older form with SHA-1 alone', header(['sha1'], { signature: 'Spec ID Event02\0' }), 'crypto-agile'],
    ['no banks', header([], { banks: Buffer.alloc(4) }), '0 banks'],
    ['four thousand million banks', header([], { banks: Buffer.alloc(4, 0xff) }), '4294967295 banks'],
    ['a bank with the size of another', header([], { banks: Buffer.from('010000000b001400', 'hex') }), 'wrong size'],
    [
      'a digest that is left out',
      Buffer.concat([header(BANKS), event(['sha1', 'sha384'], { pcr: 1, data: whole })]),
      'every bank',
    ],
    [
      'a digest of a bank it does not have',
      Buffer.concat([header(['sha1', 'sha256']), event(['sha1', 'sha384'], { pcr: 1, data: whole })]),
      'no bank',
    ],
    [
      'two digests of one bank',
      Buffer.concat([header(BANKS), event(['sha256', 'sha256'], { pcr: 1, data: whole })]),
      'two of one',
    ],
    ['a PCR that no TPM has', logOf(BANKS, [{ pcr: 24, data: whole }]), 'no PCR 24'],
    ['a start from locality 5', logOf(BANKS, [startupLocality(5)]), 'locality 5'],
    ['a start that is told too late', logOf(BANKS, [...EVENTS, startupLocality(3)]), 'after PCR 0'],
    ['more than 16 MiB', Buffer.alloc(16 * 1024 * 1024 + 1), 'at most'],
    [
      'more than 65,536 events',
      Buffer.concat([
        header(['sha1']),
        ...Array.from({ length: 65_536 }, () => event([], { pcr: 1, data: Buffer.alloc(0) })),
      ]),
      '65536 events',
    ],
  ])('refuses %s', (_name, log, detail) => {
    expect(replayed(log)).toContain(detail);
  });

  it('refuses a log cut anywhere but between two events', () => {
    const ends = [header(BANKS), ...EVENTS.map((one) => event(BANKS, one))].map(({ length }) => length);
    const between = new Set(ends.map((_, at) => ends.slice(0, at + 1).reduce((sum, length) => sum + length, 0)));
    for (let length = 0; length < whole.length; length += 1)
      expect(typeof replayed(whole.subarray(0, length))).toBe(between.has(length) ? 'object' : 'string');
  });
});

describe('when an event log is changed at random', () => {
  it('never throws, and reads what it reads to the end or not at all', () => {
    const whole = logOf(BANKS, [startupLocality(3), ...EVENTS]);
    let state = 20261121;
    // A linear congruential generator (Numerical Recipes): the same changes on every machine.
    const below = (most: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % most;
    let refused = 0;
    for (let round = 0; round < 5_000; round += 1) {
      const changed = Buffer.from(whole.subarray(0, whole.length - (below(4) === 0 ? below(whole.length) : 0)));
      for (let count = 0; count <= below(3); count += 1)
        if (changed.length > 0) changed.writeUInt8(below(256), below(changed.length));
      const result = replayEventLog(changed, wanted);
      if (!result.ok) refused += 1;
      else expect([...result.value.values.keys()].every((name) => result.value.banks.includes(name))).toBe(true);
    }
    expect(refused).toBeGreaterThan(1_000);
  });
});

describe('when a quote comes with an event log', () => {
  const ak = softwareAk('ecdsa');
  const values: Values = {
    sha256: Object.fromEntries([
      ...[0, 4, 7].map((pcr) => [String(pcr), extended('sha256', EVENTS, pcr)]),
      ['2', '00'.repeat(32)],
      ['10', 'ab'.repeat(32)],
    ]) as Record<string, string>,
  };
  const judged = (eventLog: Buffer, shown = values) =>
    verifyQuote({ ...evidenceOf(ak, attest({}, shown), shown), eventLog }, { nonce: NONCE });

  it('accepts what the log explains, and names what belongs to the running system', () => {
    const report = judged(logOf(BANKS, EVENTS));
    expect(failuresOf(report)).toEqual([]);
    const check = report.checks.find(({ code }) => code === 'EVENTLOG_MISMATCH');
    expect(check?.detail).toBe('3 values follow from 5 events; not in the log: PCR 10');
  });

  it('refuses a log with an event changed, left out, added or in another order', () => {
    const [first, second, third, fourth] = EVENTS as [LoggedEvent, LoggedEvent, LoggedEvent, LoggedEvent];
    const added = { pcr: 2, data: Buffer.from('an option ROM') };
    for (const events of [
      [{ ...first, data: Buffer.from('firmwarf') }, second, third, fourth],
      [first, second, fourth],
      [...EVENTS, added],
      [third, second, first, fourth],
    ])
      expect(failuresOf(judged(logOf(BANKS, events)))).toEqual(['EVENTLOG_MISMATCH']);
  });

  it('refuses a value of the firmware that the log says nothing of', () => {
    const shown = { sha256: { ...values['sha256'], '2': '01'.repeat(32) } };
    expect(failuresOf(judged(logOf(BANKS, EVENTS), shown))).toEqual(['EVENTLOG_MISMATCH']);
  });

  it('refuses a log without the bank that was quoted, and one that is none', () => {
    expect(failuresOf(judged(logOf(['sha384'], EVENTS)))).toEqual(['EVENTLOG_MISMATCH']);
    expect(failuresOf(judged(Buffer.from('no log')))).toEqual(['EVENTLOG_MISMATCH']);
  });

  it('says nothing of a log when the values are not those quoted', () => {
    const evidence = {
      ...evidenceOf(ak, attest({}, values), { sha256: { '0': '00'.repeat(32) } }),
      eventLog: logOf(BANKS, EVENTS),
    };
    const report = verifyQuote(evidence, { nonce: NONCE });
    expect(failuresOf(report)).toEqual(['PCR_NOT_QUOTED', 'PCR_DIGEST_MISMATCH']);
    expect(report.not_checked.map(({ code }) => code)).toContain('EVENTLOG_MISMATCH');
  });
});

const REAL = fileURLToPath(new URL('../../../../shared/vectors/rhel8-uefi.bin', import.meta.url));
const absent = existsSync(REAL) ? '' : ' (skipped: ../shared/vectors/rhel8-uefi.bin is not there)';

describe.skipIf(absent !== '')(`the event log of a real machine${absent}`, () => {
  it('is read to its end, with each of its banks', () => {
    const result = replayEventLog(readFileSync(REAL), wanted);
    expect(result).toMatchObject({ ok: true, value: { banks: ['sha1', 'sha256', 'sha384'] } });
    if (!result.ok) return;
    expect(result.value.events).toBeGreaterThan(20);
    expect([...(result.value.values.get('sha256')?.keys() ?? [])].sort((a, b) => a - b).slice(0, 8)).toEqual([
      0, 1, 2, 3, 4, 5, 6, 7,
    ]);
  });
});
