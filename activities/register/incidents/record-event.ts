import { ApplicationFailure } from '@temporalio/common';
import { escalatesAt } from '../../../domain/incidents/escalation.js';
import { incidentIdOf, secondOf } from '../../../domain/incidents/incident-id.js';
import { incidentReportSchema, type IncidentReport } from '../../../domain/incidents/incident.js';
import { escalated, playOf } from '../../../domain/incidents/playbook.js';
import { worse, type ContainmentAction, type Severity } from '../../../domain/incidents/classes.js';
import type { IncidentRegisterTasks, RecordedEvent } from '../../../domain/incidents/tasks.js';
import { instant } from '../../../domain/identifiers.js';
import { digestOf } from '../../../proofs/canonical-json.js';
import { signIncidentReceipt } from '../../../proofs/incidents/incident-receipt.js';
import { genesisLedgerHash, ledgerEntry } from '../../../proofs/ledger.js';
import type { Sql } from '../database.js';
import { openedUnder, type IncidentHoldings } from './incident-holdings.js';

/** So many incidents may one reporter open within a minute; what joins an open one is not counted. */
export const MAX_OPENED_A_MINUTE = 30;

/**
 * Records one event: it joins the open incident that is identical, or opens one; and where it is one too many of its class
 * on its host, makes that incident worse. One transaction, idempotent by report id; events of one class on one host take
 * turns, so that each is counted by the next.
 *
 * Throws the non-retryable failure `invalid_input` for what is no report.
 */
export function recordingIncidents(holdings: IncidentHoldings): IncidentRegisterTasks['recordIncidentEvent'] {
  return async (given) => {
    const parsed = incidentReportSchema.safeParse(given);
    if (!parsed.success) throw ApplicationFailure.nonRetryable('expected a report of an incident', 'invalid_input');
    return holdings.database.transaction((tx) => record(tx, holdings, parsed.data));
  };
}

interface OpenRow extends Record<string, unknown> {
  incident_id: string;
  severity: Severity;
  actions: ContainmentAction[];
  generation: number;
  playbook_digest: string | null;
}

