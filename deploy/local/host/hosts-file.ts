import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { SERVICES, type PartName, type ServiceName } from './host-state.js';
import type { PartTokens } from './part-server.js';

/** How the simulated host is called in configuration and incidents. */
export const LOCAL_HOST = 'local-host';

/** The two roles' files, each with tokens of its own. */
export interface HostFiles {
  containment: string;
  verifier: string;
  /** What the attest agent is shown. */
  attestToken: string;
}

const ACTION_OF: Readonly<Record<ServiceName, string>> = {
  agent: 'freeze_agent',
  airlock: 'disable_airlock',
  vault: 'force_vault_relock',
  models: 'quarantine_model',
};

/**
 * Writes what the roles are told of the simulated host: `reseal.hosts.v1`, once for the containment role with tokens that can
 * change it, once for the verifier with tokens that can only read, and with the attest agent. All under `dir`, mode 0700.
 */
export async function writeHostFiles(
  dir: string,
  urls: Readonly<Record<PartName, string>> & { attest_agent: string },
  tokens: PartTokens & { attest: string },
): Promise<HostFiles> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const keep = async (name: string, token: string): Promise<string> => {
    const file = path.join(dir, name);
    await writeFile(file, `${token}\n`, { mode: 0o600 });
    return file;
  };
  const [write, read, attest] = [
    await keep('write.token', tokens.write),
    await keep('read.token', tokens.read),
    await keep('attest.token', tokens.attest),
  ];
  const services = (token_file: string): object =>
    Object.fromEntries((Object.keys(SERVICES) as ServiceName[]).map((name) => [name, { url: urls[name], token_file }]));
  const actions = Object.fromEntries(
    (Object.keys(SERVICES) as ServiceName[]).map((name) => [ACTION_OF[name], { [name]: targetOf(name) }]),
  );
  const monitors = { integrity: { url: urls.integrity }, attestor: { url: urls.attestor } };
  const put = async (name: string, host: object): Promise<string> => {
    const file = path.join(dir, name);
    await writeFile(file, stringify({ schema: 'reseal.hosts.v1', hosts: { [LOCAL_HOST]: host } }), { mode: 0o600 });
    return file;
  };
  return {
    containment: await put('containment.yaml', { services: services(write), actions }),
    verifier: await put('verifier.yaml', {
      attest_agent: { url: urls.attest_agent, token_file: attest },
      services: { ...services(read), ...monitors },
      actions,
    }),
    attestToken: attest,
  };
}

const targetOf = (service: ServiceName): object => ({
  kind: 'http',
  service,
  contain: { path: '/api/v1/contain' },
  release: { path: '/api/v1/release' },
  state: { path: '/api/v1/state', ...SERVICES[service], revision: 'revision' },
});
