import type { IncidentApi, IncidentClient } from './incident-api.js';
import { ResealError } from './reseal-error.js';

/** The name under which reports are counted that came without a gateway. */
const REPORTER = 'direct';

/** Incidents without a gateway: what only it has, tokens and the key of forensic bundles, is not there. */
export function directIncidents(api: IncidentApi): IncidentClient {
  return {
    report: async ({ host, ...report }) => {
      if (host === undefined) throw new ResealError('usage', '--host is missing: with --direct no token says which');
      return api.report({ ...report, host, reporter: REPORTER });
    },
    get: (id) => api.get(id),
    list: (filter) => api.list(filter),
    stats: () => api.stats(),
    playbook: () => api.playbook(),
    say: (id, signal, envelope) => api.say(id, signal, { envelope }),
    reattest: (id) => api.reattest(id),
    bundle: (id) => api.bundle(id),
    exported: async () => {
      throw new ResealError('needs_forensic_key', 'forensic bundles are signed by the gateway', {
        hint: 'leave --direct out',
      });
    },
  };
}
