import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { clientDataConverter } from '../../workers/codec/data-converter.js';
import { readKeyringFile } from '../../workers/codec/keyring-file.js';
import { KeyringError } from '../../workers/codec/keyring.js';
import { ResealError } from './reseal-error.js';

export interface TemporalTarget {
  /** `host:port`; when left out, Temporal's own environment variables and configuration file say. */
  address?: string;
  namespace?: string;
  /** The payload keys: without them nothing can be read or said. */
  payloadKeyringPath: string;
  env: Readonly<Record<string, string | undefined>>;
}

/**
 * A Temporal client that encrypts as the workers do. TLS and API keys come from Temporal's environment configuration
 * (https://docs.temporal.io/develop/environment-configuration).
 *
 * @throws {ResealError} `temporal_unreachable`, `config_invalid` (keyring, or Temporal's configuration).
 */
export async function connectTemporal(target: TemporalTarget): Promise<Client> {
  const keyring = await readKeyringFile(target.payloadKeyringPath).catch((error: unknown) => {
    if (error instanceof KeyringError) throw new ResealError('config_invalid', error.message, { cause: error });
    throw error;
  });
  const { connectionOptions, namespace } = environmentConfig(target.env);
  const address = target.address ?? connectionOptions.address ?? 'localhost:7233';
  const connection = await Connection.connect({ ...connectionOptions, address, connectTimeout: 5_000 }).catch(
    (cause: unknown) => {
      throw new ResealError('temporal_unreachable', `no answer from Temporal at ${address}`, {
        hint: 'is the server up? Its address comes from RESEAL_TEMPORAL_ADDRESS or TEMPORAL_ADDRESS',
        cause,
      });
    },
  );
  return new Client({
    connection,
    namespace: target.namespace ?? namespace ?? 'default',
    dataConverter: clientDataConverter(keyring),
  });
}

function environmentConfig(env: TemporalTarget['env']): ReturnType<typeof loadClientConnectConfig> {
  const defined = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined);
  try {
    return loadClientConnectConfig({ overrideEnvVars: Object.fromEntries(defined) });
  } catch (cause) {
    throw new ResealError('config_invalid', "Temporal's own client configuration cannot be read", { cause });
  }
}
