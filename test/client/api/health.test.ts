import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { healthOf, temporalHealth } from '../../../client/api/health.js';
import { healthSchema } from '../../../client/api/health-shape.js';
import type { RegisterReader } from '../../../client/api/register-reader.js';
import { startTemporalServer, type TemporalServer } from '../../../deploy/local/temporal/start-temporal.js';
import { ROLES, SEARCH_ATTRIBUTES } from '../../../domain/roles.js';
import { realTemporalCli } from '../../deploy/local/temporal/real-temporal.js';

const { cli, reason } = await realTemporalCli();
const skipped = reason === null ? '' : ` (skipped: ${reason})`;
const NOW = Date.parse('2026-01-31T13:20:00.000Z');
const registerThat = (getEvent: RegisterReader['getEvent']): RegisterReader => ({ getEvent }) as RegisterReader;

describe.skipIf(reason !== null)(`how the parts are, asked of a real Temporal server${skipped}`, () => {
  let folder: string;
  let server: TemporalServer;
  let connection: Connection;

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    folder = mkdtempSync(join(tmpdir(), 'reseal-health-'));
    const { ResealDeadline: _left, ...searchAttributes } = SEARCH_ATTRIBUTES;
    server = await startTemporalServer({ cli, dbPath: null, searchAttributes, logPath: join(folder, 'temporal.log') });
    connection = await Connection.connect({ address: server.address });
  });
  afterAll(async () => {
    await connection.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('tells version, namespace, what is not registered, and which roles nobody plays', async () => {
    const register = registerThat(async () => undefined);
    const health = await healthOf({ connection, namespace: server.namespace, register, now: () => NOW });
    expect(healthSchema.parse(health)).toEqual(health);
    expect(health).toMatchObject({
      now: '2026-01-31T13:20:00.000Z',
      register: 'ok',
      temporal: {
        namespace: server.namespace,
        problem: null,
        server_version: expect.stringMatching(/^1\.\d+\.\d+/) as string,
        namespace_found: true,
        missing_search_attributes: ['ResealDeadline'],
        idle_roles: ROLES,
      },
    });
  });

  it('tells a namespace that is not there', async () => {
    expect(await temporalHealth(connection, 'nowhere')).toMatchObject({ problem: null, namespace_found: false });
  });

  it('tells that there is no register, or that it does not answer', async () => {
    const of = { connection, namespace: server.namespace, now: () => NOW };
    expect((await healthOf({ ...of, register: null })).register).toBe('none');
    const down = registerThat(() => Promise.reject(new Error('down')));
    expect((await healthOf({ ...of, register: down })).register).toBe('unreachable');
    const silent = registerThat(() => new Promise(() => undefined));
    expect((await healthOf({ ...of, register: silent })).register).toBe('unreachable');
  });

  it('answers also when the server does not', async () => {
    const gone = Connection.lazy({ address: '127.0.0.1:9' });
    const { problem } = await temporalHealth(gone, 'default');
    expect(problem).toMatch(/^no answer from Temporal/);
    await gone.close();
  });
});
