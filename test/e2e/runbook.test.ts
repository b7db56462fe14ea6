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
/** Every request of the document, in its order; that of two other services is theirs to answer. */
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

let world: CeremonyStack;
let folder: string;

beforeAll(async () => {
  if (lacking !== undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'reseal-runbook-'));
  world = await CeremonyStack.start({ compatAck: true });
});
afterAll(async () => {
  await world?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

/** Runs one request as it is printed, but for where the gateway is and which incident it is. */
async function run(command: string, id = PRINTED): Promise<unknown> {
  const there = command.replaceAll('http://localhost:8515', world.stack.dev.gateway_url).replaceAll(PRINTED, id);
  const env = { ...process.env, TIMESTAMP: '20260314-120000' };
  const { stdout } = await promisify(execFile)('bash', ['-c', there], { cwd: folder, env });
  return stdout.trim() === '' ? undefined : (JSON.parse(stdout) as unknown);
}

/** Of a host that no role has in its configuration: its containment is tried for as long as it takes. */
async function report(kind: string): Promise<string> {
  const event = { class: kind, source: 'runtime-attestor', description: 'noticed <here>', host: 'edge-1' };
  const post = 'curl -s -X POST http://localhost:8515/api/v1/incidents/report -H "Content-Type: application/json"';
  const { id } = (await run(`${post} -d '${JSON.stringify(event)}'`)) as { id: string };
  const open = LIST.replace('contained', 'open');
  await until(async () => ((await run(open)) as unknown[]).length > 0, `${id} is listed`);
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

  it('tell of an incident that is not contained yet, and open nothing', async () => {
    const id = await report('integrity_violation');
    const about = { id, class: 'integrity_violation', severity: 'critical', state: 'open' };
    expect(await run(HEALTH)).toEqual({ status: 'ok', open_incidents: 1, total_incidents: 1 });
    expect(await run(LIST)).toEqual([]);
    expect(await run(LATCHES)).toBeUndefined();
    expect(await run(LIST.replace('contained', 'open'))).toMatchObject([about]);
    expect(await run(GET, id)).toMatchObject({ ...about, description: 'noticed <here>', source: 'runtime-attestor' });
    const waits = { incident_id: id, require_ack: true, require_reattest: true, acked_at: '', acked_by: '' };
    expect(await run(STATUS)).toMatchObject({
      pending_recoveries: [{ ...waits, re_attested_at: '', recovery_complete: false }],
      count: 1,
    });
    const notNow = { error: { code: 'recovery_incomplete', missing: ['containment_not_settled'] } };
    for (const act of [ACK, REATTEST, RESOLVE]) expect(await run(act, id)).toMatchObject(notNow);
    expect(await run(GET, id)).toMatchObject(about);
    expect(await run(STATS)).toEqual({
      total_incidents: 1,
      open_incidents: 1,
      contained_count: 0,
      resolved_count: 0,
      by_class: { integrity_violation: 1 },
      open_by_severity: { critical: 1 },
    });
    for (const act of [ACK, REATTEST, RESOLVE, GET])
      expect(await run(act)).toMatchObject({ error: { code: 'not_found' } });
  });

  it('export a bundle that verifies, twice', async () => {
    await run(EXPORT);
    await run(EXPORT_KEPT);
    const key = forensicKeyOf(readFileSync(world.stack.layout.forensicKey)) ?? '';
    for (const name of ['forensic-bundle.json', 'forensic-bundle-20260314-120000.json'])
      expect(verifyForensicBundle(readFileSync(join(folder, name)), key)).toMatchObject({ ok: true });
    expect(await run(`jq '.incidents | length' forensic-bundle.json`)).toBe(1);
    expect(await run('jq "{exported_at, bundle_hash, signature}" forensic-bundle.json')).toMatchObject({
      bundle_hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
    });
  });
});
