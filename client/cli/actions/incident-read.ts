import {
  MAX_INCIDENTS,
  incidentFilterSchema,
  type IncidentFilter,
  type IncidentRecord,
} from '../../api/incident-api.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { parseFlagDuration } from '../await-ceremony.js';
import { chosenIncident, incidentsOf } from '../chosen-incident.js';
import { missingText, nextFor } from '../incident-answers.js';
import { incidentLine, incidentTable, incidentText } from '../incident-text.js';
import { awaitIncident } from '../incident-wait.js';
import { aboutIncident, byUrgency } from '../open-incidents.js';
import { block, jsonText, structured, yamlText } from '../render.js';
import type { Session } from '../session.js';
import { relative } from '../times.js';
import { watch } from '../watching.js';

export interface IncidentListOptions {
  state?: string;
  class?: string;
  severity?: string;
  open?: boolean;
  limit?: string;
  watch?: boolean;
}

/** `reseal incident list`. */
export async function listIncidents(session: Session, options: IncidentListOptions): Promise<number> {
  const filter = filterOf(options);
  const incidents = await incidentsOf(session);
  if (options.watch === true) {
    const changed = (now: IncidentRecord[], before: IncidentRecord[] = []): IncidentRecord[] => {
      const known = new Set(before.map((record) => JSON.stringify(record)));
      return now.filter((record) => !known.has(JSON.stringify(record)));
    };
    return watch(session, {
      load: () => incidents.list(filter),
      frame: (records) => (records.length > 0 ? incidentTable(session, records) : 'no incidents'),
      changes: (now, before) => changed(now, before).map(({ view }) => `${view.id}  ${incidentLine(session, view)}`),
      parts: changed,
    });
  }
  const records = await incidents.list(filter);
  const text = await structured(session.output, records);
  if (text !== undefined) session.data(text);
  else if (records.length > 0) session.data(incidentTable(session, records));
  else session.say(Object.keys(filter).length > 1 ? 'no incident matches' : 'no incidents yet');
  if (records.length === filter.limit) session.say(`the newest ${filter.limit}; --limit shows more`);
  return EXIT.done;
}

const DEFAULT_LIMIT = 50;

/** @throws {ResealError} `usage`, naming the flag. */
function filterOf({ open, watch: _watch, ...given }: IncidentListOptions): IncidentFilter & { limit: number } {
  const { state, class: kind, severity, limit } = given;
  const query = { state, class: kind, severity, limit, ...(open === true ? { open: 'true' } : {}) };
  const read = incidentFilterSchema.safeParse(query);
  if (read.success) return { ...read.data, limit: read.data.limit ?? DEFAULT_LIMIT };
  const [issue] = read.error.issues;
  const flag = String(issue?.path[0] ?? '');
  const hint =
    issue?.code === 'invalid_value'
      ? `it is one of ${issue.values.map(String).join(', ')}`
      : `it is a whole number from 1 to ${MAX_INCIDENTS}`;
  throw new ResealError('usage', `--${flag}: "${String(query[flag as keyof typeof query])}" is none`, { hint });
}

/** `reseal incident get INCIDENT`. */
export async function getIncident(session: Session, named: string | undefined): Promise<number> {
  const incidents = await incidentsOf(session);
  const record = await incidents.get(await chosenIncident(session, named, incidents));
  session.data((await structured(session.output, record)) ?? incidentText(session, record));
  const next = nextFor(record.view);
  if (next !== undefined) session.next(next);
  return EXIT.done;
}

/** `reseal incident status`: what is open, the worst first, and what each waits for. */
export async function incidentStatus(session: Session): Promise<number> {
  const found = await (await incidentsOf(session)).list({ open: true });
  const open = found.toSorted((one, other) => byUrgency(one.view, other.view));
  const told = open.map(({ view }) => ({ ...view, next: nextFor(view) ?? null }));
  const text = await structured(session.output, told);
  if (text !== undefined) session.data(text);
  else if (open.length === 0) session.data('nothing is open: every incident is resolved');
  else {
    const lines = open.map(({ view }) => {
      const missing = view.missing.map((code) => `  ${missingText(code, view)}`);
      const ready = missing.length === 0 ? ['  nothing is missing: it can be resolved'] : missing;
      return [
        `${session.style('bold', view.id)}  ${aboutIncident(view)}, opened ${relative(view.created_at, session.now())}`,
        ...ready,
      ].join('\n');
    });
    session.data(lines.join('\n'));
  }
  const [next] = told.map((one) => one.next).filter((one) => one !== null);
  if (next !== undefined) session.next(next);
  return EXIT.done;
}

/** `reseal incident stats`. */
export async function incidentStats(session: Session): Promise<number> {
  const stats = await (await incidentsOf(session)).stats();
  const counted = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  const table = block([
    ['incidents', String(stats.total_incidents)],
    ['open', String(stats.open_incidents)],
    ['contained', String(stats.contained_count)],
    ['resolved', String(stats.resolved_count)],
    ['by class', counted(stats.by_class)],
    ['open by severity', counted(stats.open_by_severity)],
  ]);
  session.data((await structured(session.output, stats)) ?? table);
  return EXIT.done;
}

const FOREVER_MS = 365 * 24 * 3600 * 1000;

/** `reseal incident watch INCIDENT`: one line a change until it is resolved; with `-o json` one JSON text a line. */
export async function watchIncident(
  session: Session,
  named: string | undefined,
  options: { timeout?: string },
): Promise<number> {
  const incidents = await incidentsOf(session);
  const id = await chosenIncident(session, named, incidents);
  const timeoutMs = options.timeout === undefined ? FOREVER_MS : parseFlagDuration('--timeout', options.timeout);
  const yaml = session.output === 'yaml' ? await import('yaml') : undefined;
  let last = '';
  const done = (record: IncidentRecord): true | undefined => {
    const { view } = record;
    const key = JSON.stringify(view);
    if (key !== last) {
      last = key;
      if (session.output === 'table') session.data(incidentLine(session, view));
      else session.data(yaml === undefined ? jsonText(record) : `---\n${yamlText(yaml, record)}`);
    }
    return view.state === 'resolved' || undefined;
  };
  const resolved = await awaitIncident(session, incidents, id, { text: `watching ${id}`, timeoutMs, done });
  if (resolved === true) return EXIT.done;
  session.warn(`${id} is not resolved yet`);
  session.next(`reseal incident status`);
  return EXIT.unreachable;
}
