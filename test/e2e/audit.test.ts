import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpApi } from '../../client/api/http-api.js';
import { isSentinelEntry, type AuditPayload } from '../../domain/audit-line.js';
import type { SentinelLogEntry } from '../../domain/sentinel.js';
import { verifyAuditLog, unverifiedAuditLine } from '../../proofs/audit-log.js';
import { readSentinelFile } from '../../proofs/sentinel-file.js';
import { parseTrust } from '../../proofs/trust.js';
import { reseal, type Ran } from '../client/terminal.js';
import { ENTRY, KEY, SECRET, signed } from '../proofs/sentinel-vectors.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { entriesOf, ledgerOf } from '../support/records.js';

let stack: CeremonyStack;
let folder: string;

beforeAll(async () => {
  stack = await CeremonyStack.start();
  folder = await mkdtemp(path.join(tmpdir(), 'reseal-audit-'));
  await writeFile(path.join(stack.stack.layout.importKeys, KEY.key_id), SECRET, { mode: 0o600 });
  await writeFile(path.join(folder, 'hmac.key'), SECRET, { mode: 0o600 });
});
afterAll(() => stack.stop());

/** A command line against the stack's gateway. */
const command = (...argv: string[]): Promise<Ran> =>
  reseal(new HttpApi({ url: stack.stack.dev.gateway_url }), argv, {
    cwd: folder,
    env: { RESEAL_TRUST: stack.stack.layout.trust },
  });
const KEYED = ['--key-file', 'hmac.key', '--key-id', KEY.key_id];
const read = (name: string): Promise<Buffer> => readFile(path.join(folder, name));

async function exported(): Promise<AuditPayload[]> {
  expect((await command('audit', 'export', '--out', 'audit.jsonl', '--force')).status).toBe(0);
  const trust = parseTrust(await readFile(stack.stack.layout.trust));
  if (!trust.ok) throw new Error(trust.message);
  const bytes = await read('audit.jsonl');
  expect(verifyAuditLog(bytes, trust.trust.keyOf)).toMatchObject({ ok: true, first_seq: 1 });
  const lines = bytes.toString('utf8').trimEnd().split('\n');
  return lines.map((line) => unverifiedAuditLine(line)).filter((line) => line !== undefined);
}

describe('the audit log of real ceremonies', () => {
  it('tells each entry of the ledger, and is the same to Sentinel', async () => {
    const asked = await stack.activate();
    expect((await stack.say(asked, 'alice', 'close')).status).toBe('accepted');
    await stack.advanceToEnd(asked.event);
    const denied = await stack.ask();
    await stack.say(denied, 'bob', 'deny');
    await stack.untilState(denied.event, 'denied');
    for (const { event } of [asked, denied]) expect(await entriesOf(stack, event, 'ended')).toHaveLength(1);
    const entries = await ledgerOf(stack, asked.event);
    const lines = await exported();
    const mine = lines.filter(({ entry }) => entry.event_id === asked.event);
    expect(mine.map(({ ledger }) => ledger?.seq)).toEqual(entries.map((_, index) => index + 1));
    const sentinel = mine.map(({ entry }) => entry).filter(isSentinelEntry);
    expect(sentinel.map(({ event }) => event)).toEqual(['breakglass.invoked', 'breakglass.closed']);
    expect(sentinel[1]).toMatchObject({
      closed_by: 'alice@corp.example',
      closed_reason: 'close',
      duration_seconds: 1800,
    });

    const argv = ['audit', 'export', '--format', 'sentinel', ...KEYED, '--out', 'sentinel.jsonl'];
    expect((await command(...argv)).status).toBe(0);
    const file = readSentinelFile(await read('sentinel.jsonl'), KEY);
    expect(file.refused).toEqual([]);
    expect(file.lines.map(({ entry }) => entry)).toEqual(sentinel);
    expect((await command('audit', 'verify', 'sentinel.jsonl', ...KEYED)).status).toBe(0);

    const event = await command('audit', 'event', asked.event);
    expect(JSON.parse(event.out)).toMatchObject({
      id: asked.event,
      duration: 1_800_000_000_000,
      status: 'closed',
      closed_by: 'alice@corp.example',
      request_id: sentinel[0]?.request_id,
    });
  });

  it('passes over its own events when they come back', async () => {
    const ran = await command('audit', 'import', 'sentinel.jsonl', ...KEYED, '-o', 'json');
    expect(ran.status).toBe(0);
    expect(JSON.parse(ran.out)).toMatchObject({
      imported: 0,
      passed_over: [{ code: 'own_event' }, { code: 'own_event' }],
    });
  });
});

