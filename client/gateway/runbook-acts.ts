import type { Hono } from 'hono';
import { z } from 'zod';
import { GATE_MISSING, type GateMissing } from '../../domain/incidents/gate.js';
import { incidentIdSchema } from '../../domain/incidents/incident-id.js';
import {
  INCIDENT_STATEMENT_REFUSALS,
  incidentStatementSchema,
  type IncidentSaid,
} from '../../domain/incidents/statements.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import { findPerson, type Person } from '../../domain/roster.js';
import { MAX_PAYLOAD_BYTES, MAX_SIGNATURE_BYTES } from '../../domain/statement.js';
import { secaiIncidentJson } from '../../proofs/incidents/secai-incident.js';
import { statementDigest } from '../../proofs/statement-check.js';
import { parseStrictJson } from '../../proofs/strict-json.js';
import { ResealError } from '../api/reseal-error.js';
import { operatorOf, parsed, until, untilRecorded, type ReadBody, type Runbook } from './runbook.js';
import { secaiIncidentOf } from './runbook-shapes.js';

/** A signed statement may come along: its exact payload, and the armored SSHSIG over it. */
const signed = {
  statement: z.string().min(2).max(MAX_PAYLOAD_BYTES).optional(),
  signature: z.string().min(32).max(MAX_SIGNATURE_BYTES).optional(),
};
const ackSchema = z.strictObject({ incident_id: incidentIdSchema, operator: z.string().min(1).max(256), ...signed });
const reattestSchema = z.strictObject({ incident_id: incidentIdSchema });
const resolveSchema = z.strictObject({ id: incidentIdSchema, ...signed });

/** What people do to an incident: acknowledge, ask for re-attestation, resolve. Each answers when it is done, and not before. */
export function actRoutes(app: Hono, runbook: Runbook, readBody: ReadBody): void {
  const { api } = runbook;

  app.post('/api/v1/recovery/ack', async (c) => {
    const { bearer, person } = await operatorOf(c, runbook);
    const { incident_id, operator, ...proof } = parsed(ackSchema, await readBody(c), 'acknowledgement');
    await sameOperator(runbook, operator, person, bearer === runbook.loopback);
    const said = saidBy(person, bearer.name, 'acknowledge', incident_id, proof);
    const { view } = await api.get(incident_id);
    notResolved(view);
    if (view.containment_binding === null) throw incomplete(view, ['containment_not_settled']);
    if ('bearer' in said && view.requirements.signed) throw incomplete(view, ['signed_acknowledgement']);
    if (!hasAcknowledged(view, person, 'envelope' in said)) {
      await api.say(incident_id, 'acknowledge', said);
      await until(runbook, incident_id, ({ view: now }) => {
        refusedStatement(now, said);
        return hasAcknowledged(now, person, 'envelope' in said) || undefined;
      });
    }
    await untilRecorded(runbook, incident_id, (now) => hasAcknowledged(now, person, 'envelope' in said));
    return c.json({ status: 'acknowledged' });
  });

  app.post('/api/v1/recovery/reattest', async (c) => {
    await operatorOf(c, runbook);
    const { incident_id } = parsed(reattestSchema, await readBody(c), 're-attestation');
    const { view } = await api.get(incident_id);
    notResolved(view);
    if (view.containment_binding === null) throw incomplete(view, ['containment_not_settled']);
    const stands = standingAttestation(view);
    if (stands !== 'passed') {
      const before = stands === 'under_way' ? view.attestation.attempt - 1 : view.attestation.attempt;
      if (stands !== 'under_way') await api.reattest(incident_id);
      await until(runbook, incident_id, ({ view: now }) => attested(now, before));
    }
    await untilRecorded(runbook, incident_id, (now) => standingAttestation(now) === 'passed');
    return c.json({ status: 're-attestation recorded' });
  });

  app.post('/api/v1/incidents/resolve', async (c) => {
    const { bearer, person } = await operatorOf(c, runbook);
    const { id, ...proof } = parsed(resolveSchema, await readBody(c), 'resolve');
    const said = saidBy(person, bearer.name, 'resolve', id, proof);
    const first = await api.get(id);
    if (first.view.state !== 'resolved') {
      if (first.view.containment_binding === null) throw incomplete(first.view, ['containment_not_settled']);
      const before = first.view.resolve?.at;
      await api.say(id, 'resolve', said);
      await until(runbook, id, ({ view }) => {
        if (view.state === 'resolved') return true;
        refusedStatement(view, said);
        if (view.resolve !== null && view.resolve.at !== before && view.resolve.missing.length > 0)
          throw incomplete(view, view.resolve.missing);
        return undefined;
      });
    }
    await untilRecorded(runbook, id, ({ state }) => state === 'resolved');
    const record = await api.get(id);
    return c.body(`${secaiIncidentJson(secaiIncidentOf(record)).text}\n`, 200, { 'content-type': 'application/json' });
  });
}

