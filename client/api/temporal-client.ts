import { Client, Connection, type ConnectionOptions } from '@temporalio/client';
import { clientDataConverter } from '../../workers/codec/data-converter.js';
import { readKeyringFile } from '../../workers/codec/keyring-file.js';
import { KeyringError } from '../../workers/codec/keyring.js';
import { DEFAULT_TEMPORAL_ADDRESS, readTemporalConfig, type TemporalConfig } from '../config/temporal-config.js';
import { ResealError } from './reseal-error.js';

const CONNECT_MS = 5_000;

export interface TemporalTarget {
  /** `host:port`; when left out, Temporal's own environment variables and configuration file say. */
  address?: string;
  namespace?: string;
  /** Which profile of Temporal's configuration file; its own default when left out. */
  profile?: string;
  /** The server of the local stack: no credential that is meant for another one is sent to it. */
  local?: boolean;
  env: Readonly<Record<string, string | undefined>>;
}

/** A connection, and the namespace that is meant by it. */
export interface TemporalPlace {
  connection: Connection;
  address: string;
  namespace: string;
}

/**
 * Connects. TLS and API keys come from Temporal's environment configuration
 * (https://docs.temporal.io/develop/environment-configuration), but never for the local stack.
 *
 * @throws {ResealError} `temporal_unreachable`, `config_invalid` (Temporal's configuration).
 */
export async function connectToTemporal(target: TemporalTarget): Promise<TemporalPlace> {
  const own = target.local === true ? undefined : await readTemporalConfig(target.env, target.profile);
  const address = target.address ?? own?.address[0] ?? DEFAULT_TEMPORAL_ADDRESS;
  const namespace = target.namespace ?? own?.namespace[0] ?? 'default';
  const options = await credentialsOf(own);
  const connection = await Connection.connect({ ...options, address, connectTimeout: CONNECT_MS }).catch(
    (cause: unknown) => {
      throw new ResealError('temporal_unreachable', `no answer from Temporal at ${address}`, {
        hint: 'is the server up? Its address comes from RESEAL_TEMPORAL_ADDRESS, reseal.yaml, TEMPORAL_ADDRESS or temporal.toml: see `reseal config show`',
        cause,
      });
    },
  );
  return { connection, address, namespace };
}

/**
 * A Temporal client that encrypts as the workers do: without the payload keys nothing can be read or said.
 *
 * @throws {ResealError} `temporal_unreachable`, `config_invalid` (keyring, or Temporal's configuration).
 */
export async function connectTemporal(target: TemporalTarget & { payloadKeyringPath: string }): Promise<Client> {
  const keyring = await readKeyringFile(target.payloadKeyringPath).catch((error: unknown) => {
    if (error instanceof KeyringError) throw new ResealError('config_invalid', error.message, { cause: error });
    throw error;
  });
  const { connection, namespace } = await connectToTemporal(target);
  return new Client({ connection, namespace, dataConverter: clientDataConverter(keyring) });
}

async function credentialsOf(own: TemporalConfig | undefined): Promise<ConnectionOptions> {
  if (own === undefined) return {};
  const { toClientOptions } = await import('@temporalio/envconfig');
  try {
    const { address: _address, ...options } = toClientOptions(own.profile).connectionOptions;
    return options;
  } catch (cause) {
    const { path = 'a file that it names' } = cause as NodeJS.ErrnoException;
    throw new ResealError('config_invalid', `Temporal's client configuration: ${path} cannot be read`, {
      hint: 'it is a certificate or a key that temporal.toml or TEMPORAL_TLS_… names',
      cause,
    });
  }
}
