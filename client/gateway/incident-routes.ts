import type { Hono } from 'hono';
import { incidentStatementSchema } from '../../domain/incidents/statements.js';
import { signedStatementSchema } from '../../domain/statement.js';
import { statementDigest } from '../../proofs/statement-check.js';
import { parseStrictJson } from '../../proofs/strict-json.js';
import { incidentFilterSchema, type IncidentSignal } from '../api/incident-api.js';
import { ResealError } from '../api/reseal-error.js';
import { takeReport } from './take-report.js';
import { incidentIdIn, operatorOf, parsed, type ReadBody, type Runbook } from './runbook.js';

/**
 * Incidents as Reseal itself shows them. `GET /v1/incidents` → `{incidents}`, `GET /v1/incidents/{id}`;
 * `POST /v1/incidents` reports, with a token → `{incident_id, opened}`; `GET /v1/incident-stats`;
 * `GET /v1/incident-playbook` → `{playbook, digest}`;
 * `POST /v1/incidents/{id}/statements` takes one signed statement and answers 202 with the digest by which the view names
 * what became of it: nobody is asked who they are, the roles verify it. `POST /v1/incidents/{id}/reattest` and `GET
 * /v1/incidents/{id}/bundle`, the sealed bundle of a resolved incident byte for byte, need a token that may operate.
 */
export function incidentRoutes(app: Hono, runbook: Runbook, readBody: ReadBody): void {
  const { api } = runbook;
  app.get('/v1/incidents', async (c) =>
    c.json({ incidents: await api.list(parsed(incidentFilterSchema, c.req.query(), 'filter')) }),
  );
  app.post('/v1/incidents', async (c) => c.json(await takeReport(c, runbook, readBody)));
  app.get('/v1/incident-playbook', async (c) => c.json(await api.playbook()));
  app.get('/v1/incident-stats', async (c) => c.json(await api.stats()));
  app.get('/v1/incidents/:id', async (c) => c.json(await api.get(incidentIdIn(c.req.param('id')))));
  app.get('/v1/incidents/:id/bundle', async (c) => {
    // It names people, and what a host's evidence was: for whoever may export.
    await operatorOf(c, runbook);
    const text = await api.bundle(incidentIdIn(c.req.param('id')));
    return c.body(text, 200, { 'content-type': 'application/json' });
  });
  app.post('/v1/incidents/:id/statements', async (c) => {
    const id = incidentIdIn(c.req.param('id'));
    const envelope = parsed(signedStatementSchema, await readBody(c), 'statement');
    await api.say(id, signalOf(envelope.payload, id), { envelope });
    return c.json({ digest: statementDigest(envelope) }, 202);
  });
  app.post('/v1/incidents/:id/reattest', async (c) => {
    await operatorOf(c, runbook);
    const id = incidentIdIn(c.req.param('id'));
    await api.reattest(id);
    return c.json({ incident_id: id }, 202);
  });
}

/** By which signal a statement travels: two acts have one of their own. @throws {ResealError} `malformed`. */
export function signalOf(payload: string, id: string): IncidentSignal {
  const json = parseStrictJson(payload);
  const read = incidentStatementSchema.safeParse(json.ok ? json.value : undefined);
  if (!read.success || read.data.incident_id !== id)
    throw new ResealError('malformed', `the payload is no statement about ${id}`, { field: 'payload' });
  const { act } = read.data;
  return act === 'acknowledge' || act === 'resolve' ? act : 'statement';
}
