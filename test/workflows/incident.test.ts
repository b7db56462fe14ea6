import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AUTHORITY_MIGRATIONS } from '../../activities/authority/authority-migrations.js';
import { incidentCeremoniesTasks } from '../../activities/evidence/incident-ceremonies-tasks.js';
import type { Database } from '../../activities/register/database.js';
import { openPglite } from '../../activities/register/database-pglite.js';
import { REGISTER_MIGRATIONS } from '../../activities/register/register-migrations.js';
import { startTemporalServer, type TemporalServer } from '../../deploy/local/temporal/start-temporal.js';
import { incidentReportWorkflowId, incidentWorkflowId } from '../../domain/incidents/incident-id.js';
import type { IncidentReport } from '../../domain/incidents/incident.js';
import type {
  ContainedTarget,
  ContainmentTasks,
  IncidentVerifierTasks,
  RecordedEvent,
} from '../../domain/incidents/tasks.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import { instant } from '../../domain/identifiers.js';
import { SEARCH_ATTRIBUTES, TASK_QUEUES, type Role } from '../../domain/roles.js';
import { judgeRelease } from '../../proofs/incidents/release-warrant.js';
import { verifyIncidentBundle } from '../../proofs/incidents/verify-incident-bundle.js';
import type { Trust } from '../../proofs/trust.js';
import { DEFAULT_PLAYBOOK } from '../../domain/incidents/playbook.js';
import { statementDigest } from '../../proofs/statement-check.js';
import { WORKFLOW_BUNDLE } from '../../workers/bundle-workflows.js';
import { clientDataConverter, resealDataConverter } from '../../workers/codec/data-converter.js';
import { makeKeyring } from '../../workers/codec/keyring.js';
import { realTemporalCli } from '../deploy/local/temporal/real-temporal.js';
import { bob, roster } from '../proofs/ceremony-people.js';
import { RecoveryWorld, type Scene } from '../activities/incidents/recovery-world.js';

const { cli, reason } = await realTemporalCli();
const keyring = makeKeyring('k-1', [['k-1', randomBytes(32)]]);

/**
 * Register, authority and the checks of the ceremonies' worker are the real ones; host and TPM stand here for themselves:
 * they sign with the roles' keys what a test wants them to have seen.
 */
class Host {
  readonly acts: string[] = [];
  /** How often containing the agent fails before it holds. */
  failures = 0;
  verdicts: ('passed' | 'refused')[] = [];
  constructor(private readonly world: RecoveryWorld) {}

  readonly containment: ContainmentTasks = {
    contain: async (target) => {
      const { incident_id, generation, host, action, persist } = target;
      const fails = action === 'freeze_agent' && this.failures > 0;
      if (fails) this.failures -= 1;
      if (fails && persist) throw ApplicationFailure.retryable('the agent does not answer', 'not_contained');
      const said = { action, success: !fails, ...(fails ? { error: 'no answer' } : {}), completed_at: this.now() };
      if (!fails) this.acts.push(`contain ${action}`);
      const name = `contained/${generation}/${action}${fails ? '/failed/1' : ''}`;
      const receipt = this.world.entry('effect:containment', incident_id, 'contained', name, {
        generation,
        host,
        ...said,
      });
      return { ...said, receipt };
    },
    release: async (input) => {
      const { world } = this;
      const authorityKey = (keyid: string) => {
        const known = world.roleKeys(keyid);
        return known?.role === 'authority' ? known.publicKey : undefined;
      };
      const { playbook, roleKeys, now } = world;
      const own = { playbook, roleKeys, roster, compatAck: false, quorum: 2, nowMs: now, authorityKey };
      const verdict = judgeRelease(input, own);
      if (!verdict.ok) return { outcome: 'refused', code: verdict.code, message: verdict.message };
      const { incident_id, generation, host, action } = input;
      this.acts.push(`release ${action}`);
      const said = { action, success: true, completed_at: this.now() };
      const name = `released/${generation}/${action}`;
      const receipt = world.entry('effect:containment', incident_id, 'released', name, { generation, host, ...said });
      return { outcome: 'released', ...said, receipt };
    },
  };

  readonly verifier: IncidentVerifierTasks = {
    verifyContained: async (target) => this.saw('contained', target),
    verifyReleased: async (target) => this.saw('released', target),
    attestHost: async ({ incident_id, host, attempt, containment_binding, purpose, contained_at }) => {
      const verdict = purpose === 'baseline' ? 'passed' : (this.verdicts.shift() ?? 'passed');
      const scene = {
        incident: { incident_id, host },
        settled: { containment_binding, contained_at },
      } as Scene;
      const failed =
        verdict === 'refused' ? { failed_check: 'PCR_NOT_GOLDEN' as const, expected: 'another value' } : {};
      const result = await this.world.attest(scene, attempt, { purpose, verdict, ...failed });
      return { outcome: 'result', result };
    },
    readHealth: async ({ incident_id, generation, host }) => {
      const health = { integrity: 'trusted', attestor: 'trusted', incident_recorder: 'trusted', trusted: true };
      const at = this.now();
      const data = { generation, host, ...health };
      return {
        ...health,
        at,
        receipt: this.world.entry('verifier', incident_id, 'health', `health/${generation}`, data),
      };
    },
  };

