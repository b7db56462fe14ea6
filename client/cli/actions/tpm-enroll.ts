import { randomBytes, type X509Certificate } from 'node:crypto';
import { resolve } from 'node:path';
import { askForKeys, askForQuote } from '../../../activities/tpm/agent-client.js';
import { instant } from '../../../domain/identifiers.js';
import { hostNameSchema } from '../../../domain/incidents/incident-id.js';
import { sha256Hex } from '../../../proofs/canonical-json.js';
import { readHostReference } from '../../../proofs/incidents/host-reference.js';
import { makeReference } from '../../../proofs/incidents/make-reference.js';
import { readAttestationKey } from '../../../proofs/tpm/attestation-key.js';
import { readCrlFile, type Crl } from '../../../proofs/tpm/crl.js';
import { readRootCertificates, trimDer, verifyEkCertificate } from '../../../proofs/tpm/ek-certificate.js';
import { measuredEvents } from '../../../proofs/tpm/measured-events.js';
import { readPcrValues } from '../../../proofs/tpm/pcr-values.js';
import { parsePublicArea } from '../../../proofs/tpm/public-area.js';
import { verifyQuote } from '../../../proofs/tpm/verify-quote.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readBytes } from '../../config/read-bytes.js';
import { actorOf } from '../identity.js';
import { oneLine } from '../printable.js';
import { confirm } from '../prompt.js';
import { latestReference, referenceFile, signAcceptance, writeReferenceFile } from '../reference-files.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { agentAt, answered, opens, selectedIn, type AgentOptions } from '../tpm-agent.js';
import { componentLines } from '../tpm-policy-text.js';
import { attestationText } from '../tpm-report-text.js';

export interface TpmEnrollOptions extends AgentOptions {
  label: string;
  references: string;
  select?: string;
  roots?: string;
  chain?: string;
  crls?: string[];
  withoutCertificate?: boolean;
  eventLog?: boolean;
  perComponent?: boolean;
  yes?: boolean;
}

const MAX_BYTES = 1024 * 1024;
const FIRMWARE = { sha256: [0, 1, 2, 3, 4, 5, 6, 7] };

const usage = (message: string, hint?: string): ResealError =>
  new ResealError('usage', message, hint === undefined ? {} : { hint });

/**
 * `reseal tpm enroll HOST URL`: which TPM the host has, that its keys are where they should be, and what its PCRs are now;
 * shown, and signed as the next version of its reference.
 */
export async function enrollHost(
  session: Session,
  name: string,
  url: string,
  options: TpmEnrollOptions,
): Promise<number> {
  const host = hostNameSchema.safeParse(name).data;
  if (host === undefined) throw usage(`a host is called 1 to 64 of a-z 0-9 . _ -, not "${name}"`);
  const label = options.label.trim();
  if (label === '' || label.length > 200)
    throw usage('--label says in 1 to 200 characters what these values stand for');
  const read = (file: string): Promise<Buffer> => readBytes(resolve(session.io.cwd, file), MAX_BYTES);
  const agent = await agentAt(url, options, read);
  const pcrs = options.select === undefined ? FIRMWARE : selectedIn(options.select);
  const folder = resolve(session.io.cwd, options.references);
  const before = await latestReference(folder, host);
  const keys = answered(await session.during(`waiting for ${url}`, askForKeys(agent)));
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64');
  const ek = parsePublicArea(bytes(keys.ek));
  const ak = readAttestationKey(bytes(keys.ak));
  if (!ek.ok || !ak.ok)
    throw new ResealError('verification_failed', `the host has no usable keys: ${refusalOf(ek, ak)}`);
  const certificate = keys.ek_certificate === null ? undefined : trimDer(bytes(keys.ek_certificate));
  const chain = await chainOf(options, certificate, bytes(keys.ek), read, session.now());
  const activated = await opens(agent, ek.value, ak.value, 'the attestation key');
  const nonce = randomBytes(32);
  const eventLog =
    options.eventLog === true || options.perComponent === true || before?.policy.components !== undefined;
  const question = { nonce: nonce.toString('hex'), pcrs, event_log: eventLog };
  const shown = answered(await session.during(`waiting for ${url}`, askForQuote(agent, question)));
  if (eventLog && shown.event_log === null)
    throw usage('the host has no event log: start its agent with --event-log, or enrol it without');
  const evidence = {
    quote: bytes(shown.quote),
    signature: bytes(shown.signature),
    ak,
    pcrs: readPcrValues(JSON.stringify(shown.pcrs)),
    ...(shown.event_log === null ? {} : { eventLog: bytes(shown.event_log) }),
  };
  const report = verifyQuote(evidence, { nonce, ek: ek.value, activated });
  if (!report.ok) {
    session.data((await structured(session.output, report)) ?? attestationText(session, report));
    return EXIT.unverified;
  }
  const actor = await actorOf(session, await session.api());
  const reference = makeReference(
    {
      host,
      ek: bytes(keys.ek),
      ak: bytes(keys.ak),
      ekChain: chain.der,
      eventLog,
      pcrs: shown.pcrs,
      ...(options.perComponent === true ? { measured: measuredBy(evidence.eventLog, shown.pcrs) } : {}),
      label,
      by: actor.person.id,
      at: instant(session.now()),
    },
    before,
  );
  const made = readHostReference(reference);
  if (!made.ok) throw usage(`this is more than a reference can say: ${made.message}`, 'name fewer PCRs with --select');
  const version = (before?.version ?? 0) + 1;
  session.show(
    [
      `host         ${host}, reference version ${version}`,
      `TPM          ${chain.said}`,
      `key          ${report.quoted?.ak_name ?? ''}; the host has opened a credential made for it`,
      ...Object.entries(shown.pcrs).flatMap(([bank, values]) =>
        Object.entries(values).map(([index, value]) => `${bank} PCR ${index.padEnd(3)}${value}`),
      ),
      ...(options.perComponent === true ? componentLines(made.value.reference.policy) : []),
    ].join('\n'),
  );
  if (session.asks && options.yes !== true) {
    const agreed = await confirm(session, `say as ${oneLine(actor.person.upn)} that this is how ${host} should be?`);
    if (!agreed) {
      session.warn('nothing was signed');
      return EXIT.denied;
    }
  }
  const file = referenceFile(folder, { host, version });
  await writeReferenceFile(file, reference, [await signAcceptance(actor, host, reference, session.now())]);
  const said = {
    host,
    version,
    digest: sha256Hex(reference),
    file,
    ek_certificate: chain.verified,
    accepted_by: [actor.person.id],
  };
  session.data((await structured(session.output, said)) ?? `enrolled ${host}: ${file}`);
  session.next(`reseal tpm accept ${file}`);
  return EXIT.done;
}

