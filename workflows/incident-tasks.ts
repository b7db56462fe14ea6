import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import { TASK_QUEUES, type Role } from '../domain/roles.js';
import type {
  ContainmentTasks,
  IncidentAuthorityTasks,
  IncidentCeremoniesTasks,
  IncidentRegisterTasks,
  IncidentVerifierTasks,
} from '../domain/incidents/tasks.js';

/** No limit on attempts: what contains, and what ends a containment, is tried until it is done. Retries add no history. */
const patient = (role: Role, summary: string, startToCloseTimeout: '15s' | '90s'): ActivityOptions => ({
  taskQueue: TASK_QUEUES[role],
  startToCloseTimeout,
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  summary,
});

export const incidentRegister = (summary: string) =>
  proxyActivities<IncidentRegisterTasks>(patient('register', summary, '15s'));
export const incidentAuthority = (summary: string) =>
  proxyActivities<IncidentAuthorityTasks>(patient('authority', summary, '15s'));
export const incidentCeremonies = (summary: string) =>
  proxyActivities<IncidentCeremoniesTasks>(patient('ceremonies', summary, '15s'));
/** What may take long tells that it is alive: a worker that dies amid it is noticed soon. */
const ALIVE = { heartbeatTimeout: '10s' } as const;

export const containment = (summary: string) =>
  proxyActivities<ContainmentTasks>({ ...patient('effect:containment', summary, '90s'), ...ALIVE });
export const incidentVerifier = (summary: string) =>
  proxyActivities<Omit<IncidentVerifierTasks, 'attestHost'>>(patient('verifier', summary, '90s'));
export const attestation = (summary: string) =>
  proxyActivities<Pick<IncidentVerifierTasks, 'attestHost'>>({ ...patient('verifier', summary, '90s'), ...ALIVE });
