import {
  ApplicationFailure,
  log,
  ParentClosePolicy,
  proxyActivities,
  sleep,
  startChild,
  uuid4,
} from '@temporalio/workflow';
import { attestationFailure, type AttestRound } from '../domain/incidents/attestation-report.js';
import {
  attestedHostsSchema,
  attestHostOutcomeSchema,
  type AttestationTasks,
} from '../domain/incidents/attestation-result.js';
import { incidentReportWorkflowId } from '../domain/incidents/incident-id.js';
import { readAttestationSchema } from '../domain/incidents/tasks.js';
import { TASK_QUEUES } from '../domain/roles.js';
import { incidentCeremonies } from './incident-tasks.js';
import { reportIncident } from './report-incident.js';

/** Bounded, unlike an incident's own steps: the next round begins anew, and a host that is away must not be in its way. */
const { attestHost, listAttested } = proxyActivities<AttestationTasks>({
  taskQueue: TASK_QUEUES.verifier,
  startToCloseTimeout: '90s',
  scheduleToCloseTimeout: '4m',
  retry: { initialInterval: '2s', maximumAttempts: 3 },
});
const AT_ONCE = 8;
const TRIES = 3;

type Attested = AttestRound['hosts'][number];

/**
 * One round over all enrolled hosts, started by its schedule. What is refused opens an incident, or joins the one that is
 * open; a host that is away or busy is no verdict, and is in the answer alone.
 */
export async function reattestHosts(): Promise<AttestRound> {
  const listed = attestedHostsSchema.safeParse(await listAttested());
  if (!listed.success) throw ApplicationFailure.nonRetryable('the verifier gave no usable answer', 'no_usable_answer');
  const left = [...listed.data.hosts];
  const hosts: Attested[] = [];
  const work = async (): Promise<void> => {
    for (let host = left.shift(); host !== undefined; host = left.shift()) hosts.push(await attested(host));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { hosts: hosts.sort((a, b) => (a.host < b.host ? -1 : 1)) };
}

async function attested(host: string): Promise<Attested> {
  try {
    return await attest(host);
  } catch {
    log.warn('a host could not be attested', { host });
    return { host, outcome: 'waiting', reason: 'the verifier did not answer' };
  }
}

async function attest(host: string): Promise<Attested> {
  const none = { incident_id: null, containment_binding: null, contained_at: null };
  for (let attempt = 1; ; attempt += 1) {
    const answer = attestHostOutcomeSchema.parse(await attestHost({ ...none, host, attempt, purpose: 'scheduled' }));
    if (answer.outcome === 'waiting') {
      if (attempt === TRIES) return { host, outcome: 'waiting', reason: answer.reason };
      await sleep('20s', { summary: `${host} is away or busy` });
      continue;
    }
    const { result } = answer;
    const read = await incidentCeremonies("check the verifier's signature").readAttestation({ result });
    const parsed = readAttestationSchema.nullable().safeParse(read);
    if (!parsed.success || parsed.data === null) return { host, outcome: 'unproven' };
    const { verdict, failed_check, expected } = parsed.data;
    if (verdict === 'passed') return { host, outcome: 'passed' };
    const id = uuid4().replaceAll('-', '').slice(0, 16);
    await startChild(reportIncident, {
      workflowId: incidentReportWorkflowId(id),
      args: [attestationFailure(id, host, { failed_check, expected })],
      parentClosePolicy: ParentClosePolicy.ABANDON,
    });
    return { host, outcome: 'refused', reason: failed_check ?? 'unknown' };
  }
}