/** Only of a log that has led to the quoted values. */
function measuredBy(log: Buffer | undefined, pcrs: Readonly<Record<string, Readonly<Record<string, string>>>>) {
  const measured = measuredEvents(log ?? Buffer.alloc(0), pcrs);
  if (measured.ok) return measured.value;
  throw usage(`no components can be recorded: ${measured.detail}`, 'name fewer PCRs with --select');
}

function refusalOf(...parsed: ({ ok: true } | { ok: false; detail: string })[]): string {
  return parsed.flatMap((one) => (one.ok ? [] : [one.detail])).join('; ');
}

/**
 * The chain of the endorsement key, held against the vendor's roots. Which TPM it is rests on that, or on who says so
 * themselves with `--without-certificate`.
 */
async function chainOf(
  { roots, chain, crls, withoutCertificate }: TpmEnrollOptions,
  certificate: Buffer | undefined,
  ek: Buffer,
  read: (file: string) => Promise<Buffer>,
  nowMs: number,
): Promise<{ der: Buffer[]; said: string; verified: boolean }> {
  if (crls !== undefined && roots === undefined)
    throw usage('--crls says something of certificates under --roots: pass both');
  if (withoutCertificate === true)
    return { der: [], said: 'not checked against its vendor: whoever accepts this vouches for it', verified: false };
  if (roots === undefined)
    throw usage('whose TPM is it?', '--roots FILE with the certificates of its vendor, or --without-certificate');
  if (certificate === undefined)
    throw new ResealError('verification_failed', 'the TPM keeps no certificate of its endorsement key', {
      hint: '--without-certificate, if you know otherwise which TPM this is',
    });
  const between = chain === undefined ? [] : await certificatesOf(chain, read);
  const der = [certificate, ...between.map(({ raw }) => raw)];
  const lists = crls === undefined ? {} : { crls: await crlsOf(crls, read) };
  const verdict = verifyEkCertificate(ek, der, { roots: await certificatesOf(roots, read), ...lists }, nowMs);
  if (!verdict.ok) throw new ResealError('verification_failed', `${verdict.code}: ${oneLine(verdict.detail)}`);
  return { der, said: `certified under ${oneLine(verdict.root)}`, verified: true };
}

async function certificatesOf(file: string, read: (file: string) => Promise<Buffer>): Promise<X509Certificate[]> {
  const found = readRootCertificates((await read(file)).toString('latin1'));
  if (found === undefined || found.length === 0) throw usage(`${file} holds no certificates in PEM`);
  return found;
}

async function crlsOf(files: readonly string[], read: (file: string) => Promise<Buffer>): Promise<Crl[]> {
  const lists = files.map(async (file) => {
    const found = readCrlFile(await read(file));
    if (found.ok) return found.value;
    throw usage(`${file} holds no lists of revoked certificates, PEM or DER: ${found.detail}`);
  });
  return (await Promise.all(lists)).flat();
}