  private now = (): string => instant(this.world.now);

  private saw(observed: 'contained' | 'released', { incident_id, generation, host, action }: ContainedTarget) {
    const type = observed === 'contained' ? 'containment_seen' : 'release_seen';
    const data = { generation, host, action, observed };
    const receipt = this.world.entry('verifier', incident_id, type, `${type}/${generation}/${action}`, data);
    return { observed, detail: '', at: this.now(), receipt };
  }
}

describe.skipIf(reason !== null)(
  `an incident on a real server${reason === null ? '' : ` (skipped: ${reason})`}`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'reseal-incident-'));
    let server: TemporalServer;
    let database: Database;
    let world: RecoveryWorld;
    let host: Host;
    let client: Client;
    let connection: Connection;
    let native: NativeConnection;
    let workers: Worker[] = [];
    let running: Promise<unknown>;

    beforeAll(async () => {
      const starting = startTemporalServer({
        ...{ cli, dbPath: null, searchAttributes: SEARCH_ATTRIBUTES, logPath: join(folder, 'temporal.log') },
      });
      database = await openPglite(null);
      await database.migrate([...REGISTER_MIGRATIONS, ...AUTHORITY_MIGRATIONS]);
      world = new RecoveryWorld(database);
      Object.defineProperty(world, 'now', { get: () => Date.now() });
      await world.migrate();
      host = new Host(world);
      server = await starting;
      const { address, namespace } = server;
      connection = await Connection.connect({ address });
      native = await NativeConnection.connect({ address });
      client = new Client({ connection, namespace, dataConverter: clientDataConverter(keyring) });
      const clock = { now: () => Date.now() };
      const { register, authority } = world;
      const tasks: Partial<Record<Role, object>> = {
        ceremonies: incidentCeremoniesTasks({ roster: () => roster, roleKeys: world.roleKeys, clock }),
        register,
        authority,
        'effect:containment': host.containment,
        verifier: host.verifier,
      };
      workers = await Promise.all(
        Object.entries(tasks).map(([role, activities]) =>
          Worker.create({
            ...{ connection: native, namespace, activities, dataConverter: resealDataConverter(keyring) },
            taskQueue: TASK_QUEUES[role as Role],
            ...(role === 'ceremonies' ? { workflowBundle: { codePath: WORKFLOW_BUNDLE } } : {}),
          }),
        ),
      );
      running = Promise.all(workers.map((worker) => worker.run()));
    });
    afterAll(async () => {
      for (const worker of workers) worker.shutdown();
      await running;
      await native.close();
      await connection.close();
      await server.stop();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    });

    async function report(
      over: Partial<IncidentReport> = {},
    ): Promise<Extract<RecordedEvent, { outcome: 'recorded' }>> {
      const report_id = randomBytes(8).toString('hex');
      const common = {
        class: 'integrity_violation',
        source: 'monitor',
        description: 'changed',
        evidence: {},
        host: 'node-1',
      };
      const recorded = (await client.workflow.execute('reportIncident', {
        workflowId: incidentReportWorkflowId(report_id),
        taskQueue: TASK_QUEUES.ceremonies,
        args: [{ report_id, reporter: 'monitor', ...common, ...over }],
      })) as RecordedEvent;
      if (recorded.outcome === 'refused') throw new Error(recorded.message);
      return recorded;
    }

    const viewOf = (id: string) => client.workflow.getHandle(incidentWorkflowId(id)).query<IncidentView>('view');
    const signal = (id: string, name: string, ...said: unknown[]) =>
      client.workflow.getHandle(incidentWorkflowId(id)).signal(name, ...said);

    async function until(id: string, what: string, holds: (view: IncidentView) => boolean): Promise<IncidentView> {
      for (let tries = 0; tries < 600; tries += 1) {
        const view = await viewOf(id).catch(() => undefined);
        if (view !== undefined && holds(view)) return view;
        await sleep(200);
      }
      throw new Error(`never ${what}: ${JSON.stringify(await viewOf(id))}`);
    }

    const rules = { playbook: DEFAULT_PLAYBOOK, compatAck: false, quorum: 2 };
    const trusted = () => ({ keyOf: world.roleKeys, roster }) as unknown as Trust;
    const sceneOf = ({ id, host: name, containment_binding, contained_at }: IncidentView): Scene =>
      ({ incident: { incident_id: id, host: name }, settled: { containment_binding, contained_at } }) as Scene;

    it('is contained at once, refuses to be resolved, and ends when people and the TPM have spoken', async () => {
      host.failures = 3;
      host.verdicts = ['refused', 'passed'];
      const { incident_id: id } = await report();
      expect(await report()).toMatchObject({ incident_id: id, joined: true, escalated: false });
      const contained = await until(id, 'contained', ({ containment_binding }) => containment_binding !== null);
      expect(contained).toMatchObject({ state: 'contained', severity: 'critical', requirements: { signed: true } });
      expect(contained.containment_results.map(({ success }) => success)).toEqual([true, true, true]);
      const scene = sceneOf(contained);

      await signal(id, 'resolve', { envelope: world.say(bob, 'resolve', scene) });
      const refused = await until(id, 'refused', ({ resolve }) => resolve !== null);
      expect(refused).toMatchObject({
        state: 'contained',
        resolve: { by: 'bob', missing: ['signed_acknowledgement', 'attestation'] },
      });
      await signal(id, 'acknowledge', { bearer: { operator: 'mallory', token_name: 'stolen' } });
      await signal(id, 'acknowledge', { any: 'thing' });
      const acknowledgement = world.say(bob, 'acknowledge', scene);
      await signal(id, 'acknowledge', { envelope: acknowledgement });
      const heard = await until(id, 'acknowledged', (view) => view.acknowledgements.length > 0);
      expect(heard.acknowledgements.map(({ person }) => person)).toEqual(['bob']);
      expect(heard.verdicts).toContainEqual({ digest: statementDigest(acknowledgement), ok: true, reason: null });

      await signal(id, 'reattest');
      const failed = await until(id, 'attested', (view) => view.attestation.state === 'refused');
      expect(failed).toMatchObject({
        missing: ['attestation_refused'],
        attestation: { failed_check: 'PCR_NOT_GOLDEN' },
      });
      await signal(id, 'reattest');
      await until(id, 'passed', (view) => view.attestation.state === 'passed');
      expect(host.acts.filter((act) => act.startsWith('release'))).toEqual([]);

      await signal(id, 'resolve', { envelope: world.say(bob, 'resolve', scene, { note: 'repaired' }) });
      expect(await client.workflow.getHandle(incidentWorkflowId(id)).result()).toEqual({
        incident_id: id,
        end: 'resolved',
      });
      expect(host.acts.filter((act) => act.startsWith('release'))).toEqual([
        'release force_vault_relock',
        'release disable_airlock',
        'release freeze_agent',
      ]);
      expect(await world.reader.get(id)).toMatchObject({ state: 'resolved', events: 2 });
      const text = (await world.reader.bundle(id)) ?? '';
      const verified = verifyIncidentBundle(Buffer.from(text), trusted(), rules);
      expect(verified.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(verified).toMatchObject({
        ok: true,
        facts: {
          acknowledged_by: ['bob'],
          attempt: 3,
          bearer: false,
          containment_binding: contained.containment_binding,
        },
      });
      const changed = text.replace(/"payload":"(.{400})./, (_, kept: string) => `"payload":"${kept}A`);
      expect(verifyIncidentBundle(Buffer.from(changed), trusted(), rules).ok).toBe(false);
      // By somebody who wants two people the same ledger shows a gate that was shut.
      const two = { ...world.playbook, acknowledgements: { ...world.playbook.acknowledgements, critical: 2 } };
      expect(verifyIncidentBundle(Buffer.from(text), trusted(), { ...rules, playbook: two }).checks).toContainEqual(
        expect.objectContaining({ name: 'gate', ok: false }),
      );
    });

    it('is contained further when the register makes it worse, and nothing said before that counts', async () => {
      const event = { class: 'prompt_injection', description: 'ignore all', host: 'node-2' } as const;
      const { incident_id: id } = await report(event);
      await until(id, 'contained', ({ containment_binding }) => containment_binding !== null);
      await signal(id, 'acknowledge', { bearer: { operator: 'bob@example.com', token_name: 'desk' } });
      await until(id, 'acknowledged', (view) => view.acknowledgements.length === 1);
      await report(event);
      expect(await report(event)).toMatchObject({ incident_id: id, escalated: true, severity: 'critical' });
      const worse = await until(id, 'worse', (view) => view.generation === 2 && view.containment_binding !== null);
      expect(worse).toMatchObject({ severity: 'critical', acknowledgements: [] });
      expect(worse.containment_actions).toEqual(['freeze_agent', 'log_alert', 'force_vault_relock']);
      expect(worse.missing).toEqual(['signed_acknowledgement', 'attestation']);
    });
  },
);
