import type { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSignedByIssuer, readCrl, readCrlFile, type Crl } from '../../../proofs/tpm/crl.js';
import { verifyEkCertificate, type EkAuthorities } from '../../../proofs/tpm/ek-certificate.js';
import { opensslMissing, VendorAuthority, type ListOf } from '../../support/vendor-authority.js';
import { softwareAk } from './software-quote.js';

const DAY = 86_400_000;

describe.skipIf(opensslMissing)(
  `lists of revoked certificates${opensslMissing ? ' (skipped: no openssl)' : ''}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'reseal-crl-'));
    const vendor = new VendorAuthority(folder);
    const ek = softwareAk('rsassa');
    let root: X509Certificate;
    let between: X509Certificate;
    let leaf: X509Certificate;
    beforeAll(() => {
      root = vendor.authority('root', 'ec');
      between = vendor.authority('between', 'rsa', 'root');
      leaf = vendor.endorsed('leaf', ek.pem, 'between');
      vendor.authority('stranger', 'rsa');
    });
    afterAll(() => rmSync(folder, { recursive: true, force: true }));

    const read = (...pems: string[]): Crl[] => {
      const file = readCrlFile(Buffer.from(pems.join('\n')));
      if (!file.ok) throw new Error(file.detail);
      return file.value;
    };
    const lists = (ofRoot: ListOf = {}, ofBetween: ListOf = {}): Crl[] =>
      read(vendor.list('root', ofRoot), vendor.list('between', ofBetween));
    const judged = (crls: Crl[] | undefined, more: Partial<EkAuthorities> = {}, nowMs = Date.now()): string => {
      const chain = [leaf.raw, between.raw];
      const verdict = verifyEkCertificate(ek.area, chain, { roots: [root], ...(crls && { crls }), ...more }, nowMs);
      return verdict.ok ? 'ok' : verdict.code;
    };

    it('pass a chain of which no certificate is on the list of who issued it', () => {
      expect(judged(undefined)).toBe('ok');
      expect(judged(lists())).toBe('ok');
      expect(judged(lists({ digest: 'sha384' }, { digest: 'sha512' }))).toBe('ok');
      expect(judged(lists({ revoked: [leaf] }, { revoked: [between] }))).toBe('ok');
    });

    it('refuse an endorsement key, and whoever certified it, that is on one', () => {
      expect(judged(lists({}, { revoked: [leaf] }))).toBe('ek_certificate_revoked');
      expect(judged(lists({ revoked: [between] }))).toBe('ek_certificate_revoked');
      expect(judged(lists({ revoked: [between] }, { revoked: [leaf, between] }))).toBe('ek_certificate_revoked');
    });

    it('refuse a chain of which an issuer has no list: a file that is taken away switches nothing off', () => {
      expect(judged(read(vendor.list('root')))).toBe('ek_certificate_unlisted');
      expect(judged(read(vendor.list('between')))).toBe('ek_certificate_unlisted');
      expect(judged([])).toBe('ek_certificate_unlisted');
    });

    it('count by the key that signed them: a stranger revokes nothing, and vouches for nothing', () => {
      const strange = vendor.list('stranger', { revoked: [leaf, between] });
      expect(judged([...lists(), ...read(strange)])).toBe('ok');
      expect(judged([...read(vendor.list('root')), ...read(vendor.list('stranger'))])).toBe('ek_certificate_unlisted');
    });

    it('that are over refuse what is new, and go on counting for what they name where somebody says so', () => {
      const stale = lists({}, { days: -1 });
      expect(judged(stale)).toBe('ek_certificate_stale_list');
      expect(judged(stale, { staleCrls: true })).toBe('ok');
      expect(judged(lists({}, { days: -1, revoked: [leaf] }), { staleCrls: true })).toBe('ek_certificate_revoked');
      expect(judged(lists(), {}, Date.now() + 31 * DAY)).toBe('ek_certificate_stale_list');
      // What an older list named stays revoked, whatever a newer one leaves out.
      expect(judged([...lists(), ...lists({}, { days: -1, revoked: [leaf] })])).toBe('ek_certificate_revoked');
      expect(judged([...lists(), ...stale])).toBe('ok');
    });

    it('are refused when they may not say all of what they seem to', () => {
      const partial = vendor.list('between', {
        extensions: 'issuingDistributionPoint=critical,@part\n[part]\nonlyuser=TRUE',
      });
      expect(readCrlFile(Buffer.from(partial))).toMatchObject({
        ok: false,
        detail: expect.stringContaining('critical extension 2.5.29.28') as string,
      });
      const told = vendor.list('between', { extensions: 'authorityKeyIdentifier=keyid' });
      expect(readCrlFile(Buffer.from(told)).ok).toBe(true);
      const weak = vendor.list('between', { digest: 'sha1' });
      expect(readCrlFile(Buffer.from(weak))).toMatchObject({
        ok: false,
        detail: expect.stringContaining('expected RSA or ECDSA with SHA-256') as string,
      });
    });

    it('are read as PEM and as DER, and nothing else is', () => {
      const der = Buffer.from(vendor.list('root').replace(/-----[^-]+-----/g, ''), 'base64');
      expect(readCrlFile(der)).toMatchObject({ ok: true, value: [{}] });
      for (const bytes of [Buffer.alloc(0), Buffer.from('no list'), leaf.raw, Buffer.concat([der, Buffer.of(0)])])
        expect(readCrlFile(bytes).ok).toBe(false);
      expect(readCrl(Buffer.alloc(5 * 1024 * 1024))).toMatchObject({
        ok: false,
        detail: expect.stringContaining('at most') as string,
      });
    });

    it('changed at random, 5,000 times, are never taken for the issuer’s, and never make it throw', () => {
      const der = Buffer.from(
        vendor.list('root', { revoked: [between, leaf] }).replace(/-----[^-]+-----/g, ''),
        'base64',
      );
      const signedBy = (bytes: Buffer): boolean => {
        const parsed = readCrl(bytes);
        return parsed.ok && isSignedByIssuer(parsed.value, root.publicKey);
      };
      expect(signedBy(der)).toBe(true);
      let state = 20261122;
      // A linear congruential generator (Numerical Recipes): the same changes on every machine.
      const below = (most: number): number => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % most;
      const taken: string[] = [];
      for (let round = 0; round < 5_000; round += 1) {
        const at = below(der.length);
        const changed = Buffer.from(der);
        changed.writeUInt8(below(256), at);
        const bytes =
          [
            changed,
            changed,
            der.subarray(0, at),
            Buffer.concat([der.subarray(0, at), Buffer.of(below(256)), der.subarray(at)]),
          ][below(4)] ?? changed;
        if (!bytes.equals(der) && signedBy(bytes)) taken.push(bytes.toString('hex'));
      }
      expect(taken).toEqual([]);
    });
  },
);
