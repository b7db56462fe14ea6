import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContainmentJournal } from '../../activities/containment/containment-journal.js';
import { attestedBefore } from '../../activities/authority/incidents/attested-before.js';
import { openPostgres } from '../../activities/register/database-postgres.js';
import { sqlState, type Database } from '../../activities/register/database.js';
import { available } from '../../deploy/local/postgres/start-postgres.js';
import type { Role } from '../../domain/roles.js';
import { ALL_MIGRATIONS } from '../../workers/all-migrations.js';
import { openRoleDatabases } from '../../workers/role-databases.js';
import type { WorkerSettings } from '../../workers/settings.js';
import { documentedSql, runSql, urlAs } from '../support/role-files.js';
import { TemporaryPostgres } from '../support/temporary-postgres.js';

const skip = await available();
const REFUSED = '42501';
const PLACE = { host: 'node-1', action: 'freeze_agent' };

/** The users as docs/deploy.md makes them where hosts are contained. */
describe.skipIf(skip !== null)(`the database users of a recovery${skip === null ? '' : ` (skipped: ${skip})`}`, () => {
  let server: TemporaryPostgres;
  const opened: { close(): Promise<void> }[] = [];
  beforeAll(async () => {
    server = await TemporaryPostgres.start();
    for (const of of ['users and database', 'user for attestation', 'user for containment'])
      await runSql(server.url, await documentedSql(`-- ${of}`));
    const owner = await openPostgres(urlAs(server.url, 'reseal_owner', 'reseal'), { max: 1 });
    await owner.migrate(ALL_MIGRATIONS);
    await owner.close();
    for (const of of ['\n', ' for attestation', ' for containment'])
      await runSql(urlAs(server.url, 'reseal_owner', 'reseal'), await documentedSql(`-- grants${of}`));
  });
  afterAll(async () => {
    for (const one of opened) await one.close();
    await server?.remove();
  });

  async function openAs(role: Role, user: string): Promise<Database> {
    const section = { database_url: urlAs(server.url, user, 'reseal'), hosts_path: 'hosts.yaml' };
    const databases = await openRoleDatabases({ roles: [role], [role]: section } as unknown as WorkerSettings);
    opened.push(databases);
    const database = databases.databases.get(role);
    if (database === undefined) throw new Error('no database');
    return database;
  }
  const codeOf = (sql: Database, statement: string): Promise<unknown> =>
    sql.query(statement).then(() => 'done', sqlState);

  it('containment remembers what it has to undo, and changes it as it goes', async () => {
    const journal = new ContainmentJournal(await openAs('effect:containment', 'reseal_containment'), () =>
      new Date().toISOString(),
    );
    const target = { before: null, applied: true, shown: null, releasing: false, settled: null };
    await journal.take(PLACE, 'INC-20260314-120000-0001');
    await journal.take(PLACE, 'INC-20260314-120000-0002');
    await journal.write(PLACE, 'agent', target);
    await journal.write(PLACE, 'agent', { ...target, releasing: true });
    expect(await journal.read(PLACE, 'agent')).toEqual({ ...target, releasing: true });
    expect(await journal.letGo(PLACE, 'INC-20260314-120000-0001')).toEqual(['INC-20260314-120000-0002']);
  });

  it('containment forgets nothing, and reads nothing of any other role', async () => {
    const sql = await openAs('effect:containment', 'reseal_containment');
    for (const statement of [
      'DELETE FROM containment.holds',
      'TRUNCATE containment.targets',
      'DROP TABLE containment.targets',
      'SELECT 1 FROM register.incidents',
      'SELECT 1 FROM authority.intents',
      'SELECT 1 FROM authority.end_marks',
      'SELECT 1 FROM verifier.results',
    ])
      expect([statement, await codeOf(sql, statement)]).toEqual([statement, REFUSED]);
  });

  it('the authority looks up what attestations came to, and nothing else that the verifier or containment remember', async () => {
    const sql = await openAs('authority', 'reseal_authority');
    const looked = await attestedBefore(() => undefined)(sql, 'INC-20260314-120000-0001', '0'.repeat(64));
    expect(looked).toEqual({ latest: null, voidBeforeMs: 0 });
    for (const statement of [
      `UPDATE verifier.results SET envelope = ''`,
      'SELECT 1 FROM verifier.nonces',
      'SELECT 1 FROM containment.holds',
    ])
      expect([statement, await codeOf(sql, statement)]).toEqual([statement, REFUSED]);
  });

  it.each(['reseal_owner', 'reseal_register', 'reseal_authority', 'reseal_verifier'])(
    'containment is not played as %s',
    async (user) => {
      await expect(openAs('effect:containment', user)).rejects.toThrow(/database user of role|SQLSTATE 42501/);
    },
  );
});
