import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askForKeys } from '../../../activities/tpm/agent-client.js';
import { AttestAgent } from '../../../activities/tpm/attest-agent.js';
import { serveAgent, type ServedAgent } from '../../../activities/tpm/serve-agent.js';
import { startSwtpm, swtpmMissing, type SoftwareTpm } from '../../../deploy/local/tpm/start-swtpm.js';
import { attestationReportSchema } from '../../../domain/attestation.js';
import { readAcceptance, readSignedReference } from '../../../proofs/incidents/host-reference.js';
import { readRootCertificates, trimDer, verifyEkCertificate } from '../../../proofs/tpm/ek-certificate.js';
import { logOf } from '../../proofs/tpm/event-log-writer.js';
import { softwareAk } from '../../proofs/tpm/software-quote.js';
import { opensslMissing, VendorAuthority } from '../../support/vendor-authority.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy } from '../people.js';
import { reseal, type Ran } from '../terminal.js';

const missing = swtpmMissing();
const TOKEN = 'a-token-of-at-least-thirty-two-characters';

/** A TPM whose vendor certified it, as swtpm's own tools make one. */
describe.skipIf(missing !== null)(`when a host is enrolled${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  const people = makePeople();
  const api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
  const folder = mkdtempSync(join(tmpdir(), 'reseal-enroll-'));
  let tpm: SoftwareTpm;
  let served: ServedAgent;
  beforeAll(async () => {
    tpm = await startSwtpm({ certified: true });
    const under = ['-C', '0x81010001', '-c', 'ak.ctx', '-G', 'rsa', '-g', 'sha256', '-s', 'rsassa', '-u', 'ak.pub'];
    await tpm.tool('tpm2_createak', ...under, '-n', 'ak.name');
    await tpm.tool('tpm2_flushcontext', '-t');
    await tpm.tool('tpm2_flushcontext', '-s').catch(() => undefined);
    await tpm.tool('tpm2_evictcontrol', '-C', 'o', '-c', 'ak.ctx', '0x81010002');
    await tpm.tool('tpm2_flushcontext', '-t');
    copyFileSync(tpm.vendor.root, join(folder, 'root.pem'));
    copyFileSync(tpm.vendor.between, join(folder, 'between.pem'));
    writeFileSync(join(folder, 'token'), TOKEN);
    const keys = { ak: 0x81010002, ek: 0x81010001 };
    const eventLog = join(folder, 'log');
    const agent = new AttestAgent({ tpm: { socket: tpm.socket }, ...keys, eventLog, token: TOKEN });
    served = await serveAgent(agent, { host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await served?.close();
    await tpm?.stop();
    people.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  const as = (who: string): string[] => ['--as', `${who}@example.test`, '--key', people.keyOf(who)];
  const run = (...argv: string[]): Promise<Ran> => reseal(api, argv, { cwd: folder, now: Date.now });
  const enroll = (...more: string[]): Promise<Ran> =>
    run(
      'tpm',
      'enroll',
      'vault-1',
      served.url,
      '--references',
      'kept',
      '--token-file',
      'token',
      '--label',
      'installed',
      ...more,
    );
  const CERTIFIED = ['--roots', 'root.pem', '--chain', 'between.pem'];
  const kept = (version: number) => {
    const read = readSignedReference(readFileSync(join(folder, 'kept', `vault-1.${version}.json`)));
    if (!read.ok) throw new Error(read.message);
    return read;
  };

  it('its TPM, its keys and its values are written down and signed, and others can sign too', async () => {
    const { status, out } = await enroll(...CERTIFIED, ...as('bob'), '-o', 'json');
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ host: 'vault-1', version: 1, ek_certificate: true, accepted_by: ['bob'] });
    const { value, acceptances } = kept(1);
    expect(value.ak.area.name).toEqual(readFileSync(join(tpm.folder, 'ak.name')));
    expect(value.reference.ek_chain).toHaveLength(2);
    expect(Object.keys(value.policy.policy.pcrs.sha256 ?? {})).toHaveLength(8);
    expect(acceptances).toHaveLength(1);

    const accepted = await run('tpm', 'accept', 'kept/vault-1.1.json', ...as('carol'), '-o', 'json');
    expect(JSON.parse(accepted.out)).toMatchObject({ accepted_by: ['bob', 'carol'] });
    await run('tpm', 'accept', 'kept/vault-1.1.json', ...as('carol'));
    expect(kept(1).acceptances.map((one) => readAcceptance(one, people.roster)?.person.id)).toEqual(['bob', 'carol']);
  });

  it('again, what was good stays good in the next version', async () => {
    await tpm.tool('tpm2_pcrextend', `4:sha256=${'ab'.repeat(32)}`);
    const { status } = await enroll(...CERTIFIED, ...as('bob'), '--label', 'kernel 6.2');
    expect(status).toBe(0);
    const sets = kept(2).value.policy.policy.pcrs.sha256;
    expect(sets?.['4']?.map(({ label }) => label)).toEqual(['installed', 'kernel 6.2']);
    expect(sets?.['0']).toHaveLength(1);
  });

  it('by what is measured into its PCRs, that is recorded in place of their values, and what was good stays good', async () => {
    const measured = Buffer.from('shim 15.8');
    await tpm.tool('tpm2_pcrextend', `5:sha256=${createHash('sha256').update(measured).digest('hex')}`);
    const known = { pcr: 4, type: 0x80000003, data: Buffer.from('kernel') };
    const log = logOf(['sha256'], [{ pcr: 5, type: 0x80000003, data: measured }]);
    writeFileSync(join(folder, 'log'), log);
    const why = await enroll(...CERTIFIED, ...as('bob'), '--per-component');
    expect({ status: why.status, said: why.out }).toEqual({
      status: 7,
      said: expect.stringMatching(
        /^NOT VERIFIED: EVENTLOG_MISMATCH: sha256 PCR 4 is .* and the log says nothing of it/,
      ) as string,
    });
    await tpm.tool('tpm2_shutdown', '-c');
    await tpm.powerCycle();
    await tpm.tool('tpm2_startup', '-c');
    for (const { pcr, data } of [known, { pcr: 5, data: measured }])
      await tpm.tool('tpm2_pcrextend', `${pcr}:sha256=${createHash('sha256').update(data).digest('hex')}`);
    writeFileSync(join(folder, 'log'), logOf(['sha256'], [known, { pcr: 5, type: 0x80000003, data: measured }]));
    const { status, err } = await enroll(...CERTIFIED, ...as('bob'), '--per-component');
    expect({ status, err }).toEqual({
      status: 0,
      err: expect.stringMatching(/sha256 PCR 4 +1\. EV_EFI_BOOT_SERVICES_APPLICATION: /) as string,
    });
    const { reference } = kept(3).value;
    expect(reference.event_log).toBe(true);
    expect(Object.keys(reference.policy.components?.sha256 ?? {})).toEqual(['4', '5']);
    expect(reference.policy.pcrs.sha256?.['4']).toHaveLength(2);
    expect(reference.policy.pcrs.sha256?.['1']).toHaveLength(1);
    const shown = await run('tpm', 'accept', 'kept/vault-1.3.json', ...as('carol'));
    expect(shown.err).toContain('1. EV_EFI_BOOT_SERVICES_APPLICATION: ');
    // Without being told so again, the next one keeps the components, and the log that they are judged by.
    expect((await enroll(...CERTIFIED, ...as('bob'))).status).toBe(0);
    expect(kept(4).value.reference.policy.components).toEqual(reference.policy.components);
  });

  describe('and is then asked for by its name', () => {
    // Not the stack that somebody may be running in a folder above.
    const env = { RESEAL_GATEWAY_URL: 'http://127.0.0.1:1' };
    const attest = (...more: string[]): Promise<Ran> => reseal(api, ['tpm', 'attest', ...more], { cwd: folder, env });
    const KNOWN = ['--hosts', 'hosts.yaml', '--references', 'kept'];
    const roster = () => people.roster;
    const hosts = (named: object): string => JSON.stringify({ schema: 'reseal.hosts.v1', hosts: named });
    beforeAll(() => {
      writeFileSync(join(folder, 'roster.json'), JSON.stringify(roster()));
      writeFileSync(join(folder, 'reseal.yaml'), 'roster: roster.json\n');
      const agentOf = (url: string) => ({ attest_agent: { url, token_file: join(folder, 'token') } });
      const named = {
        'vault-1': agentOf(served.url),
        'vault-2': agentOf(served.url),
        away: agentOf('http://127.0.0.1:1'),
        bare: {},
      };
      writeFileSync(join(folder, 'hosts.yaml'), hosts(named));
    });
    afterAll(() => rmSync(join(folder, 'reseal.yaml')));

    it('it is judged by its own keys, its log and its reference, whoever accepted that', async () => {
      const { status, out, err } = await attest('vault-1', ...KNOWN, '-o', 'json');
      expect({ status, err }).toEqual({
        status: 0,
        err: expect.stringMatching(/^vault-1 at http.*, by reference version 4 \(bob\)/) as string,
      });
      const report = attestationReportSchema.parse(JSON.parse(out));
      const made = report.checks.map(({ code }) => code);
      for (const code of ['AK_NOT_ENROLLED', 'AK_NOT_CHILD_OF_EK', 'EVENTLOG_MISMATCH', 'PCR_NOT_GOLDEN'] as const)
        expect(made).toContain(code);
      expect(report.policy).toMatchObject({ name: 'vault-1', version: 4 });
    });

    it('the settings say as well where everything is', async () => {
      writeFileSync(join(folder, 'reseal.yaml'), 'roster: roster.json\nhosts: hosts.yaml\nreferences: kept\n');
      expect((await attest('vault-1')).status).toBe(0);
      writeFileSync(join(folder, 'reseal.yaml'), 'roster: roster.json\n');
      expect((await attest('vault-1')).status).toBe(2);
    });

    it('a drifted host is refused with status 7, and so is one that hides its log', async () => {
      await tpm.tool('tpm2_pcrextend', `4:sha256=${'cd'.repeat(32)}`);
      const drifted = await attest('vault-1', ...KNOWN);
      expect(drifted.status).toBe(7);
      expect(drifted.out).toMatch(/^NOT VERIFIED: EVENTLOG_MISMATCH/);
      const bare = await serveAgent(
        new AttestAgent({ tpm: { socket: tpm.socket }, ak: 0x81010002, ek: 0x81010001, token: TOKEN }),
        { host: '127.0.0.1', port: 0 },
      );
      const known = hosts({ 'vault-1': { attest_agent: { url: bare.url, token_file: join(folder, 'token') } } });
      writeFileSync(join(folder, 'without-log.yaml'), known);
      const hidden = await attest('vault-1', '--hosts', 'without-log.yaml', '--references', 'kept');
      await bare.close();
      expect(hidden.status).toBe(7);
      expect(hidden.out).toMatch(/^NOT VERIFIED: EVENTLOG_MISMATCH/);
    });

    it('a version that nobody on the roster accepted is passed over, and told', async () => {
      const stranger = readFileSync(join(folder, 'kept', 'vault-1.4.json'), 'utf8');
      const unsigned = JSON.stringify({ ...(JSON.parse(stranger) as object), acceptances: [] });
      writeFileSync(join(folder, 'kept', 'vault-1.4.json'), unsigned);
      const { err } = await attest('vault-1', ...KNOWN);
      writeFileSync(join(folder, 'kept', 'vault-1.4.json'), stranger);
      expect(err).toContain('vault-1.4.json is passed over: nobody on the roster accepted it');
      expect(err).toContain('by reference version 3 (bob, carol)');
      mkdirSync(join(folder, 'alone'), { recursive: true });
      writeFileSync(join(folder, 'alone', 'vault-1.4.json'), unsigned);
      const refused = await attest('vault-1', '--hosts', 'hosts.yaml', '--references', 'alone');
      expect({ status: refused.status, err: refused.err }).toEqual({
        status: 7,
        err: expect.stringContaining('nobody on the roster accepted a reference of vault-1') as string,
      });
      writeFileSync(join(folder, 'alone', 'vault-2.4.json'), stranger);
      expect((await attest('vault-2', '--hosts', 'hosts.yaml', '--references', 'alone')).err).toContain(
        'it is of another host or version',
      );
    });

    it.each([
      ['one that is not known', ['vault-9', ...KNOWN], 2, 'names no host vault-9'],
      ['one that is not known, with the name that was meant', ['vault1', ...KNOWN], 2, 'did you mean vault-1?'],
      ['one without an agent', ['bare', ...KNOWN], 2, 'says nothing of an agent on bare'],
      ['one that was never enrolled', ['away', ...KNOWN], 2, 'has no reference of away'],
      ['a name that is none', ['Vault!', ...KNOWN], 2, 'neither the name of a host nor a URL'],
      ['no hosts file', ['vault-1', '--references', 'kept'], 2, '--hosts FILE'],
      ['no references', ['vault-1', '--hosts', 'hosts.yaml'], 2, '--references FOLDER'],
      ['a hosts file that is none', ['vault-1', '--hosts', 'token', '--references', 'kept'], 2, 'token:1:'],
      [
        'another key than that of the reference',
        ['vault-1', ...KNOWN, '--ak', 'x'],
        2,
        '--ak is for a host that is asked for by URL',
      ],
      ['other PCRs than those of the reference', ['vault-1', ...KNOWN, '--select', 'sha256:0'], 2, '--select is for'],
      [
        'a URL with a hosts file',
        ['http://127.0.0.1:1', '--ak', 'x', '--hosts', 'hosts.yaml'],
        2,
        'are for a host that is asked for by its name',
      ],
      ['a URL without a key', ['http://127.0.0.1:1'], 2, 'which key must sign?'],
    ])('answers clearly for %s', async (_name, argv, status, message) => {
      const ran = await attest(...argv);
      expect({ status: ran.status, err: ran.err }).toEqual({ status, err: expect.stringContaining(message) as string });
    });

    it('says 6 when it is away, and 2 when nobody says who is on the roster', async () => {
      const file = JSON.stringify({
        schema: 'reseal.hosts.v1',
        hosts: { 'vault-1': { attest_agent: { url: 'http://127.0.0.1:1', token_file: join(folder, 'token') } } },
      });
      writeFileSync(join(folder, 'away.yaml'), file);
      const away = await attest('vault-1', '--hosts', 'away.yaml', '--references', 'kept');
      expect({ status: away.status, err: away.err }).toEqual({
        status: 6,
        err: expect.stringContaining('ask again later') as string,
      });
      writeFileSync(join(folder, 'reseal.yaml'), '');
      expect((await attest('vault-1', ...KNOWN)).err).toContain('RESEAL_ROSTER');
      writeFileSync(join(folder, 'reseal.yaml'), 'roster: roster.json\n');
    });
  });

  it('nothing is signed when its TPM is not of this vendor, or nobody says whose it is', async () => {
    const before = readdirSync(join(folder, 'kept'));
    const [untold, unlinked] = [await enroll(...as('bob')), await enroll('--roots', 'root.pem', ...as('bob'))];
    expect([untold.status, unlinked.status]).toEqual([2, 7]);
    expect(untold.err).toContain('--without-certificate');
    expect(unlinked.err).toContain('ek_certificate_untrusted');
    const { status, err } = await enroll('--roots', 'token', ...as('bob'));
    expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining('holds no certificates') as string });
    expect(
      (await enroll(...CERTIFIED, '--as', 'mallory@example.test', '--key', people.keyOf('mallory'))).status,
    ).not.toBe(0);
    expect(readdirSync(join(folder, 'kept'))).toEqual(before);
  });

  it.skipIf(opensslMissing)(
    `nothing is signed when its vendor revoked it, or keeps no list${opensslMissing ? ' (skipped: no openssl)' : ''}`,
    async () => {
      const keys = await askForKeys({ url: served.url, token: TOKEN });
      if (!keys.ok) throw new Error(keys.message);
      const der = trimDer(Buffer.from(keys.value.ek_certificate ?? '', 'base64'));
      const leaf = new X509Certificate(der ?? '');
      const base = dirname(tpm.vendor.root);
      const vendor = new VendorAuthority(base);
      const [root, between] = [
        { key: 'swtpm-localca-rootca-privkey.pem', cert: basename(tpm.vendor.root) },
        { key: 'signkey.pem', cert: basename(tpm.vendor.between) },
      ];
      const put = (name: string, text: string): void => writeFileSync(join(folder, name), text);
      put('root.crl', vendor.list('root', {}, root));
      put('good.crl', vendor.list('between', {}, between));
      put('revoked.crl', vendor.list('between', { revoked: [leaf] }, between));
      put('stale.crl', vendor.list('between', { days: -1 }, between));
      const before = readdirSync(join(folder, 'kept'));
      const refusedBy = async (...lists: string[]): Promise<string> => {
        const { status, err } = await enroll(...CERTIFIED, ...lists.flatMap((file) => ['--crls', file]), ...as('bob'));
        return `${status} ${err.split('\n')[0] ?? ''}`;
      };
      expect(await refusedBy('root.crl', 'revoked.crl')).toMatch(/^7 .*ek_certificate_revoked/);
      expect(await refusedBy('root.crl', 'stale.crl')).toMatch(
        /^7 .*ek_certificate_stale_list: the list of .* was good until /,
      );
      expect(await refusedBy('good.crl')).toMatch(/^7 .*ek_certificate_unlisted/);
      expect(await refusedBy('token')).toMatch(/^2 .*token holds no lists of revoked certificates/);
      const alone = await enroll('--crls', 'good.crl', '--without-certificate', ...as('bob'));
      expect({ status: alone.status, err: alone.err }).toEqual({
        status: 2,
        err: expect.stringContaining('--roots') as string,
      });
      expect(readdirSync(join(folder, 'kept'))).toEqual(before);
    },
  );

  it('a chain vouches for the very endorsement key, now, and up to a configured root alone', async () => {
    const keys = await askForKeys({ url: served.url, token: TOKEN });
    if (!keys.ok) throw new Error(keys.message);
    const bytes = (text: string | null): Buffer => Buffer.from(text ?? '', 'base64');
    const [ek, leaf] = [bytes(keys.value.ek), bytes(keys.value.ek_certificate)];
    const pem = (file: string) => readRootCertificates(readFileSync(file, 'latin1')) ?? [];
    const [roots, between] = [pem(tpm.vendor.root), pem(tpm.vendor.between)];
    const der = between.map(({ raw }) => raw);
    const judged = (
      ...[key, chain, trusted, nowMs = Date.now()]: [Buffer, Buffer[], typeof roots, number?]
    ): string => {
      const verdict = verifyEkCertificate(key, chain, { roots: trusted }, nowMs);
      return verdict.ok ? 'ok' : verdict.code;
    };
    expect(judged(ek, [leaf, ...der], roots)).toBe('ok');
    expect(judged(ek, [leaf], between)).toBe('ok');
    expect(judged(ek, [Buffer.concat([leaf, Buffer.alloc(300)]), ...der], roots)).toBe('ok');
    expect(judged(ek, [leaf], roots)).toBe('ek_certificate_untrusted');
    expect(judged(ek, [leaf, ...der], [])).toBe('ek_certificate_untrusted');
    expect(judged(ek, [leaf, ...der], roots, Date.parse('2001-01-01'))).toBe('ek_certificate_expired');
    expect(judged(softwareAk('rsassa').area, [leaf, ...der], roots)).toBe('ek_certificate_other_key');
    expect(judged(ek, [...der, leaf], roots)).toBe('ek_certificate_other_key');
    expect(judged(ek, [], roots)).toBe('ek_certificate_malformed');
    expect(judged(ek, [leaf.subarray(0, 100)], roots)).toBe('ek_certificate_malformed');
    const spki = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
    expect(judged(ek, [spki], roots)).toBe('ek_certificate_malformed');
    const broken = Buffer.from(leaf);
    broken.writeUInt8(broken.readUInt8(leaf.length - 300) ^ 1, leaf.length - 300);
    expect(judged(ek, [broken, ...der], roots)).not.toBe('ok');
  });
});
