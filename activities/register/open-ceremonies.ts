import type { CeremonyView } from '../../domain/view.js';
import type { Sql } from './database.js';

/** Whose open ceremonies are looked for: those that would give one of these accounts (object ids) this profile. */
export interface OpenFor {
  profile: string;
  principal_ids: readonly string[];
}

/** One open event a principal, role and scope: more than this nobody has under one profile. */
const MAX_OPEN = 64;

/**
 * The open events of these principals under this profile, as the register last heard of them: whether one still stands is
 * for its workflow to say. Everything an open event may lack here is newer than the row; a closed one never opens again.
 */
export async function openCeremonies(sql: Sql, { profile, principal_ids }: OpenFor): Promise<CeremonyView[]> {
  const rows = await sql.query<{ view: string }>(
    `SELECT view FROM register.events WHERE open AND profile = $1 AND principal_id = ANY($2::text[])
     ORDER BY event_id LIMIT ${MAX_OPEN}`,
    [profile, principal_ids],
  );
  return rows.map(({ view }) => JSON.parse(view) as CeremonyView);
}
