import type { Refusal } from '../../domain/refusal.js';
import type { Sql } from '../register/database.js';
import type { SeriesVersion } from '../in-force.js';

/**
 * Notes the versions that something is asked under, and says why one of them carries nothing: a higher version of its
 * series was seen before, or another document of the same version. Kept in the journal, so it holds across restarts and
 * whatever a registry leaves out. `at` is RFC 3339 UTC.
 */
export async function seriesRefusal(
  tx: Sql,
  versions: readonly SeriesVersion[],
  at: string,
): Promise<Refusal | undefined> {
  for (const { kind, series, version, digest } of versions) {
    // Two at once may both find nothing higher: then both versions are noted, and the look below finds the higher one.
    await tx.query(
      `INSERT INTO authority.series_seen (kind, series, version, digest, seen_at)
       SELECT $1, $2, $3::integer, $4, $5::timestamptz
       WHERE NOT EXISTS (SELECT 1 FROM authority.series_seen WHERE kind = $1 AND series = $2 AND version >= $3::integer)
       ON CONFLICT DO NOTHING`,
      [kind, series, version, digest, at],
    );
    const [highest] = await tx.query<{ version: number; digest: string }>(
      `SELECT version, digest FROM authority.series_seen WHERE kind = $1 AND series = $2 ORDER BY version DESC LIMIT 1`,
      [kind, series],
    );
    if (highest === undefined || (highest.version === version && highest.digest === digest)) continue;
    if (kind === 'revocations') {
      if (highest.version <= version) continue;
      const message = `list ${version} of revocations is older than list ${highest.version}, seen before`;
      return { code: 'revocations_stale', message };
    }
    const where = `${kind} ${series} version ${version}`;
    if (highest.version > version) {
      const message = `${where} is superseded: the authority has seen version ${highest.version}`;
      return { code: `${kind}_superseded`, message };
    }
    return { code: `${kind}_changed`, message: `${where} was ${highest.digest} before: a version has one document` };
  }
  return undefined;
}