/** Free text is no identity: who acknowledges is the token's person, and `operator` may not name somebody else. */
async function sameOperator({ roster }: Runbook, operator: string, person: Person, loopback: boolean): Promise<void> {
  const named = findPerson(await roster(), operator);
  // Without a token nobody can be told from anybody: then the text is a remark.
  if (named?.id === person.id || (named === undefined && loopback)) return;
  const whose = named === undefined ? 'nobody on the roster' : 'somebody else than the token belongs to';
  throw new ResealError(named === undefined ? 'malformed' : 'token_scope', `operator: this is ${whose}`, {
    field: 'operator',
    hint: 'an acknowledgement is bound to the person of the token',
  });
}

function saidBy(
  person: Person,
  token_name: string,
  act: 'acknowledge' | 'resolve',
  id: string,
  { statement, signature }: { statement?: string | undefined; signature?: string | undefined },
): IncidentSaid {
  if (statement === undefined && signature === undefined) return { bearer: { operator: person.id, token_name } };
  if (statement === undefined || signature === undefined)
    throw new ResealError('malformed', 'a statement and its signature come together', {
      field: statement === undefined ? 'statement' : 'signature',
    });
  const json = parseStrictJson(statement);
  const read = incidentStatementSchema.safeParse(json.ok ? json.value : undefined);
  const fits = read.success && read.data.act === act && read.data.incident_id === id;
  if (!fits) throw new ResealError('malformed', `this is no statement to ${act} ${id}`, { field: 'statement' });
  if (read.data.person !== person.id)
    throw new ResealError('token_scope', 'the statement is by somebody else than the token belongs to', {
      field: 'statement',
    });
  return { envelope: { payload: statement, signature } };
}

function notResolved({ id, state }: IncidentView): void {
  if (state === 'resolved')
    throw new ResealError('ceremony_ended', `${id} is resolved: nothing more can be said of it`);
}

function incomplete({ id }: IncidentView, missing: readonly GateMissing[]): ResealError {
  const [first] = missing;
  return new ResealError('recovery_incomplete', `${id}: ${first === undefined ? 'not now' : GATE_MISSING[first]}`, {
    missing,
    hint: 'see /api/v1/recovery/status',
  });
}

const hasAcknowledged = ({ acknowledgements }: IncidentView, { id }: Person, signedOnly: boolean): boolean =>
  acknowledgements.some(({ person, method }) => person === id && (!signedOnly || method !== 'bearer'));

/** @throws {ResealError} `denied` when the roles refused what was signed. */
function refusedStatement({ verdicts }: IncidentView, said: IncidentSaid): void {
  if (!('envelope' in said)) return;
  const digest = statementDigest(said.envelope);
  const verdict = verdicts.findLast((one) => one.digest === digest);
  if (verdict?.ok !== false) return;
  const { reason } = verdict;
  throw new ResealError('refused', reason === null ? 'refused' : INCIDENT_STATEMENT_REFUSALS[reason], {
    field: 'statement',
    ...(reason === null ? {} : { missing: [reason] }),
  });
}

type Standing = 'passed' | 'under_way' | 'wanted';

function standingAttestation({ attestation, missing }: IncidentView): Standing {
  const lacks = missing.some((code) => code.startsWith('attestation'));
  if (attestation.state === 'passed' && !lacks) return 'passed';
  return attestation.state === 'running' || attestation.state === 'waiting_for_host' ? 'under_way' : 'wanted';
}

/** Whether an attempt after the one of this number has passed. @throws {ResealError} `attestation_refused`. */
function attested(view: IncidentView, before: number): true | undefined {
  const { attempt, state, failed_check, expected } = view.attestation;
  if (attempt <= before) return undefined;
  if (state === 'refused')
    throw new ResealError('attestation_refused', `${failed_check ?? 'refused'}: ${expected ?? 'not as expected'}`, {
      missing: ['attestation_refused'],
      hint: 'mend what it names, and ask again: the same evidence is never judged twice',
    });
  return standingAttestation(view) === 'passed' || undefined;
}
