import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Attempt } from '../activities/graph/attempt.js';
import type { AgentAddress } from '../activities/tpm/agent-client.js';
import { attestationTasks } from '../activities/tpm/attest-host.js';
import { ReferenceDirectory, type ReferenceObjection } from '../activities/tpm/reference-directory.js';
import type { AttestationTasks } from '../domain/incidents/attestation-result.js';
import type { Hosts } from '../domain/incidents/host.js';
import { readRootCertificates, verifyEkCertificate } from '../proofs/tpm/ek-certificate.js';
import { readHostsFile } from './hosts-file.js';
import { databaseOf, keyOf, type RoleContext } from './role-context.js';
import { readSecretFile } from './secret-file.js';
import { SettingsError } from './settings-error.js';

/** Two questions have to fit into one try of the activity, whose caller gives up after 90 s. */
const ANSWER_MS = 35_000;
/** An attempt leaves nothing to the next one: a nonce is minted for each. */
const nothing = z.object({});

/** The verifier's part in recovery; none where it is told nothing of attestation. */
export function attestationRole(context: RoleContext): Partial<AttestationTasks> {
  const { settings, clock, contracts, log } = context;
  const { attestation, hosts_path } = settings.verifier ?? {};
  if (attestation === undefined) return {};
  const { databases } = context;
  if (databases !== null && !('query' in databases) && !databases.has('verifier')) {
    log('no host is attested: set verifier.attestation.database_url_path', { code: 'attestation_without_database' });
    return {};
  }
  const { acceptors: parties, enrol, quorum, references_path, ek_roots_path } = attestation;
  const acceptors = { enrol, quorum, ...(parties && { parties }) };
  const roster = () => contracts.roster();
  const journal = databaseOf(context, 'verifier');
  const references = new ReferenceDirectory(references_path, journal, {
    roster,
    acceptors,
    objection: certifiedBy(ek_roots_path),
    log,
  });
  const tasks = attestationTasks({
    journal,
    key: keyOf(context, 'verifier'),
    clock,
    roster,
    acceptors,
    agentOf: (host) => agentOf(hosts_path, host),
    hosts: async () => (hosts_path === undefined ? [] : withAgents(await readHostsFile(hosts_path))),
    lookForReferences: (nowMs) => references.look(nowMs),
  });
  return { ...tasks, attestHost: (input) => Attempt.run(nothing, {}, () => tasks.attestHost(input)) };
}

/** Where the agent of a host is, by the file as it is now: hosts come and tokens change. Throws SettingsError. */
async function agentOf(file: string | undefined, host: string): Promise<AgentAddress | undefined> {
  if (file === undefined) return undefined;
  const agent = new Map(Object.entries(await readHostsFile(file))).get(host)?.attest_agent;
  if (agent === undefined) return undefined;
  const { url, token_file, tls } = agent;
  const answerMs = ANSWER_MS;
  if (tls === undefined)
    return { url, answerMs, ...(token_file && { token: await readSecretFile(token_file, `the token of ${host}`) }) };
  const pem = (path: string): Promise<string> =>
    readFile(path, 'utf8').catch(() => {
      throw new SettingsError('file_missing', `${path} cannot be read`);
    });
  const [key, cert, ca] = await Promise.all([
    readSecretFile(tls.key_file, `the key for ${host}`),
    pem(tls.cert_file),
    pem(tls.ca_file),
  ]);
  return { url, answerMs, tls: { key, cert, ca } };
}

const withAgents = (hosts: Hosts): string[] =>
  Object.entries(hosts).flatMap(([name, { attest_agent }]) => (attest_agent === undefined ? [] : [name]));

/** Where vendors' roots are configured, a reference without their word for its endorsement key is none. */
function certifiedBy(file: string | undefined): ReferenceObjection {
  if (file === undefined) return () => Promise.resolve(undefined);
  return async ({ reference }, nowMs) => {
    const roots = readRootCertificates(await readFile(file, 'latin1').catch(() => ''));
    if (roots === undefined || roots.length === 0) return `${file} holds no certificates in PEM`;
    const der = (text: string): Buffer => Buffer.from(text, 'base64');
    const verdict = verifyEkCertificate(der(reference.ek), reference.ek_chain.map(der), roots, nowMs);
    return verdict.ok ? undefined : `${verdict.code}: ${verdict.detail}`;
  };
}
