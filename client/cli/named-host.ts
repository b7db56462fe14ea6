import { resolve } from 'node:path';
import type { AgentAddress } from '../../activities/tpm/agent-client.js';
import type { AttestAgentSettings } from '../../domain/incidents/host.js';
import { hostNameSchema } from '../../domain/incidents/incident-id.js';
import { readAcceptance, type HostReferenceInForce } from '../../proofs/incidents/host-reference.js';
import { ResealError } from '../api/reseal-error.js';
import { readHostsFile } from '../config/hosts-file.js';
import { readRosterFile } from '../config/policy-file.js';
import { readBytes } from '../config/read-bytes.js';
import { readReferenceFile, referenceFile, referenceVersions } from './reference-files.js';
import type { Session } from './session.js';
import { closest } from './suggest.js';

/** A host as configuration and its accepted reference know it. */
export interface NamedHost {
  agent: AgentAddress;
  reference: HostReferenceInForce;
  /** Person ids, sorted: whose acceptances of this version verify. */
  acceptedBy: string[];
}

const MAX_BYTES = 64 * 1024;

const usage = (message: string, hint: string): ResealError => new ResealError('usage', message, { hint });

/**
 * Looks a host up: where its agent is and what that is shown in the hosts file (`--hosts`, `hosts` in reseal.yaml,
 * RESEAL_HOSTS), and the newest reference that a human of the roster accepted in the folder of references (`--references`,
 * `references`, RESEAL_REFERENCES).
 *
 * @throws {ResealError} `usage` for what is not known or not named, `config_invalid`, `needs_roster`, `verification_failed`
 * when nobody accepted a reference of it.
 */
export async function namedHost(
  session: Session,
  name: string,
  options: { hosts?: string; references?: string },
): Promise<NamedHost> {
  if (!hostNameSchema.safeParse(name).success)
    throw usage(`"${name}" is neither the name of a host nor a URL`, 'such as vault-1, or https://vault-1:8520');
  const { hostsPath, referencesPath, rosterPath } = await session.settings();
  const here = (given: string | undefined): string | undefined =>
    given === undefined ? undefined : resolve(session.io.cwd, given);
  const [file, folder] = [here(options.hosts) ?? hostsPath, here(options.references) ?? referencesPath];
  if (file === undefined)
    throw usage(`where is ${name}?`, '--hosts FILE (reseal.hosts.v1), `hosts` in reseal.yaml, or the URL of its agent');
  if (folder === undefined)
    throw usage(`by what is ${name} judged?`, '--references FOLDER, or `references` in reseal.yaml');
  if (rosterPath === undefined)
    throw new ResealError('needs_roster', 'whose acceptances of references count is written on the roster', {
      hint: '`roster` in reseal.yaml, or RESEAL_ROSTER',
    });
  const agent = await agentOf(file, name);
  return { agent, ...(await acceptedReference(session, folder, name, rosterPath)) };
}

async function agentOf(file: string, name: string): Promise<AgentAddress> {
  const hosts = new Map(Object.entries(await readHostsFile(file)));
  const host = hosts.get(name);
  if (host === undefined) {
    const near = closest(name, [...hosts.keys()]);
    const known = hosts.size === 0 ? 'it names none' : `it names ${[...hosts.keys()].sort().slice(0, 10).join(', ')}`;
    throw usage(`${file} names no host ${name}`, near[0] === undefined ? known : `did you mean ${near[0]}?`);
  }
  if (host.attest_agent === undefined)
    throw usage(`${file} says nothing of an agent on ${name}`, 'attest_agent with url, and token_file or tls');
  return addressOf(host.attest_agent);
}

async function addressOf({ url, token_file, tls }: AttestAgentSettings): Promise<AgentAddress> {
  const text = async (path: string): Promise<string> => (await readBytes(path, MAX_BYTES)).toString('utf8').trim();
  if (tls === undefined) return { url, ...(token_file && { token: await text(token_file) }) };
  const [key, cert, ca] = await Promise.all([text(tls.key_file), text(tls.cert_file), text(tls.ca_file)]);
  return { url, tls: { key, cert, ca } };
}

/** The folder needs no protection, so the signatures in it do count: a version that nobody accepted is passed over, and told. */
async function acceptedReference(
  session: Session,
  folder: string,
  host: string,
  rosterPath: string,
): Promise<Omit<NamedHost, 'agent'>> {
  const versions = await referenceVersions(folder, host);
  if (versions.length === 0) throw usage(`${folder} has no reference of ${host}`, `reseal tpm enroll ${host} …`);
  const roster = await readRosterFile(rosterPath);
  for (const version of versions) {
    const { value, acceptances } = await readReferenceFile(referenceFile(folder, { host, version }));
    const isIt = value.reference.host === host && value.reference.version === version;
    const accepted = acceptances.flatMap((envelope) => {
      const read = readAcceptance(envelope, roster);
      const { statement, person } = read ?? {};
      const counts =
        person?.kind === 'human' && statement?.host === host && statement.reference_digest === value.digest;
      return counts ? [person.id] : [];
    });
    if (isIt && accepted.length > 0) return { reference: value, acceptedBy: [...new Set(accepted)].sort() };
    session.warn(
      `${host}.${version}.json is passed over: ${isIt ? 'nobody on the roster accepted it' : 'it is of another host or version'}`,
    );
  }
  throw new ResealError('verification_failed', `nobody on the roster accepted a reference of ${host}`, {
    hint: `reseal tpm accept ${referenceFile(folder, { host, version: versions[0] ?? 1 })}`,
  });
}
