import pg from 'pg';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { available } from '../../deploy/local/postgres/start-postgres.js';
import { workerFile } from '../../deploy/local/stack/worker-settings.js';
import { ROLES, type Role } from '../../domain/roles.js';
import { CeremonyStack } from '../support/ceremony-stack.js';
import { aftermath } from '../support/good-end.js';
import { prefixOf } from '../../workers/settings-environment.js';
import { RoleProcess } from '../support/role-process.js';
import { SeparateDatabase } from '../support/separate-database.js';

const missing = await available();
const EFFECT = 'effect:entra.directory_role';
/** Roles with a database, and whose user each is. */
const USERS = {
  register: 'register',
  authority: 'authority',
  'effect:entra.conditional_access': 'access',
  'effect:entra.role_assignment': 'assignments',
} as const;
const isKept = (role: Role): role is keyof typeof USERS => role in USERS;

describe.skipIf(missing !== null)(`roles in processes of their own${missing === null ? '' : ` (${missing})`}`, () => {
  let database: SeparateDatabase;
  let stack: CeremonyStack;
  const processes = new Map<Role, RoleProcess>();

  const settingsOf = (role: Role) => ({
    roles: [role],
    config: workerFile(stack.stack.layout, role),
    env: isKept(role) ? urlOf(role, database.urls[USERS[role]]) : {},
  });
  const start = async (role: Role): Promise<void> => {
    processes.set(role, await RoleProcess.start(settingsOf(role)));
  };

  beforeAll(async () => {
    database = await SeparateDatabase.start();
    stack = await CeremonyStack.start({ roles: [], databaseUrl: database.urls.owner });
    await Promise.all(ROLES.map(start));
  });
  afterAll(async () => {
    await Promise.all([...processes.values()].map((process) => process.end('SIGKILL')));
    await stack?.stop();
    await database?.remove();
  });

  it('carry a ceremony to its end, though the one that removes is killed amid it, and prove it', async ({ expect }) => {
    const asked = await stack.activate();
    await stack.advance(asked.event, '6m');
    await processes.get(EFFECT)?.end('SIGKILL');
    expect(await stack.say(asked, 'bob', 'kill')).toMatchObject({ status: 'accepted', mark: 'standing' });
    await stack.untilState(asked.event, 'resealing');
    expect((await stack.graph.truth(asked.tenant)).assignments).toHaveLength(1);
    await start(EFFECT);
    expect(await stack.advanceToEnd(asked.event)).toMatchObject({ state: 'revoked', cause: 'kill' });
    expect(await aftermath(stack, asked)).toMatchObject({
      standing: [],
      grants: 1,
      bundle: { ok: true, errors: [] },
      facts: { end: 'revoked' },
    });
  });

  it.for([
    ['register', "INSERT INTO authority.end_marks VALUES ('0123456789abcdef', 'kill', NULL, now(), '{}')"],
    ['register', 'SELECT * FROM authority.end_marks'],
    ['register', 'DELETE FROM authority.intents'],
    ['register', "UPDATE register.entries SET body = '{}'"],
    ['register', 'DELETE FROM register.entries'],
    ['register', 'TRUNCATE register.entries'],
    ['register', 'ALTER TABLE register.entries DISABLE TRIGGER ALL'],
    ['authority', 'SELECT * FROM register.events'],
    ['authority', 'UPDATE register.events SET open = false'],
    ['authority', 'DELETE FROM authority.intents'],
    ['authority', "UPDATE authority.intents SET deadline = now() + interval '1 year'"],
    ['authority', 'DROP TRIGGER append_only_rows ON authority.intents'],
    ['access', "INSERT INTO authority.end_marks VALUES ('0123456789abcdef', 'kill', NULL, now(), '{}')"],
    ['access', 'SELECT * FROM authority.intents'],
    ['access', 'SELECT * FROM register.events'],
    ['assignments', 'SELECT * FROM authority.intents'],
    ['assignments', 'SELECT * FROM register.events'],
  ] as const)("the %s's database user is refused: %s", async ([role, sql], { expect }) => {
    const client = new pg.Client({ connectionString: database.urls[role] });
    await client.connect();
    // insufficient_privilege (PostgreSQL manual, appendix A); the triggers that keep tables append-only say the same.
    const refused = await client.query(sql).then(
      () => 'done',
      ({ code }: { code?: string }) => code,
    );
    await client.end();
    expect(refused).toBe('42501');
  });

  it.for([
    ['authority', "the register's user", () => database.urls.register],
    ['register', "the authority's user", () => database.urls.authority],
    ['register', 'the owner of the tables', () => database.urls.owner],
    ['authority', 'the owner of the tables', () => database.urls.owner],
    ['effect:entra.conditional_access', "the authority's user", () => database.urls.authority],
    ['effect:entra.conditional_access', "the register's user", () => database.urls.register],
  ] as const)('the %s refuses to start as %s', async ([role, , url], { expect }) => {
    const process = RoleProcess.spawn({ ...settingsOf(role), env: urlOf(role, url()) });
    const status = await process.ended();
    expect({ status, ...(JSON.parse(process.stderr) as object) }).toMatchObject({ status: 2, code: 'database_rights' });
  });

  it('a role refuses to start over a database that nobody has migrated', async ({ expect }) => {
    const env = urlOf('authority', await database.another('empty'));
    const process = RoleProcess.spawn({ ...settingsOf('authority'), env });
    expect(await process.ended()).toBe(2);
    expect(JSON.parse(process.stderr)).toMatchObject({ code: 'database_not_migrated' });
  });

  it('stop in order when asked to, with one JSON line each', async ({ expect }) => {
    for (const [role, process] of processes) {
      expect(await process.end('SIGTERM')).toBe(0);
      const lines = process.stderr
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { message: string; roles?: object });
      // A verifier that is given no journal says first that it attests no host.
      const [first] = lines.filter(({ message }) => !message.startsWith('no host is attested'));
      expect(first).toMatchObject({ message: 'at work', roles: { [role]: 'RUNNING' } });
      expect(lines.map(({ message }) => message)).toContain('stopping');
    }
  });
});

const urlOf = (role: keyof typeof USERS, url: string): Record<string, string> => ({
  [`${prefixOf(role)}DATABASE_URL`]: url,
});
