import { resolve } from 'node:path';
import { ResealError } from '../api/reseal-error.js';
import { findDevFile, findLocalTrust, type DevFile } from './dev-file.js';
import { findSettingsFile } from './settings-file.js';

/** What the command line says. */
export interface SettingsFlags {
  gateway?: string;
  as?: string;
  key?: string;
}

/** Where everything is and who acts. Flags come before the environment, that before `reseal.yaml`, that before the local stack. */
export interface Settings {
  gatewayUrl: string;
  as: string | undefined;
  keyPath: string | undefined;
  trustPath: string | undefined;
  rosterPath: string | undefined;
  policyPath: string | undefined;
  payloadKeyringPath: string | undefined;
  /** Secret: may hold a password. */
  databaseUrl: string | undefined;
  temporalAddress: string | undefined;
  temporalNamespace: string | undefined;
  temporalUiUrl: string | undefined;
  dev: DevFile | undefined;
  /** Whether the ceremonies are those of the local stack, where time may be virtual. */
  local: boolean;
}

export const DEFAULT_GATEWAY_URL = 'http://127.0.0.1:8515';

/** @throws {ResealError} `config_invalid`, naming file, line and value, or the variable. */
export async function loadSettings(input: {
  flags: SettingsFlags;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
}): Promise<Settings> {
  const { flags, env, cwd } = input;
  const [file, dev] = await Promise.all([findSettingsFile(cwd, env), findDevFile(cwd)]);
  const variable = (name: string): string | undefined => env[name] || undefined;
  const path = (value: string | undefined): string | undefined =>
    value === undefined ? undefined : resolve(cwd, value);
  const as = flags.as ?? variable('RESEAL_AS') ?? file.as;
  const gateway = flags.gateway ?? variable('RESEAL_GATEWAY_URL') ?? file.gateway;
  const temporal = variable('RESEAL_TEMPORAL_ADDRESS') ?? file.temporal.address;
  // A key that was named together with another person is not this person's: `--as bob` must not sign with alice's key.
  const keyOfAs = flags.as === undefined ? (variable('RESEAL_KEY') ?? file.key) : undefined;
  const key = flags.key ?? keyOfAs ?? devKey(dev, as) ?? variable('RESEAL_KEY') ?? file.key;
  const elsewhere = gateway !== undefined && gateway !== dev?.gateway_url;
  const elsewhereDirect = temporal !== undefined && temporal !== dev?.temporal_address;
  const local = dev !== undefined && !elsewhere && !elsewhereDirect;
  const fromDev = local ? dev : undefined;
  const stoppedHere = dev === undefined && gateway === undefined && temporal === undefined;
  const localTrust = fromDev?.trust_path ?? (stoppedHere ? await findLocalTrust(cwd) : undefined);
  return {
    gatewayUrl: checkedUrl(gateway ?? dev?.gateway_url ?? DEFAULT_GATEWAY_URL),
    as: devUpn(dev, as) ?? as,
    keyPath: path(key),
    trustPath: path(variable('RESEAL_TRUST') ?? file.trust ?? localTrust),
    rosterPath: path(variable('RESEAL_ROSTER') ?? file.roster ?? fromDev?.roster_path ?? undefined),
    policyPath: path(variable('RESEAL_POLICY') ?? file.policy ?? fromDev?.policy_path ?? undefined),
    payloadKeyringPath: path(
      variable('RESEAL_PAYLOAD_KEYRING') ?? file.payload_keyring ?? fromDev?.payload_keyring_path ?? undefined,
    ),
    databaseUrl: variable('RESEAL_DATABASE_URL') ?? file.database_url ?? fromDev?.database_url ?? undefined,
    temporalAddress: temporal ?? dev?.temporal_address,
    temporalNamespace: variable('RESEAL_TEMPORAL_NAMESPACE') ?? file.temporal.namespace ?? fromDev?.temporal_namespace,
    temporalUiUrl: variable('RESEAL_TEMPORAL_UI_URL') ?? file.temporal.ui_url ?? fromDev?.temporal_ui_url,
    dev,
    local,
  };
}

function identityOf(dev: DevFile | undefined, name: string | undefined): DevFile['identities'][number] | undefined {
  const wanted = name?.toLowerCase();
  if (wanted === undefined) return undefined;
  return dev?.identities.find(({ upn }) => {
    const own = upn.toLowerCase();
    return own === wanted || own.split('@')[0] === wanted;
  });
}

const devUpn = (dev: DevFile | undefined, name: string | undefined): string | undefined => identityOf(dev, name)?.upn;
const devKey = (dev: DevFile | undefined, name: string | undefined): string | undefined =>
  identityOf(dev, name)?.key_path;

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.username !== '' || url.password !== '')) {
    throw new ResealError('config_invalid', `the gateway's address names a user or a password: ${url.host}`, {
      hint: 'take them out of --gateway, RESEAL_GATEWAY_URL or `gateway` in reseal.yaml: nothing here uses them',
    });
  }
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text;
  throw new ResealError('config_invalid', `the gateway's address "${text}" is not an http or https URL`, {
    hint: 'it comes from --gateway, RESEAL_GATEWAY_URL or `gateway` in reseal.yaml',
  });
}
