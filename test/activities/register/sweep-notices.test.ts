import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

import { registerTasks } from '../../../activities/register/register-tasks.js';
import { instant } from '../../../domain/identifiers.js';
import type { SweepFinding, SweepReport } from '../../../domain/sweep.js';
import type { RoleKeys } from '../../../proofs/receipt.js';
import { signSweepReport } from '../../../proofs/sweep-report.js';
import { generateRoleKey } from '../../../proofs/role-key.js';
import { policy, roleKeys, T0 } from '../../proofs/ceremony-people.js';
import { bothDatabases } from './both-databases.js';
import { RegisterWorld } from './register-world.js';

const [, , open] = bothDatabases[0]!;
const TENANT = '7d2f6c1e-93ab-4c58-8e0d-1b5a4f7c9e21';
const sweeper = generateRoleKey();
const DAY = 24 * 3600_000;

const finding = (over: Partial<SweepFinding> = {}): SweepFinding => ({
  tenant_id: TENANT,
  principal_id: 'p',
  role_template_id: 'r',
  directory_scope_id: '/',
  schedule_id: 's1',
  request_id: 'q1',
  made_by: 'our-application',
  event_id: null,
  deadline: null,
  provider_ends_at: null,
  standing: true,
  verdict: 'compromise',
  why: 'marker_absent',
  outcome: null,
  ...over,
});
const report = (found: SweepFinding[], at = T0): SweepReport => ({
  schema: 'reseal.sweep.v1',
  mode: 'sweep',
  application_id: TENANT,
  started_at: instant(at),
  finished_at: instant(at + 1000),
  tenants: [],
  counts: { due: 0, in_time: 0, compromise: 0, foreign: 0, self_activated: 0, outside_pim: 0, unattributed: 0 },
  found,
});

describe('what a sweep calls a compromise', () => {
  let db: Awaited<ReturnType<typeof open>>;
  let world: RegisterWorld;
  beforeAll(async () => {
    db = await open();
    world = new RegisterWorld(db.database);
  });
  afterAll(() => db.close());
  beforeEach(() => world.clear());

  const page = (envelope: unknown) => {
    const told = { ...policy, notices: [{ channel: 'desk', events: ['refused' as const] }] };
    const roleKeys: RoleKeys = (keyid) =>
      keyid === sweeper.keyid ? { role: 'sweeper', publicKey: sweeper.publicKey } : world.holdings.roleKeys(keyid);
    const holdings = { ...world.holdings, roleKeys, policy: () => ({ policy: told, digest: 'a'.repeat(64) }) };
    return registerTasks(holdings).page({ envelope } as never);
  };
  const signed = (found: SweepFinding[], at?: number) => signSweepReport(report(found, at), sweeper);
  const rows = () =>
    db.database.query<{ code: string; transition: string; facts: string; state: string }>(
      `SELECT code, transition, facts, state FROM register.notices
       JOIN register.notice_deliveries ON notice_id = notices.id ORDER BY notices.id`,
    );

  it('is told on every channel, whatever its list of events says, and nothing else is', async () => {
    await page(signed([finding(), finding({ schedule_id: 's2', verdict: 'foreign' })]));
    expect(await rows()).toMatchObject([
      { code: 'compromise', transition: `compromise/${instant(T0).slice(0, 10)}`, state: 'waiting' },
    ]);
    expect(JSON.parse((await rows())[0]?.facts ?? '')).toMatchObject({
      code: 'marker_absent',
      tenant_id: TENANT,
      schedule_id: 's1',
    });
  });

  it('is told once a day for as long as it is found, each assignment for itself', async () => {
    for (const at of [T0, T0 + 60_000, T0]) await page(signed([finding(), finding({ schedule_id: 's2' })], at));
    expect(await rows()).toHaveLength(2);
    await page(signed([finding()], T0 + DAY));
    expect(await rows()).toHaveLength(3);
  });

  it('is not what somebody else says, who can write to the namespace', async () => {
    const { register } = roleKeys;
    for (const envelope of [signSweepReport(report([finding()]), register), {}, null, 'x'])
      await expect(page(envelope)).rejects.toMatchObject({ type: 'sweep_report_refused', nonRetryable: true });
    expect(await rows()).toEqual([]);
  });

  it('fills no queue: so many are told within an hour', async () => {
    await page(signed(Array.from({ length: 40 }, (_none, at) => finding({ schedule_id: `s${at}` }))));
    expect(await rows()).toHaveLength(10);
  });
});
