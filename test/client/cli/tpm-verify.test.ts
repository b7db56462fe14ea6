import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attestationReportSchema } from '../../../domain/attestation.js';
import { extended, logOf } from '../../proofs/tpm/event-log-writer.js';
import { attest, NONCE, pcrPolicy, sized, softwareAk, type Values } from '../../proofs/tpm/software-quote.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy } from '../people.js';
import { reseal } from '../terminal.js';

const EVENTS = [{ pcr: 7, data: Buffer.from('secure boot on') }];
const VALUES: Values = { sha256: { '0': '00'.repeat(32), '7': extended('sha256', EVENTS, 7) } };
const ak = softwareAk('rsassa');
const people = makePeople();
const api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
const folder = mkdtempSync(join(tmpdir(), 'reseal-tpm-'));

beforeAll(() => {
  const quote = attest({}, VALUES);
  const later = attest({ resets: 6, restarts: 0, clock: 2_000_000n }, VALUES);
  const files = {
    'quote.msg': quote,
    'quote.sig': ak.sign(quote),
    'later.msg': later,
    'later.sig': ak.sign(later),
    'foreign.sig': softwareAk('rsassa').sign(quote),
    'ak.pub': sized(ak.area),
    'ak.area': ak.area,
    'ak.pem': ak.pem,
    'pcrs.json': JSON.stringify(VALUES),
    'other.json': JSON.stringify({ sha256: { ...VALUES['sha256'], '7': '00'.repeat(32) } }),
    log: logOf(['sha256'], EVENTS),
    'policy.json': JSON.stringify(pcrPolicy({}, VALUES).policy),
    'strict.json': JSON.stringify(pcrPolicy({}, { sha256: { '7': 'ab'.repeat(32) } }).policy),
    'broken.json': '{"schema":"reseal.pcr_policy.v1"}',
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
});
afterAll(() => {
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const FILES = { quote: 'quote.msg', signature: 'quote.sig', ak: 'ak.pub', pcrs: 'pcrs.json' };
const verify = (changed: Partial<typeof FILES> = {}, ...more: string[]) => {
  const given = Object.entries({ ...FILES, ...changed }).flatMap(([name, file]) => [`--${name}`, file]);
  return reseal(api, ['tpm', 'verify', ...given, ...more], { cwd: folder });
};
const nonce = NONCE.toString('hex');

describe('when reseal tpm verify judges files', () => {
  it.each(['ak.pub', 'ak.area', 'ak.pem'])('takes the key as %s, with log, policy and nonce', async (file) => {
    const more = ['--nonce', nonce, '--event-log', 'log', '--policy', 'policy.json', '-o', 'json'];
    const { status, out, err } = await verify({ ak: file }, ...more);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    const report = attestationReportSchema.parse(JSON.parse(out));
    expect(report.ok).toBe(true);
    expect(report.checks.every(({ ok }) => ok)).toBe(true);
    for (const code of ['NONCE_MISMATCH', 'EVENTLOG_MISMATCH', 'PCR_NOT_GOLDEN'])
      expect(report.checks.map((check) => check.code)).toContain(code);
  });

  it('says one line a check, and what was not checked', async () => {
    const { status, out } = await verify();
    expect(status).toBe(0);
    expect(out.split('\n')[0]).toBe('VERIFIED');
    expect(out).toMatch(/^ {2}ok {6}BAD_SIGNATURE +rsassa with sha256/m);
    expect(out).toMatch(/^ {2}- {7}NONCE_MISMATCH +no nonce was given/m);
  });

  it.each([
    ['BAD_SIGNATURE', { signature: 'foreign.sig' }, []],
    ['PCR_DIGEST_MISMATCH', { pcrs: 'other.json' }, []],
    ['EVIDENCE_MALFORMED', { quote: 'quote.sig' }, []],
    ['EVIDENCE_MALFORMED', { ak: 'quote.msg' }, []],
    ['EVIDENCE_MALFORMED', { pcrs: 'quote.msg' }, []],
    ['NONCE_MISMATCH', {}, ['--nonce', '00'.repeat(32)]],
    ['NONCE_MISMATCH', {}, ['--nonce', '4e4e']],
    ['PCR_NOT_GOLDEN', {}, ['--policy', 'strict.json']],
    ['EVENTLOG_MISMATCH', {}, ['--event-log', 'quote.msg']],
    ['NO_REBOOT_SINCE_CONTAINMENT', {}, ['--earlier', 'quote.msg', '--earlier-signature', 'quote.sig', '--rebooted']],
    ['RESET_COUNT_BACK', {}, ['--earlier', 'later.msg', '--earlier-signature', 'later.sig']],
    ['AK_NOT_CHILD_OF_EK', {}, ['--ek', 'ak.pub']],
  ] as [string, Partial<typeof FILES>, string[]][])(
    'refuses with status 7 and names %s first',
    async (code, files, more) => {
      const { status, out } = await verify(files, ...more);
      expect(status).toBe(7);
      expect(out.split('\n')[0]).toMatch(new RegExp(`^NOT VERIFIED: ${code}: .*expected`));
      const json = await verify(files, ...more, '-o', 'json');
      expect(json.status).toBe(7);
      const report = attestationReportSchema.parse(JSON.parse(json.out));
      expect(report.ok).toBe(false);
      expect(report.checks.find(({ ok }) => !ok)?.code).toBe(code);
    },
  );

  it('knows a reset since an earlier quote', async () => {
    const files = { quote: 'later.msg', signature: 'later.sig' };
    const more = ['--earlier', 'quote.msg', '--earlier-signature', 'quote.sig', '--rebooted'];
    expect(await verify(files, ...more)).toMatchObject({ status: 0 });
  });

  it('refuses an earlier quote that the same key did not sign', async () => {
    const more = ['--earlier', 'quote.msg', '--earlier-signature', 'foreign.sig'];
    expect(await verify({}, ...more)).toMatchObject({ status: 7, err: expect.stringContaining('quote.msg') as string });
  });

  it.each([
    ['a file that is not there', { quote: 'nothing' }, [], 'nothing cannot be read: ENOENT'],
    ['a folder', { quote: '.' }, [], 'is not a regular file'],
    ['a nonce that is no hex', {}, ['--nonce', 'xyz'], '--nonce is hex'],
    ['a nonce of half a byte', {}, ['--nonce', 'abc'], '--nonce is hex'],
    ['a policy that is none', {}, ['--policy', 'broken.json'], 'broken.json:1:'],
    ['an earlier quote without signature', {}, ['--earlier', 'quote.msg'], 'belong together'],
    ['a reset since nothing', {}, ['--rebooted'], '--earlier'],
    ['an endorsement key that is none', {}, ['--ek', 'quote.msg'], 'quote.msg is no TPM2B_PUBLIC'],
  ] as [string, Partial<typeof FILES>, string[], string][])('answers 2 for %s', async (_name, files, more, message) => {
    const { status, out, err } = await verify(files, ...more);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toContain(message);
  });

  it('answers 2 when a file is not named', async () => {
    const { status, err } = await reseal(api, ['tpm', 'verify', '--quote', 'quote.msg'], { cwd: folder });
    expect(status).toBe(2);
    expect(err).toContain('--signature');
  });
});
