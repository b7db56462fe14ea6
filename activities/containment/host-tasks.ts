import type { HostService } from '../../domain/incidents/host.js';
import type {
  ContainedTarget,
  HealthOutcome,
  IncidentObservation,
  IncidentVerifierTasks,
} from '../../domain/incidents/tasks.js';
import { instant } from '../../domain/identifiers.js';
import { TargetFailure } from './adapter.js';
import { adapterOf, targetsOf, type HostDeps } from './containment-deps.js';
import { memberOf } from './http-adapter.js';
import { callService } from './service-call.js';

/** What the verifier says of hosts, besides attestation. */
export type HostTasks = Pick<IncidentVerifierTasks, 'verifyContained' | 'verifyReleased' | 'readHealth'>;

const HEALTH_MS = 10_000;
/** The word that ends a recovery, and nothing else does. */
const TRUSTED = 'trusted';

/**
 * A second identity's look at hosts, with addresses and tokens of its own that can only read. Never throws: what does not
 * answer is `unknown`, and the ceremony asks again.
 */
export function hostTasks(deps: HostDeps): HostTasks {
  return {
    verifyContained: (input) => observe(deps, input, 'contained'),
    verifyReleased: (input) => observe(deps, input, 'released'),
    readHealth: (input) => health(deps, input),
  };
}

async function observe(
  deps: HostDeps,
  input: ContainedTarget,
  wanted: 'contained' | 'released',
): Promise<IncidentObservation> {
  const seen = await look(deps, input, wanted);
  const at = instant(deps.clock.now());
  const { incident_id, generation, host, action } = input;
  const receipt = deps.sign({
    schema: 'reseal.incident_entry.v1',
    incident_id,
    transition: `${wanted}_seen/${generation}/${action}${seen.observed === wanted ? '' : `/not/${deps.clock.now()}`}`,
    type: wanted === 'contained' ? 'containment_seen' : 'release_seen',
    at,
    data: { generation, host, action, ...seen },
  });
  return { ...seen, at, receipt };
}

/** All targets agree, or nothing is known: half of them contained is neither the one nor the other. */
async function look(
  deps: HostDeps,
  input: ContainedTarget,
  wanted: 'contained' | 'released',
): Promise<Pick<IncidentObservation, 'observed' | 'detail'>> {
  const found = targetsOf(deps.hosts, input);
  if ('missing' in found) return { observed: 'unknown', detail: found.missing };
  const states: string[] = [];
  const details: string[] = [];
  for (const [name, target] of found.targets) {
    // A line in a log is not to be seen, and not to be undone.
    if (target.kind === 'log') continue;
    try {
      const { state } = await adapterOf(found.host, target, deps.access).observe();
      states.push(state);
      details.push(`${name} is ${state}`);
    } catch (error) {
      states.push('unknown');
      details.push(`${name}: ${error instanceof TargetFailure ? error.message : 'internal'}`);
    }
  }
  const [first = wanted] = states;
  const observed = states.every((state) => state === first) ? (first as IncidentObservation['observed']) : 'unknown';
  return { observed, detail: details.join('; ').slice(0, 500) };
}

async function health(
  deps: HostDeps,
  { incident_id, generation, host }: { incident_id: string; generation: number; host: string },
): Promise<HealthOutcome> {
  const [integrity, attestor, incident_recorder] = await Promise.all([
    stateOf(deps, host, 'integrity'),
    stateOf(deps, host, 'attestor'),
    recorderState(deps, host),
  ]);
  const at = instant(deps.clock.now());
  // The recorder is Reseal's own gateway for most hosts, and there need be no address of it: then two answers count.
  const trusted = [integrity, attestor, incident_recorder ?? TRUSTED].every((state) => state === TRUSTED);
  const said = { integrity, attestor, incident_recorder, trusted };
  const receipt = deps.sign({
    schema: 'reseal.incident_entry.v1',
    incident_id,
    transition: `health/${generation}${trusted ? '' : `/not/${deps.clock.now()}`}`,
    type: 'health',
    at,
    data: { generation, host, ...said },
  });
  return { ...said, at, receipt };
}

/** What the runbook's step 10 reads: `state` of `/api/v1/state`. A code of ours where it says nothing of the kind. */
async function stateOf(deps: HostDeps, host: string, name: HostService): Promise<string> {
  const service = serviceOf(deps, host, name);
  if (service === undefined) return 'not_configured';
  return asked(async () => {
    const answer = await callService(service, { method: 'GET', path: '/api/v1/state', limitMs: HEALTH_MS });
    const state = memberOf(answer, 'state');
    return typeof state === 'string' && /^[a-z0-9_-]{1,64}$/i.test(state) ? state : 'answer_malformed';
  });
}

/** `status` of `/health`: `ok` is its word for being there. Null where the host has none. */
async function recorderState(deps: HostDeps, host: string): Promise<string | null> {
  const service = serviceOf(deps, host, 'incident_recorder');
  if (service === undefined) return null;
  return asked(async () => {
    const answer = await callService(service, { method: 'GET', path: '/health', limitMs: HEALTH_MS });
    return memberOf(answer, 'status') === 'ok' ? TRUSTED : 'not_ok';
  });
}

const serviceOf = ({ hosts }: HostDeps, host: string, name: HostService) =>
  Object.hasOwn(hosts, host) ? hosts[host]?.services[name] : undefined;

const asked = (work: () => Promise<string>): Promise<string> =>
  work().catch((error: unknown) => (error instanceof TargetFailure ? error.code : 'internal'));
