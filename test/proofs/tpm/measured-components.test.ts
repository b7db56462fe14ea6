import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { MeasuredEvent } from '../../../domain/component-policy.js';
import type { PcrPolicy } from '../../../domain/attestation-policy.js';
import { measuredEvents } from '../../../proofs/tpm/measured-events.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { event, extended, header, logOf, startupLocality, type LoggedEvent } from './event-log-writer.js';
import {
  attest,
  evidenceOf,
  failuresOf,
  NONCE,
  pcrPolicy,
  softwareAk,
  type HashName,
  type Values,
} from './software-quote.js';

const BANKS: HashName[] = ['sha1', 'sha256', 'sha384'];
const [IPL, APPLICATION, SEPARATOR] = [0xd, 0x80000003, 0x4];
const CRTM: LoggedEvent = { pcr: 0, type: 0x8, data: Buffer.from('firmware 1.2') };
const SHIM: LoggedEvent = { pcr: 4, type: APPLICATION, data: Buffer.from('shim 15.8') };
const GRUB: LoggedEvent = { pcr: 4, type: APPLICATION, data: Buffer.from('grub 2.12') };
const KERNEL: LoggedEvent = { pcr: 4, type: IPL, data: Buffer.from('kernel 6.1.0-28') };
const NEWER: LoggedEvent = { ...KERNEL, data: Buffer.from('kernel 6.1.0-29') };
const END: LoggedEvent = { pcr: 4, type: SEPARATOR, data: Buffer.alloc(4) };
const BOOT = [CRTM, END, SHIM, GRUB, KERNEL];

const ak = softwareAk('ecdsa');
const digestOf = ({ data }: LoggedEvent): string => createHash('sha256').update(data).digest('hex');
const accepted = { label: 'as installed', accepted_by: ['alice@contoso.com'], accepted_at: '2026-11-21T00:00:00Z' };
const typeOf = ({ type }: LoggedEvent): string =>
  ({
    8: 'EV_S_CRTM_VERSION',
    [IPL]: 'EV_IPL',
    [APPLICATION]: 'EV_EFI_BOOT_SERVICES_APPLICATION',
    [SEPARATOR]: 'EV_SEPARATOR',
  })[type ?? 0] ?? '';
const allows = (...alternatives: [LoggedEvent, ...LoggedEvent[]]) => ({
  event_type: typeOf(alternatives[0]),
  allowed: alternatives.map((one) => ({ digest: digestOf(one), ...accepted })),
});
const PCR4 = [allows(END), allows(SHIM), allows(GRUB), allows(KERNEL, NEWER)];
const policy = (changed: Partial<PcrPolicy> = {}) =>
  pcrPolicy({ pcrs: {}, components: { sha256: { '0': [allows(CRTM)], '4': PCR4 } }, ...changed });

/** What a TPM says after these events, honestly. */
const valuesOf = (events: readonly LoggedEvent[], locality = 0): Values => ({
  sha256: { '0': extended('sha256', events, 0, locality), '4': extended('sha256', events, 4) },
});
/** A machine that was booted so, and the log that it shows. */
const judged = (
  events: readonly LoggedEvent[],
  shown: Buffer | null = logOf(BANKS, events),
  by = policy(),
  locality = 0,
) => {
  const values = valuesOf(events, locality);
  const evidence = evidenceOf(ak, attest({}, values), values);
  return verifyQuote(shown === null ? evidence : { ...evidence, eventLog: shown }, { nonce: NONCE, policy: by });
};
const golden = (report: ReturnType<typeof judged>): string =>
  report.checks.find(({ code }) => code === 'PCR_NOT_GOLDEN')?.detail ?? 'not judged';

