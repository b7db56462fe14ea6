import type { Connection } from '@temporalio/client';
import { instant } from '../../domain/identifiers.js';
import { ROLES, SEARCH_ATTRIBUTES, TASK_QUEUES } from '../../domain/roles.js';
import type { Health, TemporalHealth } from './health-shape.js';
import type { RegisterReader } from './register-reader.js';
import { fromTemporal, isNotFound } from './temporal-error.js';

/** The calls of a Temporal connection that are made here. */
type Temporal = Pick<Connection, 'workflowService' | 'operatorService' | 'withDeadline'>;

const CALL_MS = 5_000;
/** A worker asks for work at least once a minute; the server forgets a poller after five. */
const POLLED_MS = 2 * 60 * 1000;

/** Asks every part, each for a few seconds. Never rejects: what does not answer is the answer. `now` is epoch milliseconds. */
export async function healthOf(of: {
  connection: Temporal;
  namespace: string;
  register: RegisterReader | null;
  now: () => number;
}): Promise<Health> {
  const [temporal, register] = await Promise.all([
    temporalHealth(of.connection, of.namespace),
    registerHealth(of.register),
  ]);
  return { now: instant(of.now()), temporal, register };
}

/** The Temporal part of it. Never rejects. */
export async function temporalHealth(connection: Temporal, namespace: string): Promise<TemporalHealth> {
  const bounded = <T>(call: () => Promise<T>): Promise<T> => connection.withDeadline(Date.now() + CALL_MS, call);
  const unknown = {
    namespace,
    problem: null,
    server_version: null,
    namespace_found: null,
    missing_search_attributes: null,
    idle_roles: null,
  };
  let server_version: string | null;
  try {
    const info = await bounded(() => connection.workflowService.getSystemInfo({}));
    server_version = info.serverVersion || null;
  } catch (error) {
    const { message, hint } = fromTemporal(error);
    return { ...unknown, problem: hint === undefined ? message : `${message}: ${hint}` };
  }
  const namespace_found = await bounded(() => connection.workflowService.describeNamespace({ namespace })).then(
    () => true,
    (error: unknown) => (isNotFound(error) ? false : null),
  );
  if (namespace_found === false) return { ...unknown, server_version, namespace_found };
  const [missing_search_attributes, idle_roles] = await Promise.all([
    bounded(() => missingAttributes(connection, namespace)).catch(() => null),
    bounded(() => idleRoles(connection, namespace)).catch(() => null),
  ]);
  return { ...unknown, server_version, namespace_found, missing_search_attributes, idle_roles };
}

async function missingAttributes({ operatorService }: Temporal, namespace: string): Promise<string[]> {
  const { customAttributes = {} } = await operatorService.listSearchAttributes({ namespace });
  return Object.keys(SEARCH_ATTRIBUTES).filter((name) => customAttributes?.[name] === undefined);
}

/** `temporal.api.enums.v1.TaskQueueType`. */
const WORKFLOW_TASKS = 1;
const ACTIVITY_TASKS = 2;

async function idleRoles({ workflowService }: Temporal, namespace: string): Promise<string[]> {
  const asked = ROLES.map(async (role) => {
    const { pollers } = await workflowService.describeTaskQueue({
      namespace,
      taskQueue: { name: TASK_QUEUES[role] },
      taskQueueType: role === 'ceremonies' ? WORKFLOW_TASKS : ACTIVITY_TASKS,
    });
    const polled = (pollers ?? []).some(
      ({ lastAccessTime: at }) => Date.now() - Number(at?.seconds ?? 0) * 1000 < POLLED_MS,
    );
    return polled ? [] : [role];
  });
  return (await Promise.all(asked)).flat();
}

async function registerHealth(register: RegisterReader | null): Promise<Health['register']> {
  if (register === null) return 'none';
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Health['register']>((resolve) => {
    timer = setTimeout(() => resolve('unreachable'), CALL_MS);
  });
  const read = register.getEvent('0000000000000000').then(
    () => 'ok' as const,
    () => 'unreachable' as const,
  );
  return Promise.race([read, late]).finally(() => clearTimeout(timer));
}
