import { resolve } from 'node:path';
import { ResealError } from '../api/reseal-error.js';
import { findDevFile, findLocalTrust, type DevFile } from './dev-file.js';
import { identitiesOf, identityNamed, type Identity } from './identities.js';
import { Origins, type Origin } from './origins.js';
import { findSettingsFile } from './settings-file.js';

/** What the command line says. */
export interface SettingsFlags {
  gateway?: string;
  as?: string;
  key?: string;
}

/**
 * Where everything is and who acts. Flags come before the environment, that before `reseal.yaml`, that before the local
 * stack, and for Temporal alone that before its own environment variables and `temporal.toml`.
 */
export interface Settings {
  gatewayUrl: string;
  as: string | undefined;
  keyPath: string | undefined;
  trustPath: string | undefined;
  rosterPath: string | undefined;
  policyPath: string | undefined;
  /** Who may sign contracts. */
  contractRootsPath: string | undefined;
  /** Where contracts are: a directory, or the address of a registry. */
  registry: string | undefined;
  payloadKeyringPath: string | undefined;
  /** Where agents of hosts are. */
  hostsPath: string | undefined;
  /** The folder with the references of hosts. */
  referencesPath: string | undefined;
  /** Secret: may hold a password. */
  databaseUrl: string | undefined;
  /** Undefined leaves address and namespace to Temporal's own configuration. */
  temporalAddress: string | undefined;
  temporalNamespace: string | undefined;
  temporalUiUrl: string | undefined;
  /** Which profile of `temporal.toml`, where its default is not meant. */
  temporalProfile: string | undefined;
  /** People whose keys are known here, for whoever names or picks one. */
  identities: readonly Identity[];
  dev: DevFile | undefined;
  /** Whether the ceremonies are those of the local stack, where time may be virtual. */
  local: boolean;
  /** The `reseal.yaml` that was read. */
  filePath: string | null;
  /** Where each of these was said. */
  origins: readonly Origin[];
}

export const DEFAULT_GATEWAY_URL = 'http://127.0.0.1:8515';
const STACK = 'the local stack';

/** @throws {ResealError} `config_invalid`, naming file, line and value, or the variable. */
export async function loadSettings(input: {
  flags: SettingsFlags;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
}): Promise<Settings> {
  const { flags, env, cwd } = input;
  const [file, dev] = await Promise.all([findSettingsFile(cwd, env), findDevFile(cwd)]);
  const yaml = file.path ?? 'reseal.yaml';
  const origins = new Origins();
  const variable = (name: string) => [env[name], name] as const;
  const path = (value: string | undefined): string | undefined =>
    value === undefined ? undefined : resolve(cwd, value);

  const gateway = origins.pick('gateway', [
    [flags.gateway, '--gateway'],
    variable('RESEAL_GATEWAY_URL'),
    [file.gateway, yaml],
    [dev?.gateway_url, STACK],
    [DEFAULT_GATEWAY_URL, 'default'],
  ]);
  const ownTemporal = env['RESEAL_TEMPORAL_ADDRESS'] || file.temporal.address;
  const elsewhere = dev !== undefined && gateway !== dev.gateway_url;
  const elsewhereDirect = ownTemporal !== undefined && ownTemporal !== dev?.temporal_address;
  const local = dev !== undefined && !elsewhere && !elsewhereDirect;
  const fromDev = local ? dev : undefined;

  const identities = identitiesOf(file.identities, yaml, dev);
  const named = origins.pick('as', [[flags.as, '--as'], variable('RESEAL_AS'), [file.as, yaml]]);
  const identity = identityNamed(identities, named);
  // A key that was set together with another person is not this person's: `--as bob` must not sign with alice's key.
  const keySet = [variable('RESEAL_KEY'), [file.key, yaml]] as const;
  const keyPath = origins.pick('key', [
    [flags.key, '--key'],
    ...(flags.as === undefined ? keySet : []),
    [identity?.keyPath, identity?.from ?? ''],
    ...(flags.as === undefined ? [] : keySet),
  ]);

  const stoppedHere = dev === undefined && origins.all[0]?.from === 'default' && ownTemporal === undefined;
  const localTrust = fromDev?.trust_path ?? (stoppedHere ? await findLocalTrust(cwd) : undefined);
  const pick = (name: string, variableName: string, inFile: string | undefined, ofStack?: string | null) =>
    origins.pick(name, [variable(variableName), [inFile, yaml], [ofStack, STACK]]);
  const { temporal } = file;
  return {
    gatewayUrl: checkedUrl(gateway ?? DEFAULT_GATEWAY_URL),
    as: identity?.upn ?? named,
    keyPath: path(keyPath),
    trustPath: path(pick('trust', 'RESEAL_TRUST', file.trust, localTrust)),
    rosterPath: path(pick('roster', 'RESEAL_ROSTER', file.roster, fromDev?.roster_path)),
    policyPath: path(pick('policy', 'RESEAL_POLICY', file.policy, fromDev?.policy_path)),
    contractRootsPath: path(
      pick('contract_roots', 'RESEAL_CONTRACT_ROOTS', file.contract_roots, fromDev?.contract_roots_path),
    ),
    registry: placeOf(cwd, pick('registry', 'RESEAL_REGISTRY', file.registry, fromDev?.registry_path)),
    payloadKeyringPath: path(
      pick('payload_keyring', 'RESEAL_PAYLOAD_KEYRING', file.payload_keyring, fromDev?.payload_keyring_path),
    ),
    hostsPath: path(pick('hosts', 'RESEAL_HOSTS', file.hosts, fromDev?.host?.hosts_path)),
    referencesPath: path(pick('references', 'RESEAL_REFERENCES', file.references, fromDev?.references_path)),
    databaseUrl: origins.pick(
      'database_url',
      [variable('RESEAL_DATABASE_URL'), [file.database_url, yaml], [fromDev?.database_url, STACK]],
      { secret: true },
    ),
    temporalAddress: pick('temporal.address', 'RESEAL_TEMPORAL_ADDRESS', temporal.address, fromDev?.temporal_address),
    temporalNamespace: pick(
      'temporal.namespace',
      'RESEAL_TEMPORAL_NAMESPACE',
      temporal.namespace,
      fromDev?.temporal_namespace,
    ),
    temporalUiUrl: pick('temporal.ui_url', 'RESEAL_TEMPORAL_UI_URL', temporal.ui_url, fromDev?.temporal_ui_url),
    temporalProfile: pick('temporal.profile', 'RESEAL_TEMPORAL_PROFILE', temporal.profile),
    identities,
    dev,
    local,
    filePath: file.path,
    origins: origins.all,
  };
}

/** A directory is relative to where it was said; an address stays as it is. */
export function placeOf(folder: string, place: string | undefined): string | undefined {
  return place === undefined || /^[a-z][a-z0-9+.-]*:\/\//i.test(place) ? place : resolve(folder, place);
}

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
