import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { SettingsError } from './settings-error.js';
import { readSecretFile } from './secret-file.js';
import type { TemporalSettings } from './settings.js';

/** One process's way to Temporal: for its workers, and for what asks Temporal beside them. */
export interface TemporalConnections {
  native: NativeConnection;
  /** Opened when it is first asked for. */
  client(): Promise<Connection>;
  close(): Promise<void>;
}

/** How often an API key is read again: platforms renew theirs long before it ends. */
const RENEW_MS = 30_000;

type Tls = NonNullable<Parameters<typeof Connection.connect>[0]>['tls'];

/**
 * Connects with TLS and this process's own API key, as its settings say. Throws SettingsError `temporal_unreachable`, or
 * naming a file that cannot be read.
 */
export async function connectTemporal(settings: TemporalSettings): Promise<TemporalConnections> {
  const { address } = settings;
  const tls = await tlsOf(settings);
  let apiKey = await apiKeyOf(settings);
  const options = { address, tls, ...(apiKey === undefined ? {} : { apiKey }) };
  // Encrypted payloads do not compress: trying to takes a tenth of a ceremony's processor time, here and in the server.
  const native = await NativeConnection.connect({ ...options, grpcCompression: { codec: 'none' } }).catch(unreachable);
  await requireWrite(native, settings).catch(async (error: unknown) => {
    await native.close();
    throw error;
  });
  let client: Promise<Connection> | undefined;
  const renewing = setInterval(() => {
    void apiKeyOf(settings)
      .then(async (found) => {
        if (found === undefined || found === apiKey) return;
        apiKey = found;
        await native.setApiKey(found);
        (await client)?.setApiKey(found);
      })
      // Half written or gone for a moment: the one before is still good, and the file is read again.
      .catch(() => undefined);
  }, RENEW_MS);
  renewing.unref();

  function unreachable(error: unknown): never {
    const text = error instanceof Error ? (error.message.split('\n')[0] ?? '') : 'unknown failure';
    // The SDK quotes its transport's whole error; the innermost words say it.
    const why = /message: "([^"]+)"/.exec(text)?.[1] ?? text;
    throw new SettingsError('temporal_unreachable', `Temporal cannot be reached at ${address}: ${why}`);
  }
  return {
    native,
    client: () => (client ??= Connection.connect({ ...options, ...(apiKey === undefined ? {} : { apiKey }) })),
    close: async () => {
      clearInterval(renewing);
      await (await client?.catch(() => undefined))?.close();
      await native.close();
    },
  };
}

/** PERMISSION_DENIED and UNAUTHENTICATED (https://grpc.io/docs/guides/status-codes/). */
const REFUSED: ReadonlySet<unknown> = new Set([7, 16]);

/**
 * A worker that may not poll goes on trying without a word, so this is asked first. The signal is for a workflow that does
 * not exist: a server that would take it says so (NOT_FOUND) and does nothing.
 */
async function requireWrite(native: NativeConnection, { address, namespace }: TemporalSettings): Promise<void> {
  const workflowExecution = { workflowId: `may-i-write/${randomUUID()}` };
  await native.workflowService
    .signalWorkflowExecution({ namespace, workflowExecution, signalName: 'none', requestId: randomUUID() })
    .catch((error: unknown) => {
      if (!REFUSED.has((error as { code?: unknown }).code)) return;
      const message = `Temporal at ${address} refuses this process: its API key or certificate needs write on namespace ${namespace}`;
      throw new SettingsError('temporal_refused', message);
    });
}

async function apiKeyOf({ api_key, api_key_path }: TemporalSettings): Promise<string | undefined> {
  if (api_key !== undefined || api_key_path === undefined) return api_key;
  return readSecretFile(api_key_path, 'the API key or JWT for Temporal');
}

async function tlsOf({ tls }: TemporalSettings): Promise<Tls> {
  if (tls === undefined || typeof tls === 'boolean') return tls;
  const { server_root_ca_path, client_cert_path, client_key_path, server_name } = tls;
  if ((client_cert_path === undefined) !== (client_key_path === undefined)) {
    throw new SettingsError('settings_invalid', 'temporal.tls: client_cert_path and client_key_path belong together');
  }
  const [root, crt, key] = await Promise.all([server_root_ca_path, client_cert_path, client_key_path].map(bytesOf));
  return {
    ...(root === undefined ? {} : { serverRootCACertificate: root }),
    ...(crt === undefined || key === undefined ? {} : { clientCertPair: { crt, key } }),
    ...(server_name === undefined ? {} : { serverNameOverride: server_name }),
  };
}

async function bytesOf(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  return readFile(file).catch(() => {
    throw new SettingsError('file_missing', `${file} cannot be read: temporal.tls names it`);
  });
}
