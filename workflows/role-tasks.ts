import { ActivityCancellationType, proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import { roleOfKind, type EffectKind } from '../domain/effects/effects.js';
import { TASK_QUEUES, type Role } from '../domain/roles.js';
import type {
  AccountTasks,
  AuthorityTasks,
  CeremoniesTasks,
  CredentialsTasks,
  EffectTasks,
  HaltTasks,
  OrderTasks,
  RegisterTasks,
  SessionsTasks,
  VerifierTasks,
} from '../domain/tasks.js';

/**
 * No limit on attempts and no schedule-to-close: what must end a privilege is retried until it has. Retries add no
 * history. A worker that dies is noticed by its heartbeat.
 */
const patient = (role: Role, summary?: string): ActivityOptions => ({
  taskQueue: TASK_QUEUES[role],
  startToCloseTimeout: '60s',
  heartbeatTimeout: '5s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '60s' },
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  ...(summary === undefined ? {} : { summary }),
});

/** The roles' database work is short, and cannot heartbeat while a query runs. */
const ledgerWork = (role: Role, summary?: string): ActivityOptions => ({
  ...patient(role, summary),
  heartbeatTimeout: undefined,
  startToCloseTimeout: '15s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '20s' },
});

/**
 * Regular activities, though they take a moment and run in the very worker that runs the workflow: when a query is answered
 * while a local one is under way, SDK Core 1.24 writes its marker after newer events, and the history never replays again.
 */
export const ceremonies = (summary: string) =>
  proxyActivities<CeremoniesTasks>({
    taskQueue: TASK_QUEUES.ceremonies,
    startToCloseTimeout: '5s',
    retry: { initialInterval: '200ms', maximumInterval: '10s' },
    summary,
  });
export const register = (summary: string) => proxyActivities<RegisterTasks>(ledgerWork('register', summary));
/** Foreign runtimes of jobs are asked by the register, which holds their secrets: one request, bounded by itself. */
export const runtimes = (summary: string) =>
  proxyActivities<HaltTasks>({ ...ledgerWork('register', summary), startToCloseTimeout: '30s' });
export const authority = (summary: string, options: ActivityOptions = {}) =>
  proxyActivities<AuthorityTasks>({ ...ledgerWork('authority', summary), ...options });
/** The effect that makes and undoes what a kind does. */
export const effect = (kind: EffectKind, summary: string, options: ActivityOptions = {}) =>
  proxyActivities<EffectTasks & OrderTasks>({ ...patient(roleOfKind(kind), summary), ...options });
export const sessions = (summary: string) => proxyActivities<SessionsTasks>(patient('effect:entra.sessions', summary));
export const credentials = (summary: string) =>
  proxyActivities<CredentialsTasks>(patient('effect:entra.credentials', summary));
export const account = (summary: string) => proxyActivities<AccountTasks>(patient('effect:entra.account', summary));
export const verifier = (summary: string, options: ActivityOptions = {}) =>
  proxyActivities<VerifierTasks>({ ...patient('verifier', summary), ...options });
