import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { compiledPath } from '../../workers/compiled.js';
import { documentedSql, runSql, urlAs } from './role-files.js';
import { TemporaryPostgres } from './temporary-postgres.js';

/** PostgreSQL set up as docs/deploy.md says: its own SQL, and `reseal database migrate`. */
export class SeparateDatabase {
  private constructor(
    private readonly server: TemporaryPostgres,
    readonly urls: Readonly<Record<'owner' | 'register' | 'authority' | 'access' | 'assignments', string>>,
  ) {}

  static async start(): Promise<SeparateDatabase> {
    const server = await TemporaryPostgres.start();
    const as = (user: string): string => urlAs(server.url, user, 'reseal');
    const urls = {
      owner: as('reseal_owner'),
      register: as('reseal_register'),
      authority: as('reseal_authority'),
      access: as('reseal_access'),
      assignments: as('reseal_assignments'),
    };
    for (const block of ['-- users and database', '-- user for Conditional Access', '-- user for roles outside PIM'])
      await runSql(server.url, await documentedSql(block));
    await migrate(urls.owner);
    for (const block of ['-- grants\n', '-- grants for Conditional Access', '-- grants for roles outside PIM'])
      await runSql(urls.owner, await documentedSql(block));
    return new SeparateDatabase(server, urls);
  }

  /** A URL of another database of the same server, made empty, for its owner. */
  async another(name: string): Promise<string> {
    await runSql(this.server.url, `CREATE DATABASE ${name} OWNER reseal_owner`);
    return urlAs(this.server.url, 'reseal_authority', name);
  }

  remove(): Promise<void> {
    return this.server.remove();
  }
}

async function migrate(ownerUrl: string): Promise<void> {
  const line = [compiledPath('client/cli/main.js'), 'database', 'migrate'];
  const env = { PATH: process.env['PATH'] ?? '', RESEAL_DATABASE_URL: ownerUrl };
  const child = spawn(process.execPath, line, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [status] = (await once(child, 'exit')) as [number | null];
  if (status !== 0) throw new Error(`reseal database migrate ended with ${status}: ${said}`);
}
