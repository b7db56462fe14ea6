import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyForensicBundle, forensicKeyOf } from '../../proofs/incidents/forensic-bundle.js';
import { CeremonyStack } from '../support/ceremony-stack.js';

const has = (tool: string): boolean => {
  try {
    execFileSync(tool, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};
const lacking = ['bash', 'curl', 'jq'].find((tool) => !has(tool));
const suffix = lacking === undefined ? '' : ` (skipped: there is no ${lacking} here)`;

/** The document's id, and the id of the incident that stands for it. */
const PRINTED = 'INC-20260314-120000-0001';
/** Every request of the document, in its order; the health of the other services is asked at their own ports. */
const LATCHES = `curl -s http://localhost:8515/api/v1/incidents?state=contained | jq '.[] | {id, class, severity, state}'`;
const LIST = 'curl -s http://localhost:8515/api/v1/incidents?state=contained | jq .';
const GET = `curl -s "http://localhost:8515/api/v1/incidents/get?id=${PRINTED}" | jq .`;
const STATUS = 'curl -s http://localhost:8515/api/v1/recovery/status | jq .';
const ACK = `curl -s -X POST http://localhost:8515/api/v1/recovery/ack \\
  -H "Content-Type: application/json" \\
  -d '{
    "incident_id": "${PRINTED}",
    "operator": "admin@secai"
  }' | jq .`;
const REATTEST = `curl -s -X POST http://localhost:8515/api/v1/recovery/reattest \\
  -H "Content-Type: application/json" \\
  -d '{
    "incident_id": "${PRINTED}"
  }' | jq .`;
const HEALTH = 'curl -s http://localhost:8515/health | jq .';
const RESOLVE = `curl -s -X POST http://localhost:8515/api/v1/incidents/resolve \\
  -H "Content-Type: application/json" \\
  -d '{"id": "${PRINTED}"}' | jq .`;
const ATTESTOR = 'curl -s http://localhost:8505/api/v1/state | jq .';
const INTEGRITY = 'curl -s http://localhost:8510/api/v1/state | jq .';
const EXPORT = 'curl -s http://localhost:8515/api/v1/forensic/export -o forensic-bundle.json';
const EXPORT_KEPT = `curl -s http://localhost:8515/api/v1/forensic/export -o "forensic-bundle-\${TIMESTAMP}.json"`;
const STATS = 'curl -s http://localhost:8515/api/v1/stats | jq .';
const RUN = [
  LATCHES,
  LIST,
  GET,
  STATUS,
  ACK,
  REATTEST,
  HEALTH,
  RESOLVE,
  ATTESTOR,
  INTEGRITY,
  EXPORT,
  EXPORT_KEPT,
  STATS,
];

interface Listed {
  id: string;
  state: string;
}

let world: CeremonyStack;
let folder: string;

beforeAll(async () => {
  if (lacking !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'reseal-runbook-'));
  world = await CeremonyStack.start({ host: { ports: 'free' }, compatAck: true });
});
afterAll(async () => {
  await world?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** Runs one request as it is printed, but for where the services are and which incident it is. */
async function run<T = unknown>(command: string, id = PRINTED): Promise<T> {
  const { gateway_url, host } = world.stack.dev;
  const there = command
    .replaceAll('http://localhost:8515', gateway_url)
    .replaceAll('http://localhost:8505', host?.attestor_url ?? '')
    .replaceAll('http://localhost:8510', host?.integrity_url ?? '')
    .replaceAll(PRINTED, id);
  const env = { ...process.env, TIMESTAMP: '20260314-120000' };
  const { stdout } = await promisify(execFile)('bash', ['-c', there], { cwd: folder, env });
  return (stdout.trim() === '' ? undefined : JSON.parse(stdout)) as T;
}

async function report(kind: string): Promise<string> {
  const body = JSON.stringify({ class: kind, source: 'runtime-attestor', description: 'noticed <here>' });
  const { id } = await run<Listed>(
    `curl -s -X POST http://localhost:8515/api/v1/incidents/report -H "Content-Type: application/json" -d '${body}'`,
  );
  await until(async () => (await run<Listed>(GET, id)).state === 'contained', `${id} is contained`);
  await until(async () => (await run<Listed[]>(LIST)).some((one) => one.id === id), `${id} is listed`);
  return id;
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const giveUpAt = Date.now() + 60_000;
  while (!(await holds())) {
    if (Date.now() > giveUpAt) throw new Error(`not within 60 s: ${what}`);
    await sleep(200);
  }
}

describe.skipIf(lacking !== undefined)(`the runbook's requests, one by one${suffix}`, () => {
  it('are the requests of the document', () => {
    const document = new URL('../../../shared/sources/001_fd3a5fa04c7e3669.txt', import.meta.url);
    if (!existsSync(document)) return;
    const printed = readFileSync(document, 'utf8')
      .split(/\n(?=curl )/)
      .filter((part) => part.startsWith('curl '))
      .map((part) => part.split(/(?<!\\)\n(?![ }])/)[0]?.trim());
    expect(printed.length).toBeGreaterThan(15);
    for (const command of printed) expect(RUN).toContain(command);
  });

  it('lead an unlatched incident from detection to trust', async () => {
    const id = await report('tool_call_burst');
    expect(await run(HEALTH)).toMatchObject({ status: 'ok', open_incidents: 1, total_incidents: 1 });
    expect(await run(LATCHES)).toEqual({ id, class: 'tool_call_burst', severity: 'medium', state: 'contained' });
    expect(await run(GET, id)).toEqual((await run<Listed[]>(LIST))[0]);
    expect(await run(GET, id)).toMatchObject({
      id,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as string,
      containment_actions: ['freeze_agent'],
      containment_results: [{ action: 'freeze_agent', success: true }],
      description: 'noticed <here>',
    });
    expect(await run(STATUS)).toMatchObject({
      pending_recoveries: [{ incident_id: id, require_ack: true, require_reattest: false, acked_at: '', acked_by: '' }],
      count: 1,
    });
    expect(await run(RESOLVE, id)).toMatchObject({
      error: { code: 'recovery_incomplete', missing: ['acknowledgement'] },
    });
    expect(await run(ACK, id)).toEqual({ status: 'acknowledged' });
    expect(await run(STATUS)).toEqual({ pending_recoveries: [], count: 0 });
    expect(await run(RESOLVE, id)).toMatchObject({ id, state: 'resolved', resolved_at: expect.any(String) as string });
    expect(await run(HEALTH)).toEqual({ status: 'ok', open_incidents: 0, total_incidents: 1 });
    expect(await run(ATTESTOR)).toMatchObject({ state: 'trusted' });
    expect(await run(INTEGRITY)).toMatchObject({ state: 'trusted' });
  });

  it('open no latch of a host whose TPM nobody has enrolled', async () => {
    const id = await report('attestation_failure');
    expect(await run(STATUS)).toMatchObject({
      pending_recoveries: [
        {
          incident_id: id,
          require_ack: true,
          require_reattest: true,
          acked_at: '',
          acked_by: '',
          re_attested_at: '',
          recovery_complete: false,
        },
      ],
      count: 1,
    });
    expect(await run(ACK, id)).toEqual({ status: 'acknowledged' });
    const { pending_recoveries } = await run<{ pending_recoveries: unknown[] }>(STATUS);
    expect(pending_recoveries).toMatchObject([{ acked_by: 'bob', re_attested_at: '', recovery_complete: false }]);
    expect(await run(REATTEST, id)).toMatchObject({ error: { code: 'attestation_refused' } });
    expect(await run(RESOLVE, id)).toMatchObject({ error: { code: 'recovery_incomplete' } });
    expect(await run(GET, id)).toMatchObject({ state: 'contained' });
    expect(await run(STATS)).toMatchObject({
      total_incidents: 2,
      open_incidents: 1,
      contained_count: 2,
      resolved_count: 1,
      by_class: { tool_call_burst: 1, attestation_failure: 1 },
      open_by_severity: { critical: 1 },
    });
  });

  it('export a bundle that verifies, twice', async () => {
    await run(EXPORT);
    await run(EXPORT_KEPT);
    const key = forensicKeyOf(readFileSync(world.stack.layout.forensicKey)) ?? '';
    for (const name of ['forensic-bundle.json', 'forensic-bundle-20260314-120000.json'])
      expect(verifyForensicBundle(readFileSync(join(folder, name)), key)).toMatchObject({ ok: true });
    expect(await run(`jq '.incidents | length' forensic-bundle.json`)).toBe(2);
    expect(await run('jq "{exported_at, bundle_hash, signature}" forensic-bundle.json')).toMatchObject({
      bundle_hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });
});