describe('when a policy names what is measured into a PCR', () => {
  it('accepts every alternative of a component, and says how the PCRs were judged', () => {
    for (const kernel of [KERNEL, NEWER]) {
      const report = judged([CRTM, END, SHIM, GRUB, kernel]);
      expect(failuresOf(report)).toEqual([]);
      expect(golden(report)).toBe('all 2 PCRs of hosts version 3, 2 of them by their components');
    }
  });

  it.each([
    [
      'a component that is not allowed',
      [CRTM, END, SHIM, GRUB, { ...KERNEL, data: Buffer.from('kernel 666') }],
      'sha256 PCR 4: event 4 (EV_IPL) is ',
    ],
    ['a component left out', [CRTM, END, GRUB, KERNEL], 'sha256 PCR 4: event 2 (EV_EFI_BOOT_SERVICES_APPLICATION) is '],
    [
      'the last component left out',
      [CRTM, END, SHIM, GRUB],
      'sha256 PCR 4: the log ends after 3 events, expected component 4 (EV_IPL): one of 2 digests',
    ],
    ['a component added', [...BOOT, KERNEL], 'expected no further event'],
    ['allowed components in another order', [CRTM, END, GRUB, SHIM, KERNEL], 'sha256 PCR 4: event 2 '],
    ['a whole PCR that nothing was measured into', [CRTM], 'sha256 PCR 4: the log ends after 0 events'],
    [
      'another PCR that is not as it should be',
      [{ ...CRTM, data: Buffer.from('firmware 6.6') }, ...BOOT.slice(1)],
      'sha256 PCR 0: event 1 (EV_S_CRTM_VERSION) is ',
    ],
  ])('refuses a machine that was booted with %s, though its log says so openly', (_name, events, detail) => {
    const report = judged(events);
    expect(failuresOf(report)).toEqual(['PCR_NOT_GOLDEN']);
    expect(golden(report)).toContain(detail);
    expect(golden(report)).toContain('expected');
  });

  const evil = [CRTM, END, SHIM, GRUB, { ...KERNEL, data: Buffer.from('kernel 666') }];
  it.each([
    ['the log of a good boot', logOf(BANKS, BOOT)],
    ['a log whose last event is called no action', logOf(BANKS, [...BOOT.slice(0, 4), { ...KERNEL, type: 3 }])],
    ['a log that is cut', logOf(BANKS, BOOT).subarray(0, -5)],
    ['a log without the bank', logOf(['sha1', 'sha384'], BOOT)],
    ['an empty log', Buffer.alloc(0)],
  ])('refuses a machine that was booted with a bad kernel and shows %s', (_name, shown) => {
    const report = judged(evil, shown);
    expect(failuresOf(report)).toEqual(['EVENTLOG_MISMATCH', 'PCR_NOT_GOLDEN']);
    expect(golden(report)).toMatch(
      /sha256 PCR 4: it is judged by its components, and the event log .*: expected one that leads to it/,
    );
  });

  it('refuses when no log was sent: what cannot be judged does not pass', () => {
    const report = judged(BOOT, null);
    expect(failuresOf(report)).toEqual(['PCR_NOT_GOLDEN']);
    expect(golden(report)).toContain('expected the event log that leads to its value');
  });

  it('takes nothing from what an event says it is about: only type and digest count', () => {
    const banks = (of: LoggedEvent): Buffer => {
      const bytes = event(BANKS, of);
      // The data is the last thing in an event.
      bytes.write('KERNEL 666', bytes.length - of.data.length, 'latin1');
      return bytes;
    };
    const lying = Buffer.concat([header(BANKS), ...BOOT.slice(0, 4).map((one) => event(BANKS, one)), banks(KERNEL)]);
    expect(failuresOf(judged(BOOT, lying))).toEqual([]);
    const flattering = { ...KERNEL, data: Buffer.from('kernel 666') };
    const called = event(BANKS, flattering);
    called.write('kernel 6.1', called.length - flattering.data.length, 'latin1');
    const log = Buffer.concat([header(BANKS), ...BOOT.slice(0, 4).map((one) => event(BANKS, one)), called]);
    expect(failuresOf(judged(evil, log))).toEqual(['PCR_NOT_GOLDEN']);
  });

  it('refuses a known digest that is called another type of event', () => {
    const log = logOf(BANKS, [...BOOT.slice(0, 4), { ...KERNEL, type: APPLICATION }]);
    expect(failuresOf(judged(BOOT, log))).toEqual(['PCR_NOT_GOLDEN']);
  });

  it('judges nothing by a log before the signature holds', () => {
    const values = valuesOf(BOOT);
    const quote = attest({}, values);
    const evidence = { ...evidenceOf(ak, quote, values), signature: softwareAk('ecdsa').sign(quote) };
    const report = verifyQuote({ ...evidence, eventLog: logOf(BANKS, evil) }, { nonce: NONCE, policy: policy() });
    expect(failuresOf(report)).toEqual(['BAD_SIGNATURE']);
    expect(report.not_checked.map(({ code }) => code)).toContain('PCR_NOT_GOLDEN');
  });

  it('wants the PCR quoted, like any that it names', () => {
    const values = { sha256: { '0': extended('sha256', BOOT, 0) } };
    const evidence = { ...evidenceOf(ak, attest({}, values), values), eventLog: logOf(BANKS, BOOT) };
    const report = verifyQuote(evidence, { nonce: NONCE, policy: policy() });
    expect(failuresOf(report)).toEqual(['PCR_NOT_QUOTED', 'PCR_NOT_GOLDEN']);
  });

  it('lets a component be absent where somebody accepted that', () => {
    const [end, shim, grub, kernel] = PCR4;
    const optional = { ...allows(GRUB), allowed: [...allows(GRUB).allowed, { absent: true as const, ...accepted }] };
    if (!end || !shim || !grub || !kernel) throw new Error('no components');
    const by = policy({ components: { sha256: { '4': [end, shim, optional, kernel] } } });
    expect(failuresOf(judged([END, SHIM, KERNEL], undefined, by))).toEqual([]);
    expect(failuresOf(judged([END, SHIM, GRUB, KERNEL], undefined, by))).toEqual([]);
    expect(failuresOf(judged([END, GRUB, KERNEL], undefined, by))).toEqual(['PCR_NOT_GOLDEN']);
  });

  it('holds PCR 0 to the locality from which the TPM was started', () => {
    const log = logOf(BANKS, [startupLocality(3), ...BOOT]);
    const other = judged(BOOT, log, policy(), 3);
    expect(failuresOf(other)).toEqual(['PCR_NOT_GOLDEN']);
    expect(golden(other)).toBe('sha256 PCR 0: the TPM was started from locality 3, expected 0');
    expect(failuresOf(judged(BOOT, log, policy({ startup_localities: [3, 4] }), 3))).toEqual([]);
    expect(failuresOf(judged(BOOT, undefined, policy({ startup_localities: [3, 4] })))).toEqual(['PCR_NOT_GOLDEN']);
  });

  it('takes a PCR that is named both ways when either allows it', () => {
    const whole = { digest: extended('sha256', evil, 4), ...accepted };
    const both = policy({ pcrs: { sha256: { '4': [whole] } } });
    expect(failuresOf(judged(evil, undefined, both))).toEqual([]);
    expect(failuresOf(judged(BOOT, undefined, both))).toEqual([]);
    const neither = judged([CRTM, END, SHIM], undefined, both);
    expect(golden(neither)).toMatch(
      /^sha256 PCR 4 is [0-9a-f]{64}, expected [0-9a-f]{64} \(as installed\), or by its components: the log ends/,
    );
  });

  it('leaves the digest of a policy without components as it was', () => {
    expect(pcrPolicy().digest).toBe('04eb2c64685bd024ed82969ef52f6d8aad9589885c0e199d4bb689710ed60543');
  });
});

