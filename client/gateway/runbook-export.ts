import type { Hono } from 'hono';
import { instant } from '../../domain/identifiers.js';
import { goTime } from '../../domain/sentinel.js';
import { forensicBundle } from '../../proofs/incidents/forensic-bundle.js';
import { MAX_INCIDENTS, type IncidentRecord } from '../api/incident-api.js';
import { ResealError } from '../api/reseal-error.js';
import { operatorOf, type Runbook } from './runbook.js';
import { secaiIncidentOf } from './runbook-shapes.js';

/** `GET /api/v1/forensic/export`: every incident, oldest first, in a forensic bundle as SecAI OS makes them. */
export function exportRoute(app: Hono, runbook: Runbook): void {
  app.get('/api/v1/forensic/export', async (c) => {
    await operatorOf(c, runbook);
    const { forensic, api, now = Date.now } = runbook;
    if (forensic === undefined)
      throw new ResealError('needs_forensic_key', 'this gateway has no key for forensic bundles', {
        hint: 'the signed evidence of each incident does not need one',
      });
    const [records, stats] = await Promise.all([api.list({ limit: MAX_INCIDENTS }), api.stats()]);
    const oldestFirst = records.toReversed();
    const exported_at = goTime(instant(now()));
    const content = {
      exported_at,
      incidents: oldestFirst.map(secaiIncidentOf),
      audit_entries: oldestFirst.flatMap(auditEntriesOf),
      system_state: {
        service: 'reseal',
        export_time: exported_at,
        total_incidents: String(stats.total_incidents),
        open_incidents: String(stats.open_incidents),
        note: 'compatibility output, authentic only to holders of its key; the evidence is the signed bundle of each incident',
      },
      policy_digest: await forensic.policyDigest(),
    };
    return c.body(`${forensicBundle(content, await forensic.key())}\n`, 200, { 'content-type': 'application/json' });
  });
}

/** What was said and found about an incident, one JSON text each; an acknowledgement that nobody signed says `bearer`. */
function auditEntriesOf({ view }: IncidentRecord): string[] {
  const { id: incident_id, attestation, acknowledgements, released, resolve } = view;
  const entries: object[] = [{ event: 'incident', at: view.created_at, incident_id, host: view.host }];
  for (const { person, at, method, statement_digest } of acknowledgements)
    entries.push({ event: 'acknowledged', at, incident_id, person, method, statement_digest });
  if (attestation.at !== null) {
    const { at, state, attempt, failed_check } = attestation;
    entries.push({ event: 're_attested', at, incident_id, attempt, state, failed_check });
  }
  for (const { action, success, completed_at } of released)
    entries.push({ event: 'released', at: completed_at, incident_id, action, success });
  if (view.resolved_at !== null)
    entries.push({ event: 'resolved', at: view.resolved_at, incident_id, by: resolve?.by ?? null });
  return entries.map((entry) => JSON.stringify(entry));
}
