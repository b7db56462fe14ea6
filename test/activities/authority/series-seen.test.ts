import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { seriesRefusal } from '../../../activities/authority/series-seen.js';
import type { SeriesVersion } from '../../../activities/in-force.js';
import { instant } from '../../../domain/identifiers.js';
import { bothDatabases, type TestDatabase } from '../register/both-databases.js';

const AT = instant(Date.parse('2026-11-21T12:00:00Z'));
const digest = (letter: string): string => letter.repeat(64);
const version = (series: string, number: number, letter = 'a', kind: SeriesVersion['kind'] = 'contract') => ({
  kind,
  series,
  version: number,
  digest: digest(letter),
});

describe.each(bothDatabases)('the versions that an authority has seen, over %s', (_, skip, open) => {
  describe.skipIf(skip !== null)(`contract${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
    let db: TestDatabase;
    beforeAll(async () => {
      db = await open();
    }, 60_000);
    afterAll(() => db.close());
    const codeOf = async (...versions: SeriesVersion[]): Promise<string | undefined> =>
      (await db.database.transaction((tx) => seriesRefusal(tx, versions, AT)))?.code;

    it('lets the same and a higher version pass, and refuses a lower one by name', async () => {
      expect(await codeOf(version('one', 3))).toBeUndefined();
      expect(await codeOf(version('one', 3))).toBeUndefined();
      expect(await codeOf(version('one', 5, 'b'))).toBeUndefined();
      expect(await codeOf(version('one', 3))).toBe('contract_superseded');
      expect(await codeOf(version('one', 4, 'c'))).toBe('contract_superseded');
      expect(await codeOf(version('one', 3, 'a', 'roster'))).toBeUndefined();
    });

    it('refuses another document of the version it has seen', async () => {
      expect(await codeOf(version('two', 1, 'a', 'roster'))).toBeUndefined();
      expect(await codeOf(version('two', 1, 'b', 'roster'))).toBe('roster_changed');
    });

    it('refuses under a list of revocations that is older than one it has seen', async () => {
      expect(await codeOf(version('revocations', 9, 'a', 'revocations'))).toBeUndefined();
      expect(await codeOf(version('revocations', 8, 'b', 'revocations'))).toBe('revocations_stale');
    });

    it('is part of the journal: nobody takes back what was seen', async () => {
      await codeOf(version('three', 1));
      await expect(db.database.query('DELETE FROM authority.series_seen')).rejects.toThrow(/append-only/);
      await expect(db.database.query('UPDATE authority.series_seen SET version = 1')).rejects.toThrow(/append-only/);
    });
  });
});
