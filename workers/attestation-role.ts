import type { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { Attempt } from '../activities/graph/attempt.js';
import type { AgentAddress } from '../activities/tpm/agent-client.js';
import { attestationTasks } from '../activities/tpm/attest-host.js';
import { ReferenceDirectory, type ReferenceObjection } from '../activities/tpm/reference-directory.js';
import type { AttestationTasks } from '../domain/incidents/attestation-result.js';
import type { HostReference } from '../domain/incidents/host-reference.js';
import type { Hosts } from '../domain/incidents/host.js';
import { readCrlFile, type Crl } from '../proofs/tpm/crl.js';
import {
  readRootCertificates,
  verifyEkCertificate,
  type EkAuthorities,
  type EkCertificateVerdict,
} from '../proofs/tpm/ek-certificate.js';
import type { AttestationSettings } from './attestation-settings.js';
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
  const { acceptors: parties, enrol, quorum, references_path } = attestation;
  const acceptors = { enrol, quorum, ...(parties && { parties }) };
  const roster = () => contracts.roster();
  const journal = databaseOf(context, 'verifier');
  const references = new ReferenceDirectory(references_path, journal, {
    roster,
    acceptors,
    objection: certifiedBy(attestation),
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
    standing: stillCertified(attestation),
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

type VendorFiles = Pick<AttestationSettings, 'ek_roots_path' | 'ek_crls_path'>;

/** Where vendors' roots are configured, a reference without their word for its endorsement key is none. */
function certifiedBy({ ek_roots_path, ek_crls_path }: VendorFiles): ReferenceObjection {
  if (ek_roots_path === undefined) return () => Promise.resolve(undefined);
  return async ({ reference }, nowMs) => {
    const roots = await rootsIn(ek_roots_path);
    if (roots.length === 0) return `${ek_roots_path} holds no certificates in PEM`;
    const crls = ek_crls_path === undefined ? undefined : await crlsIn(ek_crls_path);
    if (crls === null) return `${ek_crls_path ?? ''} holds no lists of revoked certificates`;
    const verdict = verdictOn(reference, { roots, ...(crls && { crls }) }, nowMs);
    return verdict.ok ? undefined : `${verdict.code}: ${verdict.detail}`;
  };
}

/**
 * Of a reference that was taken: whether its vendor has revoked its endorsement key since. A list that is older than it may be
 * counts for what it names: a vendor that is late stops no host. Throws SettingsError where the lists cannot be read.
 */
function stillCertified({ ek_roots_path, ek_crls_path }: VendorFiles): ReferenceObjection {
  if (ek_roots_path === undefined || ek_crls_path === undefined) return () => Promise.resolve(undefined);
  return async ({ reference }, nowMs) => {
    const [roots, crls] = await Promise.all([rootsIn(ek_roots_path), crlsIn(ek_crls_path)]);
    if (crls === null)
      throw new SettingsError('file_invalid', `${ek_crls_path} holds no lists of revoked certificates`);
    const verdict = verdictOn(reference, { roots, crls, staleCrls: true }, nowMs);
    return !verdict.ok && verdict.code === 'ek_certificate_revoked' ? `${verdict.code}: ${verdict.detail}` : undefined;
  };
}

const rootsIn = async (file: string): Promise<X509Certificate[]> =>
  readRootCertificates(await readFile(file, 'latin1').catch(() => '')) ?? [];

/** Null where there are none, or one of them cannot be read. */
async function crlsIn(file: string): Promise<Crl[] | null> {
  const bytes = await readFile(file).catch(() => null);
  const read = bytes && readCrlFile(bytes);
  return read?.ok === true ? read.value : null;
}

function verdictOn({ ek, ek_chain }: HostReference, authorities: EkAuthorities, nowMs: number): EkCertificateVerdict {
  const der = (text: string): Buffer => Buffer.from(text, 'base64');
  return verifyEkCertificate(der(ek), ek_chain.map(der), authorities, nowMs);
}
