import type { Hono } from 'hono';
import { secaiIncidentJson } from '../../proofs/incidents/secai-incident.js';
import { incidentFilterSchema, type IncidentRecord } from '../api/incident-api.js';
import { callerOf, incidentIdIn, parsed, type ReadBody, type Runbook } from './runbook.js';
import { actRoutes } from './runbook-acts.js';
import { exportRoute } from './runbook-export.js';
import { takeReport } from './take-report.js';
import { isPending, requirementOf, secaiIncidentOf } from './runbook-shapes.js';

/**
 * The HTTP API of the recovery runbook, path by path as it prints them. Every path but `/health` needs a bearer token, or
 * where the gateway allows it none at all. Errors are the gateway's, with `field` for what was sent wrongly and `missing`
 * for what has to come first.
 */
export function runbookRoutes(app: Hono, runbook: Runbook, readBody: ReadBody): void {
  const { api } = runbook;

  app.get('/health', async (c) => {
    const { open_incidents, total_incidents } = await api.stats();
    return c.json({ status: 'ok', open_incidents, total_incidents });
  });

  app.get('/api/v1/incidents', async (c) => {
    await callerOf(c, runbook);
    const found = await api.list(parsed(incidentFilterSchema, c.req.query(), 'filter'));
    return c.body(`[${found.map(json).join(',')}]\n`, 200, JSON_TYPE);
  });

  app.get('/api/v1/incidents/get', async (c) => {
    await callerOf(c, runbook);
    return c.body(`${json(await api.get(incidentIdIn(c.req.query('id'))))}\n`, 200, JSON_TYPE);
  });

  app.get('/api/v1/recovery/status', async (c) => {
    await callerOf(c, runbook);
    const open = await api.list({ open: true });
    const pending_recoveries = open.filter(({ view }) => isPending(view)).map(({ view }) => requirementOf(view));
    return c.json({ pending_recoveries, count: pending_recoveries.length });
  });

  app.get('/api/v1/stats', async (c) => {
    await callerOf(c, runbook);
    return c.json(await api.stats());
  });

  app.post('/api/v1/incidents/report', async (c) => {
    const { incident_id, opened } = await takeReport(c, runbook, readBody);
    return c.body(`${json(await api.get(incident_id))}\n`, opened ? 201 : 200, JSON_TYPE);
  });

  actRoutes(app, runbook, readBody);
  exportRoute(app, runbook);
}

const JSON_TYPE = { 'content-type': 'application/json' };
const json = (record: IncidentRecord): string => secaiIncidentJson(secaiIncidentOf(record)).text;