async function record(tx: Sql, holdings: IncidentHoldings, report: IncidentReport): Promise<RecordedEvent> {
  const { report_id, class: incidentClass, host, reporter, source } = report;
  await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [
    `register/incident/${incidentClass}/${host}`,
  ]);
  const [told] = await tx.query<{ answer: string }>(
    'SELECT answer FROM register.incident_events WHERE report_id = $1',
    [report_id],
  );
  if (told !== undefined) return JSON.parse(told.answer) as RecordedEvent;
  const nowMs = holdings.clock.now();
  const fingerprint = fingerprintOf(report);
  const [open] = await tx.query<OpenRow>(
    'SELECT incident_id, severity, actions, generation, playbook_digest FROM register.incidents WHERE fingerprint = $1 AND open FOR UPDATE',
    [fingerprint],
  );
  if (open === undefined && (await openedBy(tx, reporter, nowMs)) >= MAX_OPENED_A_MINUTE) {
    const message = `${reporter} opened ${MAX_OPENED_A_MINUTE} incidents within a minute: report again later`;
    return { outcome: 'refused', code: 'reporter_rate', message };
  }
  const playbook = openedUnder(holdings, open?.playbook_digest ?? null) ?? holdings.playbook;
  const play = playOf(playbook, incidentClass);
  const before = open ?? { severity: play.severity, actions: play.actions };
  const isOneTooMany = escalatesAt(playbook, incidentClass, await timesOf(tx, report, nowMs), nowMs);
  const reported = { severity: worse(before.severity, report.severity ?? before.severity), actions: before.actions };
  const after = isOneTooMany ? escalated(play, reported) : { ...reported, actions: [...reported.actions] };
  const incident_id = open?.incident_id ?? (await allocate(tx, nowMs));
  const changed =
    open !== undefined && (after.severity !== open.severity || after.actions.length !== open.actions.length);
  const generation = (open?.generation ?? 1) + (changed ? 1 : 0);
  if (open === undefined) await insert(tx, holdings, report, { incident_id, fingerprint, ...after, nowMs });
  else await join(tx, incident_id, { ...after, generation });
  const answer: RecordedEvent = {
    outcome: 'recorded',
    incident_id,
    opened: open === undefined,
    joined: open !== undefined,
    escalated: changed,
    severity: after.severity,
    containment_actions: after.actions,
    generation,
  };
  await tx.query(
    `INSERT INTO register.incident_events (report_id, at, class, host, source, reporter, incident_id, opened, answer)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      report_id,
      instant(nowMs),
      incidentClass,
      host,
      source,
      reporter,
      incident_id,
      answer.opened,
      JSON.stringify(answer),
    ],
  );
  return answer;
}

/** What makes two events the same: everything that was said but who carried it, and how bad they thought it. */
const fingerprintOf = ({ class: incidentClass, source, host, description, evidence }: IncidentReport): string =>
  digestOf({ class: incidentClass, source, host, description, evidence });

async function openedBy(tx: Sql, reporter: string, nowMs: number): Promise<number> {
  const [row] = await tx.query<{ count: number }>(
    'SELECT count(*) AS count FROM register.incident_events WHERE reporter = $1 AND opened AND at > $2',
    [reporter, instant(nowMs - 60_000)],
  );
  return Number(row?.count ?? 0);
}

/** When this class happened on this host within its window, this event among them. */
async function timesOf(tx: Sql, { class: incidentClass, host }: IncidentReport, nowMs: number): Promise<number[]> {
  const rows = await tx.query<{ at: string }>(
    `SELECT at FROM register.incident_events WHERE class = $1 AND host = $2 AND at > $3 ORDER BY at DESC LIMIT 1000`,
    [incidentClass, host, instant(nowMs - 86_400_000)],
  );
  return [...rows.map(({ at }) => Date.parse(at)), nowMs];
}

/** The next number within this second; whoever comes at the same time waits for this transaction. */
async function allocate(tx: Sql, nowMs: number): Promise<string> {
  const [row] = await tx.query<{ last: number }>(
    `INSERT INTO register.incident_numbers (second, last) VALUES ($1, 1)
     ON CONFLICT (second) DO UPDATE SET last = incident_numbers.last + 1 RETURNING last`,
    [secondOf(nowMs)],
  );
  return incidentIdOf(nowMs, row?.last ?? 1);
}

async function insert(
  tx: Sql,
  { key, playbookDigest }: IncidentHoldings,
  report: IncidentReport,
  row: {
    incident_id: string;
    fingerprint: string;
    severity: Severity;
    actions: ContainmentAction[];
    nowMs: number;
  },
): Promise<void> {
  const { incident_id, fingerprint, severity, actions, nowMs } = row;
  const { class: incidentClass, host, source, description, evidence, reporter } = report;
  const at = instant(nowMs);
  const data = {
    class: incidentClass,
    severity,
    host,
    source,
    description,
    evidence,
    reporter,
    containment_actions: actions,
    ...(playbookDigest === undefined ? {} : { playbook_digest: playbookDigest }),
  };
  const { envelope } = signIncidentReceipt(
    { schema: 'reseal.incident_entry.v1', incident_id, transition: 'incident', type: 'incident', at, data },
    key,
  );
  const entry = ledgerEntry({ seq: 1, prev_ledger_hash: genesisLedgerHash(incident_id), body: envelope });
  await tx.query(
    `INSERT INTO register.incidents (incident_id, fingerprint, class, severity, state, host, source, description, evidence,
       reporter, actions, created_at, ledger_head, ledger_count, playbook_digest)
     VALUES ($1, $2, $3, $4, 'open', $5, $6, $7, $8, $9, $10, $11, $12, 1, $13)`,
    [
      incident_id,
      fingerprint,
      incidentClass,
      severity,
      host,
      source,
      description,
      JSON.stringify(evidence),
      reporter,
      actions,
      at,
      entry.ledger_hash,
      playbookDigest ?? null,
    ],
  );
  await tx.query(
    `INSERT INTO register.incident_entries (incident_id, seq, transition, type, prev_ledger_hash, ledger_hash, body)
     VALUES ($1, 1, 'incident', 'incident', $2, $3, $4)`,
    [incident_id, entry.prev_ledger_hash, entry.ledger_hash, JSON.stringify(entry.body)],
  );
}

async function join(
  tx: Sql,
  incident_id: string,
  { severity, actions, generation }: { severity: Severity; actions: ContainmentAction[]; generation: number },
): Promise<void> {
  await tx.query(
    `UPDATE register.incidents SET events = events + 1, severity = $2, actions = $3, generation = $4
     WHERE incident_id = $1`,
    [incident_id, severity, actions, generation],
  );
}