describe("Sentinel's history", () => {
  const hours = (n: number): string => `${new Date(Date.now() + n * 3_600_000).toISOString().slice(0, 19)}Z`;
  const profile = 'p7';
  const entry = (event_id: string, over: Partial<SentinelLogEntry> = {}): SentinelLogEntry => ({
    ...ENTRY,
    event_id,
    invoker: 'alice@corp.example',
    profile,
    timestamp: hours(-1),
    expires_at: hours(1),
    ...over,
  });
  const [standing, over] = ['a'.repeat(16), 'b'.repeat(16)] as [string, string];

  it('is imported through Temporal by the register, which believes its own keys', async () => {
    const closed = { event: 'breakglass.closed', status: 'closed', timestamp: hours(-0.5), closed_by: 'erin' } as const;
    const lines = [entry(standing), entry(over), entry(over, closed)].map((one) => signed(one));
    await writeFile(path.join(folder, 'old.jsonl'), lines.map((line) => `${line}\n`).join(''));
    expect(await command('audit', 'import', 'old.jsonl', ...KEYED)).toMatchObject({
      status: 0,
      out: '3 lines: 3 imported\n',
    });
    expect(await command('audit', 'import', 'old.jsonl', ...KEYED)).toMatchObject({
      status: 0,
      out: '3 lines: 0 imported, 3 known already\n',
    });
    await writeFile(path.join(folder, 'foreign.jsonl'), `${signed(entry('c'.repeat(16)), { key_id: 'other' })}\n`);
    const foreign = await command('audit', 'import', 'foreign.jsonl', '--key-file', 'hmac.key');
    expect([foreign.status, foreign.out]).toEqual([7, expect.stringContaining('line 1: key_unknown')]);
  });

  it('is shown by list and check, marked, and among nothing that is open', async () => {
    const listed = await command('breakglass', 'list', '-o', 'json');
    const found = (JSON.parse(listed.out) as Record<string, unknown>[]).filter(({ source }) => source === 'sentinel');
    expect(found.map(({ event_id, status }) => [event_id, status])).toEqual([
      [standing, 'active'],
      [over, 'closed'],
    ]);
    expect((await command('breakglass', 'list')).out).toContain('imported');
    const open = JSON.parse((await command('breakglass', 'list', '--open', '-o', 'json')).out) as {
      event_id: string;
    }[];
    expect(open.map(({ event_id }) => event_id)).not.toContain(standing);
    const check = await command('breakglass', 'check', over, '-o', 'json');
    expect(JSON.parse(check.out)).toMatchObject({
      source: 'sentinel',
      ended_by: 'erin',
      flags: ['imported'],
      workflow_id: '',
    });
    const words = await command('breakglass', 'check', over);
    expect(words.err).toContain(`signed by ${KEY.key_id}: history alone`);
  });

  it('keeps nobody from asking, although it says that the same privilege stands', async () => {
    const asked = await stack.ask({ profile });
    expect((await stack.view(asked.event)).state).toBe('awaiting_approval');
    await stack.say(asked, 'bob', 'deny');
  });

  it('is an entry of the audit log itself', async () => {
    const notes = (await exported()).filter(({ entry: said }) => said.event === 'reseal.imported');
    expect(notes.map(({ details }) => details)).toEqual([
      { source: 'sentinel', key_ids: KEY.key_id, lines: 3, imported: 3 },
    ]);
  });

  it('does not come in by a workflow that anybody starts with anything', async () => {
    const start = (args: unknown[]) =>
      stack.stack.client.workflow.execute('importHistory', {
        workflowId: `import/${Math.random()}`,
        taskQueue: 'reseal-ceremonies',
        args,
      });
    await expect(start([{ lines: 'all' }])).rejects.toMatchObject({ cause: { type: 'invalid_input' } });
    const forged = { lines: [{ line: 1, text: signed(entry('d'.repeat(16)), { secret: Buffer.alloc(32, 'x') }) }] };
    const report: unknown = await start([{ ...forged, dry_run: false, skip_invalid: true }]);
    expect(report).toMatchObject({ imported: 0, refused: [{ code: 'signature_mismatch' }] });
  });
});
