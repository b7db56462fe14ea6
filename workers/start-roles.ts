import type { DataConverter, LoadedDataConverter } from '@temporalio/common';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import { TASK_QUEUES, type Role } from '../domain/roles.js';
import { WORKFLOW_BUNDLE } from './bundle-workflows.js';
import { clientDataConverter, resealDataConverter } from './codec/data-converter.js';
import { readKeyringFile } from './codec/keyring-file.js';
import { openIntents } from '../activities/register/open-intents.js';
import type { RoleContext } from './role-context.js';
import { registerHoldings, TASKS_OF_ROLE } from './role-tasks.js';
import { startReconciler } from './reconciler.js';
import { startRegisterNotifier } from './register-notifier.js';
import { installRuntimeLog } from './runtime-log.js';

/** Roles at work. */
export interface RunningRoles {
  /** Rejects when a worker fails for good; never resolves before `stop`. */
  failed: Promise<void>;
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
  const { address, namespace } = settings.temporal;
  installRuntimeLog(context.log);
  const keyring = await readKeyringFile(settings.payload_keyring_path);
  // Encrypted payloads do not compress: trying to takes a tenth of a ceremony's processor time, here and in the server.
  const connection = await NativeConnection.connect({ address, grpcCompression: { codec: 'none' } });
  const stops: (() => Promise<void>)[] = [() => connection.close()];
  try {
    const dataConverter = resealDataConverter(keyring);
    const workers = await Promise.all(
      settings.roles.map((role) => Worker.create(workerOptions(role, context, connection, namespace, dataConverter))),
    );
    const runs = workers.map((worker) => worker.run());
    const failed = Promise.all(runs).then(() => undefined);
    // Whoever waits for `failed` hears of it; stopping must not fail because of it.
    failed.catch(() => undefined);
    stops.unshift(async () => {
      for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
      await Promise.allSettled(runs);
    });
    if (settings.roles.includes('register')) {
      stops.unshift(await besideRegister(context, address, namespace, clientDataConverter(keyring)));
    }
    return { failed, stop: () => stopAll(stops) };
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
  return {
    connection,
    namespace,
    taskQueue: TASK_QUEUES[role],
    identity: `${role}@${process.pid}`,
    dataConverter,
    activities: TASKS_OF_ROLE[role](context),
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
  };
}

async function besideRegister(
  context: RoleContext,
  address: string,
  namespace: string,
  dataConverter: LoadedDataConverter,
): Promise<() => Promise<void>> {
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace, dataConverter });
  const reconciler = startReconciler(
    { client, log: context.log, ...openIntents(registerHoldings(context)) },
    context.settings.reconcile_seconds,
  );
  const notifier = await startRegisterNotifier(context, client);
  return async () => {
    await Promise.all([reconciler.stop(), notifier.stop()]);
    await connection.close();
  };
}

async function stopAll(stops: readonly (() => Promise<void>)[]): Promise<void> {
  for (const stop of stops) await stop();
}
