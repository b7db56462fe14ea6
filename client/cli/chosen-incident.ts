import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { incidentIdSchema } from '../../domain/incidents/incident-id.js';
import type { IncidentClient } from '../api/incident-api.js';
import { ResealError } from '../api/reseal-error.js';
import { askFor } from './prompt.js';
import type { Session } from './session.js';
import { relative } from './times.js';

/** An incident id as people paste it: with spaces, in small letters, or as a workflow id. @throws {ResealError} `usage`. */
export function checkedIncidentId(text: string): string {
  const id = incidentIdSchema.safeParse(
    text
      .trim()
      .replace(/^incident\//, '')
      .toUpperCase(),
  );
  if (id.success) return id.data;
  throw new ResealError('usage', `"${text}" is not an incident id such as INC-20260314-120000-0001`, {
    hint: 'see `reseal incident list`',
  });
}

/** The incident that was named, or on a terminal the one that is picked among the open ones. @throws {ResealError}. */
export async function chosenIncident(
  session: Session,
  named: string | undefined,
  incidents: IncidentClient,
): Promise<string> {
  if (named !== undefined) return checkedIncidentId(named);
  if (!session.asks)
    throw new ResealError('usage', 'INCIDENT is missing: such as INC-20260314-120000-0001', {
      hint: 'see `reseal incident list --open`',
    });
  const found = await incidents.list({ open: true, limit: 20 });
  if (found.length === 0)
    throw new ResealError('not_found', 'no incident is open', { hint: 'see `reseal incident list`' });
  const choices = found.map(({ view }) => ({
    value: view.id,
    about: `${view.state}, ${view.class} on ${view.host}, ${relative(view.created_at, session.now())}`,
  }));
  return askFor(session, { flag: 'INCIDENT', question: 'which incident', choices });
}

/** Incidents, with the token of `--token-file` or `RESEAL_TOKEN_FILE` where there is one. @throws {ResealError} `usage`. */
export async function incidentsOf(session: Session, options: { tokenFile?: string } = {}): Promise<IncidentClient> {
  const named = options.tokenFile ?? session.io.env['RESEAL_TOKEN_FILE'];
  const api = await session.api();
  if (named === undefined || named === '') return api.incidents();
  const text = await readFile(resolve(session.io.cwd, named), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ResealError('usage', `--token-file: ${named} cannot be read: ${error.code ?? 'unknown error'}`, {
      cause: error,
    });
  });
  const token = text.trim();
  // What the file holds appears in no message.
  if (!/^[\x21-\x7e]{32,512}$/.test(token))
    throw new ResealError('usage', `--token-file: ${named} does not hold a token of 32 to 512 characters on one line`);
  return api.incidents({ token });
}
