import type { TargetOf } from '../../domain/incidents/containment-targets.js';
import type { ServiceSettings } from '../../domain/incidents/host.js';
import type { JsonValue } from '../../proofs/strict-json.js';
import { stateOf, TargetFailure, type Adapter, type Cause } from './adapter.js';
import { callService } from './service-call.js';

/** A service of the host's own, over HTTP. */
export function httpAdapter(service: ServiceSettings, target: TargetOf<'http'>): Adapter {
  const limitMs = target.timeout_seconds * 1000;
  const change = async ({ method, path, body }: typeof target.contain, { incident_id }: Cause): Promise<void> => {
    await callService(service, { method, path, body: body ?? { by: 'reseal', incident_id }, limitMs });
  };
  return {
    async observe() {
      const { path, member, revision } = target.state;
      const answer = await callService(service, { method: 'GET', path, limitMs });
      return {
        state: stateOf(memberOf(answer, member), target.state),
        revision: revision === undefined ? null : revisionOf(memberOf(answer, revision), revision),
      };
    },
    contain: (cause) => change(target.contain, cause),
    release: (cause) => change(target.release, cause),
  };
}

/** A member of an answer that may be anything. */
export const memberOf = (answer: JsonValue, name: string): unknown =>
  typeof answer === 'object' && answer !== null && !Array.isArray(answer) && Object.hasOwn(answer, name)
    ? answer[name]
    : undefined;

function revisionOf(value: unknown, member: string): string {
  if (typeof value === 'number' || (typeof value === 'string' && value !== '' && value.length <= 128))
    return String(value);
  throw new TargetFailure('answer_malformed', `expected a number or a short text as ${member}`);
}
