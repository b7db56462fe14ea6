import { Origins, type Candidate, type Origin } from './origins.js';
import type { Settings } from './settings.js';
import { DEFAULT_TEMPORAL_ADDRESS, readTemporalConfig } from './temporal-config.js';

/**
 * Every setting with what it comes to and who said it, Temporal's own configuration included. Secrets have no value.
 *
 * @throws {ResealError} `config_invalid`.
 */
export async function effectiveSettings(
  settings: Settings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Origin[]> {
  // Nothing of Temporal's own configuration is used for the local stack.
  const own = settings.local ? undefined : await readTemporalConfig(env, settings.temporalProfile);
  const origins = new Origins();
  for (const origin of settings.origins) {
    const said: Candidate[] = [[origin.value, origin.from ?? '']];
    if (origin.name === 'temporal.address')
      said.push(...(own ? [own.address] : []), [DEFAULT_TEMPORAL_ADDRESS, 'default']);
    if (origin.name === 'temporal.namespace') said.push(...(own ? [own.namespace] : []), ['default', 'default']);
    origins.pick(origin.name, said, { secret: origin.secret });
  }
  if (own !== undefined) {
    const { apiKey, tls } = own.profile;
    const from = env['TEMPORAL_API_KEY'] ? 'TEMPORAL_API_KEY' : own.file;
    origins.pick('temporal.api_key', [[apiKey, from]], { secret: true });
    const on = tls === undefined ? apiKey !== undefined : tls.disabled !== true;
    origins.pick('temporal.tls', [[on ? 'on' : 'off', tls === undefined ? 'default' : "Temporal's configuration"]]);
  }
  return origins.all.map((origin) => (origin.secret ? { ...origin, value: null } : origin));
}