describe('when the log of a good boot is changed at random', () => {
  it('5,000 times, it passes only when it says the same of every event that counts, and never throws', () => {
    const values = valuesOf(BOOT);
    const evidence = evidenceOf(ak, attest({}, values), values);
    const whole = logOf(BANKS, BOOT);
    const by = policy();
    const told = (log: Buffer): MeasuredEvent[] => {
      const read = measuredEvents(log, values);
      if (!read.ok) throw new Error(read.detail);
      return [0, 4].flatMap((pcr) => read.value.pcrs.get('sha256')?.get(pcr) ?? []);
    };
    const honest = told(whole);
    let state = 20261122;
    // A linear congruential generator (Numerical Recipes): the same changes on every machine.
    const below = (most: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % most;
    const counts = { passed: 0, refused: 0 };
    for (let round = 0; round < 5_000; round += 1) {
      const changed = mutated(whole, below);
      const report = verifyQuote({ ...evidence, eventLog: changed }, { nonce: NONCE, policy: by });
      counts[report.ok ? 'passed' : 'refused'] += 1;
      if (report.ok) expect(told(changed)).toEqual(honest);
    }
    expect(counts.refused).toBeGreaterThan(1_500);
    expect(counts.passed).toBeGreaterThan(50);
  });
});

/** Cut, with a piece of itself put in somewhere, or with up to three bytes changed. */
function mutated(whole: Buffer, below: (most: number) => number): Buffer {
  const at = below(whole.length);
  switch (below(4)) {
    case 0:
      return whole.subarray(0, at);
    case 1: {
      const from = below(whole.length);
      return Buffer.concat([whole.subarray(0, at), whole.subarray(from, from + below(120)), whole.subarray(at)]);
    }
    default: {
      const changed = Buffer.from(whole);
      for (let count = below(3); count >= 0; count -= 1) changed.writeUInt8(below(256), below(changed.length));
      return changed;
    }
  }
}
