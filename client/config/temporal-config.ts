import { join } from 'node:path';
import type { ClientConfigProfile } from '@temporalio/envconfig';
import { ResealError } from '../api/reseal-error.js';
import type { Candidate } from './origins.js';

/** What Temporal's own environment variables and `temporal.toml` say, and which of them said it. */
export interface TemporalConfig {
  profile: ClientConfigProfile;
  /** The file's profile, as people are told of it. */
  file: string;
  address: Candidate;
  namespace: Candidate;
}

/** Where a server is when nobody says. */
export const DEFAULT_TEMPORAL_ADDRESS = 'localhost:7233';

/**
 * Temporal's environment configuration (https://docs.temporal.io/develop/environment-configuration): `TEMPORAL_ADDRESS`,
 * `TEMPORAL_NAMESPACE`, `TEMPORAL_API_KEY` and so on come before the profile of `temporal.toml` that `profile`, else
 * `TEMPORAL_PROFILE`, else `default` names. A variable that is empty says nothing.
 *
 * @throws {ResealError} `config_invalid`, naming the file.
 */
export async function readTemporalConfig(
  env: Readonly<Record<string, string | undefined>>,
  profile: string | undefined,
): Promise<TemporalConfig> {
  const { loadClientConfigProfile } = await import('@temporalio/envconfig');
  const said = Object.entries(env).filter((pair): pair is [string, string] => {
    const [name, value] = pair;
    // An empty header variable takes a header of the file away.
    return value !== undefined && (value !== '' || name.startsWith('TEMPORAL_GRPC_META_'));
  });
  const overrideEnvVars = Object.fromEntries(said);
  const { TEMPORAL_CONFIG_FILE, TEMPORAL_PROFILE, TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE } = overrideEnvVars;
  const file = TEMPORAL_CONFIG_FILE ?? usualFile(overrideEnvVars);
  const name = profile ?? TEMPORAL_PROFILE ?? 'default';
  const from = `${file} [profile.${name}]`;
  try {
    const found = loadClientConfigProfile({ ...(profile === undefined ? {} : { profile }), overrideEnvVars });
    return {
      profile: found,
      file: from,
      address: [found.address, TEMPORAL_ADDRESS === undefined ? from : 'TEMPORAL_ADDRESS'],
      namespace: [found.namespace, TEMPORAL_NAMESPACE === undefined ? from : 'TEMPORAL_NAMESPACE'],
    };
  } catch (cause) {
    const said = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : '';
    if (/^Profile '.*' not found/.test(said)) {
      throw new ResealError('config_invalid', `${file} has no profile "${name}"`, {
        hint: 'it is named by temporal.profile in reseal.yaml, by RESEAL_TEMPORAL_PROFILE or by TEMPORAL_PROFILE',
        cause,
      });
    }
    throw new ResealError('config_invalid', `Temporal's client configuration cannot be read: ${file}: ${said}`, {
      hint: 'TEMPORAL_CONFIG_FILE names another file',
      cause,
    });
  }
}

/** Where the file is when nobody says, on Linux; elsewhere its name must do. */
function usualFile({ XDG_CONFIG_HOME: xdg, HOME: home }: Readonly<Record<string, string>>): string {
  const folder = xdg ?? (home === undefined ? undefined : join(home, '.config'));
  return folder === undefined || process.platform !== 'linux'
    ? 'temporal.toml'
    : join(folder, 'temporalio', 'temporal.toml');
}
