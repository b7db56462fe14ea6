import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { startPostgres, type LocalPostgres } from '../../deploy/local/postgres/start-postgres.js';

/** A PostgreSQL server for one test file, which can be killed and started again where it was. */
export class TemporaryPostgres {
  private constructor(
    private readonly dataDir: string,
    private server: LocalPostgres,
  ) {}

  static async start(): Promise<TemporaryPostgres> {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'reseal-postgres-'));
    return new TemporaryPostgres(dataDir, await startPostgres({ dataDir }));
  }

  get url(): string {
    return this.server.url;
  }

  kill(): Promise<void> {
    return this.server.kill('SIGKILL');
  }

  async startAgain(): Promise<void> {
    this.server = await startPostgres({ dataDir: this.dataDir, port: Number(new URL(this.url).port) });
  }

  /** Stops it and removes its data and its log. */
  async remove(): Promise<void> {
    await this.server.stop();
    for (const left of [this.dataDir, `${this.dataDir}.log`]) await rm(left, { recursive: true, force: true });
  }
}
