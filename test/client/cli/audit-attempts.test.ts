import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AttemptsLedger } from '../../../activities/attempts/attempts-ledger.js';
import { run } from '../../../client/cli/run.js';
import { trustFileText } from '../../../proofs/trust.js';
import { roleKeys, roster, T0, trustedRoles } from '../../proofs/ceremony-people.js';

let folder: string;
const place = () => join(folder, 'attempts');
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-attempts-cli-'));
  writeFileSync(join(folder, 'trust.json'), trustFileText({ roles: trustedRoles, roster }));
  for (const role of ['authority', 'verifier'] as const) {
    const log = (): void => undefined;
    const ledger = new AttemptsLedger({ role, key: roleKeys[role], clock: { now: () => T0 }, directory: place(), log });
    const asked = { workflow_id: 'attack/1\u001b[2J', workflow_type: 'attack', event_id: null, input_digest: null };
    await ledger.record({ ...asked, activity: 'issue', code: 'quorum_not_met' });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function attempts(...argv: string[]): Promise<{ status: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const status = await run(['audit', 'attempts', ...argv, '--trust', 'trust.json'], {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    stdin: process.stdin,
    env: {},
    cwd: folder,
    isTTY: false,
  });
  return { status, out, err };
}

describe('reseal audit attempts', () => {
  it('lists what roles refused, of a directory or one file, each line verified', async () => {
    const all = await attempts('attempts');
    expect(all).toMatchObject({ status: 0 });
    expect(all.out).toContain('VERIFIED: 2 in 2 ledgers');
    expect(all.out).toContain('authority  issue  quorum_not_met');
    // What anybody called their workflow must not speak to the terminal.
    expect(all.out).not.toContain('\u001b[2J');
    const [first = ''] = readdirSync(place());
    const one = await attempts(join('attempts', first), '-o', 'json');
    expect(JSON.parse(one.out)).toMatchObject({ ok: true, files: [{ count: 1 }] });
  });

  it('exits 7 when a line was changed, and 2 when there is nothing to read', async () => {
    const [first = ''] = readdirSync(place());
    const text = readFileSync(join(place(), first), 'utf8');
    writeFileSync(join(folder, 'changed.jsonl'), text.replace('"sig":"', '"sig":"A'));
    expect(await attempts('changed.jsonl')).toMatchObject({ status: 7 });
    expect((await attempts('nowhere')).status).toBe(2);
  });
});
