import type { DataConverter, LoadedDataConverter } from '@temporalio/common';
import { Client } from '@temporalio/client';
import {
  Worker,
  type ActivityInterceptorsFactory,
  type NativeConnection,
  type WorkerOptions,
} from '@temporalio/worker';
import { recordRefusals } from '../activities/attempts/record-refusals.js';
import { isSigning, TASK_QUEUES, type Role } from '../domain/roles.js';
import { WORKFLOW_BUNDLE } from './bundle-workflows.js';
import { clientDataConverter, resealDataConverter } from './codec/data-converter.js';
import { readKeyringFile } from './codec/keyring-file.js';
import { IncidentReader } from '../activities/register/incidents/incident-reader.js';
import { openIntents } from '../activities/register/open-intents.js';
import { keepAttestSchedule } from './attest-schedule.js';
import { attemptsOf } from './role-attempts.js';
import type { RoleContext } from './role-context.js';
import { gateOfRole, registerHoldings, TASKS_OF_ROLE } from './role-tasks.js';
import { reconcileOnce, startReconciler } from './reconciler.js';
import { startRegisterNotifier } from './register-notifier.js';
import { installRuntimeLog } from './runtime-log.js';
import { sectionOf } from './settings.js';
import { incidentReconciler } from './incident-reconciler.js';
import { keepSweepSchedule } from './sweep-schedule.js';
import { toolsOfRole } from './tool-roles.js';
import { connectTemporal, type TemporalConnections } from './temporal-connection.js';

/** Roles at work. */
export interface RunningRoles {
  /** Rejects when a worker fails for good; never resolves before `stop`. */
  failed: Promise<void>;
  /** How each role's worker is: `RUNNING` while it takes work (the SDK's word). */
  states(): Partial<Record<Role, string>>;
  /** Takes no new work, lets what is under way end for up to 5 s, and lets go of all connections. */
  stop(): Promise<void>;
}

/** An effect hears of a cancel with its next heartbeat; this bounds how long a kill waits for one. */
const HEARTBEAT_THROTTLE = '1s';
/** How long the server waits for a worker that has died before another may run its ceremonies. */
const STICKY_PATIENCE = '3s';

/** Starts one worker a role, each on its own task queue; beside the register the reconciler and the notifier. */
export async function startRoles(context: RoleContext): Promise<RunningRoles> {
  const { settings } = context;
  const { namespace } = settings.temporal;
  installRuntimeLog(context.log);
  const keyring = await readKeyringFile(settings.payload_keyring_path);
  const temporal = await connectTemporal(settings.temporal);
  context.temporal = () => temporal.client();
  const stops: (() => Promise<void>)[] = [() => temporal.close()];
  try {
    const dataConverter = resealDataConverter(keyring);
    const workers = await Promise.all(
      settings.roles.map((role) =>
        Worker.create(workerOptions(role, context, temporal.native, namespace, dataConverter)),
      ),
    );
    const runs = workers.map((worker) => worker.run());
    const failed = Promise.all(runs).then(() => undefined);
    // Whoever waits for `failed` hears of it; stopping must not fail because of it.
    failed.catch(() => undefined);
    stops.unshift(async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
    });
    stops.unshift(context.contracts.follow(settings.contracts.refresh_seconds * 1000));
    if (settings.roles.includes('register')) {
      stops.unshift(await besideRegister(context, temporal, clientDataConverter(keyring)));
    }
    if (settings.roles.includes('sweeper')) {
      stops.unshift(await besideSweeper(context, temporal, clientDataConverter(keyring)));
    }
    if (settings.roles.includes('verifier')) {
      stops.unshift(await besideVerifier(context, temporal, clientDataConverter(keyring)));
    }
    const states = () => Object.fromEntries(settings.roles.map((role, at) => [role, workers[at]?.getState()]));
    return { failed, states, stop: () => stopAll(stops) };
  } catch (error) {
    await stopAll(stops);
    throw error;
  }
}

