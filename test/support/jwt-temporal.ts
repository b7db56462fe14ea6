import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { SignJWT } from 'jose';
import Long from 'long';
import { stringify } from 'yaml';
import { spawnGroup, type ChildGroup } from '../../deploy/local/temporal/child-group.js';
import { freePort } from '../../deploy/local/temporal/free-port.js';
import { ensureSearchAttributes } from '../../deploy/local/temporal/search-attributes.js';
import { SEARCH_ATTRIBUTES } from '../../domain/roles.js';

/** The `temporal-server` binary, which is not part of the `temporal` command line and takes a while to build. */
const BINARY = process.env['RESEAL_TEMPORAL_SERVER'] ?? '';

/** Why no server that requires JWTs can be started here, or null when one can. */
export const jwtServerMissing: string | null =
  BINARY === ''
    ? 'RESEAL_TEMPORAL_SERVER names no temporal-server: go install go.temporal.io/server/cmd/server@v1.31.2'
    : null;

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KID = 'test';

/** A JWT as Temporal's default claim mapper reads it: `permissions` are `NAMESPACE:ROLE`. */
export function jwt(subject: string, permissions: readonly string[], expires = '1h'): Promise<string> {
  const token = new SignJWT({ permissions: [...permissions] }).setProtectedHeader({ alg: 'ES256', kid: KID });
  return token.setSubject(subject).setIssuedAt().setJti(randomUUID()).setExpirationTime(expires).sign(privateKey);
}

/** A real Temporal server, in memory, whose frontend lets nobody in without a JWT. */
export class JwtTemporal {
  private constructor(
    readonly address: string,
    readonly namespace: string,
    private readonly child: ChildGroup,
    private readonly jwks: Server,
    private readonly folder: string,
  ) {}

  static async start(namespace: string): Promise<JwtTemporal> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'reseal-jwt-temporal-'));
    const jwks = createServer((_, answer) => {
      const key = { ...publicKey.export({ format: 'jwk' }), kid: KID, alg: 'ES256', use: 'sig' };
      answer.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [key] }));
    }).listen(0, '127.0.0.1');
    await once(jwks, 'listening');
    const { port } = jwks.address() as AddressInfo;
    const frontend = await freePort(undefined, 'frontend');
    const config = path.join(folder, 'server.yaml');
    await writeFile(config, stringify(await serverConfig(frontend, `http://127.0.0.1:${port}/jwks.json`)));
    await writeFile(path.join(folder, 'dynamic.yaml'), '');
    const logPath = path.join(folder, 'server.log');
    const child = await spawnGroup(BINARY, ['--config-file', config, 'start', ...SERVICES], { logPath, cwd: folder });
    const server = new JwtTemporal(`127.0.0.1:${frontend}`, namespace, child, jwks, folder);
    try {
      await server.prepare();
      return server;
    } catch (error) {
      const said = (await readFile(logPath, 'utf8')).trim().split('\n').slice(-8).join('\n');
      await server.stop();
      throw new Error(`the server did not come up:\n${said}`, { cause: error });
    }
  }

  connect(apiKey: string): Promise<Connection> {
    return Connection.connect({ address: this.address, tls: false, apiKey });
  }

  async stop(): Promise<void> {
    await this.child.stop();
    this.jwks.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Makes the namespace and its search attributes, as whoever operates the server does. */
  private async prepare(): Promise<void> {
    const admin = await jwt('operator', ['temporal-system:admin', `${this.namespace}:admin`]);
    for (const giveUpAt = Date.now() + 60_000; ; await sleep(250)) {
      const connection = await this.connect(admin).catch(() => null);
      try {
        if (connection === null) throw new Error('not yet');
        const { namespace } = this;
        const workflowExecutionRetentionPeriod = { seconds: Long.fromNumber(86_400) };
        await connection.workflowService
          .registerNamespace({ namespace, workflowExecutionRetentionPeriod })
          .catch((error: { code?: number }) => {
            if (error.code !== ALREADY_EXISTS) throw error;
          });
        await ensureSearchAttributes(connection, namespace, SEARCH_ATTRIBUTES);
        return;
      } catch (error) {
        if (Date.now() > giveUpAt || this.child.ended() !== null) throw error;
      } finally {
        await connection?.close();
      }
    }
  }
}

/** The internal frontend is not among those that are started by themselves. */
const SERVICES = ['frontend', 'internal-frontend', 'history', 'matching', 'worker'].flatMap((one) => [
  '--service',
  one,
]);

/** gRPC's ALREADY_EXISTS. */
const ALREADY_EXISTS = 6;

/** After the server's own config/development-sqlite.yaml, with its authorization on. */
async function serverConfig(frontend: number, jwksUrl: string): Promise<object> {
  const port = () => freePort(undefined, 'Temporal');
  const service = async (grpcPort?: number) => ({
    rpc: { grpcPort: grpcPort ?? (await port()), membershipPort: await port(), bindOnLocalHost: true },
  });
  const store = {
    sql: {
      pluginName: 'sqlite',
      databaseName: 'default',
      connectAddr: 'localhost',
      connectProtocol: 'tcp',
      connectAttributes: { mode: 'memory', cache: 'private' },
      maxConns: 1,
      maxIdleConns: 1,
      maxConnLifetime: '1h',
    },
  };
  const rpcAddress = `127.0.0.1:${frontend}`;
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'store',
      visibilityStore: 'visibility',
      numHistoryShards: 1,
      datastores: { store, visibility: store },
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' },
      authorization: {
        jwtKeyProvider: { keySourceURIs: [jwksUrl], refreshInterval: '1m' },
        permissionsClaimName: 'permissions',
        authorizer: 'default',
        claimMapper: 'default',
      },
    },
    services: {
      frontend: await service(frontend),
      // Without it the server's own worker would need a JWT too.
      'internal-frontend': await service(),
      matching: await service(),
      history: await service(),
      worker: await service(),
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    dynamicConfigClient: { filepath: 'dynamic.yaml', pollInterval: '60s' },
  };
}
