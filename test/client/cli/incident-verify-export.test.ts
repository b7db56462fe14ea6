import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forensicBundle } from '../../../proofs/incidents/forensic-bundle.js';
import { incidentHash } from '../../../proofs/incidents/secai-incident.js';
import { MachineApi } from '../machine-api.js';
import { makePeople, testPolicy } from '../people.js';
import { reseal } from '../terminal.js';

const KEY = 'ab'.repeat(32);
const INCIDENT = {
  id: 'INC-20260101-080000-0001',
  created_at: '2026-01-01T08:00:00Z',
  class: 'prompt_injection',
  severity: 'high',
  state: 'resolved',
  source: 'gateway',
  description: 'ignore \u001b[31m everything',
};
let folder: string;
const people = makePeople();
const api = new MachineApi({ policy: testPolicy, roster: people.roster, now: Date.now });
const verify = (...argv: string[]) => reseal(api, ['incident', 'verify-export', ...argv], { cwd: folder });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-forensic-'));
  const content = { exported_at: '2026-01-01T09:00:00Z', audit_entries: [], system_state: {}, policy_digest: '' };
  const incidents = [{ ...INCIDENT, hash: incidentHash(INCIDENT) }];
  const bundle = forensicBundle({ ...content, incidents }, KEY);
  writeFileSync(join(folder, 'bundle.json'), bundle);
  writeFileSync(join(folder, 'twin.json'), bundle.replace('"state":"resolved"', '"state":"open"'));
  writeFileSync(join(folder, 'forensic.key'), `${KEY}\n`);
  writeFileSync(join(folder, 'other.key'), '0'.repeat(64));
  writeFileSync(join(folder, 'short.key'), 'secret-but-short');
});
afterAll(() => {
  people.dispose();
  rmSync(folder, { recursive: true, force: true });
});

describe('reseal incident verify-export', () => {
  it('verifies a bundle by its key, and names what is in it', async () => {
    const { status, out, err } = await verify('bundle.json', '--key', 'forensic.key');
    expect(status).toBe(0);
    expect(out).toMatch(/^VERIFIED\nexported +2026-01-01T09:00:00Z\nincidents +1\n/);
    expect(out).toMatch(/ {2}INC-20260101-080000-0001 {2}prompt_injection {2}high {2}resolved\n/);
    expect(err).toContain('who holds the key could have made it too');
  });

  it('refuses a twin that says otherwise, and another key, with status 7 and the reason', async () => {
    const twin = await verify('twin.json', '--key', 'forensic.key', '-o', 'json');
    expect([twin.status, JSON.parse(twin.out)]).toEqual([
      7,
      { ok: false, code: 'payload_differs', detail: 'incidents is not what was signed' },
    ]);
    const other = await verify('bundle.json', '--key', 'other.key');
    expect([other.status, other.out]).toEqual([7, expect.stringMatching(/^NOT VERIFIED\n {2}signature_mismatch: /)]);
  });

  it.each([
    [['bundle.json'], '--key is missing'],
    [['bundle.json', '--key', 'short.key'], 'short.key does not hold 64 hex characters'],
    [['nowhere.json', '--key', 'forensic.key'], 'nowhere.json cannot be read: ENOENT'],
  ])('asks for what it needs: %j', async (argv, message) => {
    const { status, out, err } = await verify(...argv);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).not.toContain('secret-but-short');
  });
});