function workerOptions(
  role: Role,
  context: RoleContext,
  connection: NativeConnection,
  namespace: string,
  dataConverter: DataConverter,
): WorkerOptions {
  const tools = toolsOfRole(role, context);
  const gates = [refusalsOf(role, context), tools?.gate, gateOfRole(role, context)].filter(
    (gate) => gate !== undefined,
  );
  return {
    connection,
    namespace,
    taskQueue: TASK_QUEUES[role],
    identity: `${role}@${process.pid}`,
    dataConverter,
    activities: { ...TASKS_OF_ROLE[role](context), ...tools?.tasks },
    ...(gates.length === 0 ? {} : { interceptors: { activity: gates } }),
    shutdownGraceTime: '5s',
    maxHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    defaultHeartbeatThrottleInterval: HEARTBEAT_THROTTLE,
    stickyQueueScheduleToStartTimeout: STICKY_PATIENCE,
    activityTaskPollerBehavior: { type: 'autoscaling', minimum: 1, initial: 2, maximum: 10 },
    ...(role === 'ceremonies'
      ? {
          workflowBundle: { codePath: WORKFLOW_BUNDLE },
          workflowTaskPollerBehavior: { type: 'autoscaling', minimum: 2, initial: 2, maximum: 10 },
        }
      : {}),
    // The sweep's own workflow runs beside its activity: a ceremonies worker that is gone must not keep it from running.
    ...(role === 'sweeper' ? { workflowBundle: { codePath: WORKFLOW_BUNDLE }, maxCachedWorkflows: 8 } : {}),
  };
}

/** Before all else: what a role that signs refuses stands in its own ledger of attempts. */
function refusalsOf(role: Role, context: RoleContext): ActivityInterceptorsFactory | undefined {
  if (!isSigning(role)) return undefined;
  return recordRefusals(attemptsOf(context, role));
}

/** The schedule, where one is wanted: made by whoever plays the role, and again where it was taken away. */
async function besideSweeper(
  context: RoleContext,
  temporal: TemporalConnections,
  dataConverter: LoadedDataConverter,
): Promise<() => Promise<void>> {
  const { every_seconds: every } = sectionOf(context.settings, 'sweeper');
  if (every === null) return () => Promise.resolve();
  const { namespace } = context.settings.temporal;
  const client = new Client({ connection: await temporal.client(), namespace, dataConverter });
  const schedule = keepSweepSchedule(client, every, context.log);
  return () => schedule.stop();
}

/** The schedule by which hosts are attested while nothing is wrong, where one is wanted. */
async function besideVerifier(
  context: RoleContext,
  temporal: TemporalConnections,
  dataConverter: LoadedDataConverter,
): Promise<() => Promise<void>> {
  const { attestation } = sectionOf(context.settings, 'verifier');
  const every = attestation?.every_seconds ?? null;
  if (every === null) return () => Promise.resolve();
  const { namespace } = context.settings.temporal;
  const client = new Client({ connection: await temporal.client(), namespace, dataConverter });
  const schedule = keepAttestSchedule(client, every, context.log);
  return () => schedule.stop();
}

async function besideRegister(
  context: RoleContext,
  temporal: TemporalConnections,
  dataConverter: LoadedDataConverter,
): Promise<() => Promise<void>> {
  const { namespace } = context.settings.temporal;
  const client = new Client({ connection: await temporal.client(), namespace, dataConverter });
  const { log } = context;
  const holdings = registerHoldings(context);
  const incidents = new IncidentReader(holdings.database);
  const reconciler = startReconciler(
    [
      () => reconcileOnce({ client, log, ...openIntents(holdings) }),
      incidentReconciler({ client, log, openAfter: (id, limit) => incidents.openAfter(id, limit) }),
    ],
    log,
    sectionOf(context.settings, 'register').reconcile_seconds,
  );
  const notifier = await startRegisterNotifier(context, client);
  return async () => {
    await Promise.all([reconciler.stop(), notifier.stop()]);
  };
}

async function stopAll(stops: readonly (() => Promise<void>)[]): Promise<void> {
  for (const stop of stops) await stop();
}
