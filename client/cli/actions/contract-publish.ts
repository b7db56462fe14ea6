import { resolve } from 'node:path';
import { contractVersionSchema, seriesSchema } from '../../../domain/contract.js';
import { declaredLines, declaredOnly } from '../../../domain/contract-declared.js';
import { epochMs, instant } from '../../../domain/identifiers.js';
import { policyWarnings } from '../../../domain/policy-warnings.js';
import { signedRosterSchema, type SignedKind } from '../../../domain/signed-documents.js';
import type { ContractPolicy, SignedPayloads } from '../../../proofs/contract.js';
import { sha256Hex } from '../../../proofs/canonical-json.js';
import { toBeSigned } from '../../../proofs/contract-signing.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { readPolicyFile, readRosterFile } from '../../config/policy-file.js';
import { signByAll } from '../../contract/contract-signers.js';
import { documentStanding, type DocumentStanding } from '../../contract/document-standing.js';
import { readRegistry, readRegistryIfThere, type RegistryView } from '../../contract/registry-at.js';
import { momentFlag, signingMeans, contractPlace, type ContractPlace, type SigningOptions } from '../contract-place.js';
import { documentText } from '../contract-text.js';
import { oneLine } from '../printable.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';

export interface PublishOptions extends SigningOptions {
  series?: string;
  number?: string;
  validFrom?: string;
  validUntil?: string;
}

/**
 * `reseal contract publish FILE`: a policy with a contract section, or with `--roster` a roster, as one version of a series,
 * signed and put into the registry. With fewer signatures than the roots want it waits there for `reseal contract sign`.
 */
export async function publishContract(session: Session, file: string, options: PublishOptions): Promise<number> {
  const means = signingMeans(session, options);
  const at = await contractPlace(session, options);
  const nowMs = session.now();
  const view = await readRegistryIfThere(at.place, at.roots, nowMs);
  const path = resolve(session.io.cwd, file);
  if (options.roster === true) {
    const roster = await rosterToSign(session, path, options, documentsOf(view, at, nowMs));
    mayFollow('roster', roster, documentsOf(view, at, nowMs), nowMs);
    return await put(
      session,
      at,
      'roster',
      await signByAll('roster', toBeSigned('roster', roster), means, at.roots, nowMs),
    );
  }
  for (const flag of ['series', 'number', 'validFrom', 'validUntil'] as const)
    if (options[flag] !== undefined)
      throw new ResealError(
        'usage',
        `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is for --roster`,
        {
          hint: 'a contract says this of itself, in its contract section',
        },
      );
  const { policy } = await readPolicyFile(path);
  const { contract } = policy;
  if (contract === undefined)
    throw new ResealError('usage', `${file} has no contract section`, {
      hint: 'docs/contract.md says what it holds; deploy/policies/contract.yaml shows one',
    });
  mayFollow('contract', contract, documentsOf(view, at, nowMs), nowMs, toBeSigned('contract', policy).payload);
  for (const { code, path: where, message } of policyWarnings(policy, null))
    session.say(`warning: ${where.map(String).join('.')}: ${message} [${code}]`);
  const envelope = await signByAll('contract', toBeSigned('contract', policy), means, at.roots, nowMs);
  return await put(session, at, 'contract', envelope, { ...policy, contract });
}

/** Stores an envelope and tells how it stands now, from what the registry then shows. */
export async function put(
  session: Session,
  { registry, roots, place }: ContractPlace,
  kind: SignedKind,
  envelope: Parameters<ContractPlace['registry']['put']>[1],
  policy?: ContractPolicy,
): Promise<number> {
  const name = await registry.put(kind, envelope);
  const nowMs = session.now();
  const { shown, known } = await readRegistry(registry, roots, nowMs);
  const standing = documentStanding(kind, name, shown[kind].get(name), { known, roots, nowMs });
  const declared = policy === undefined ? {} : { declared_not_enforced: declaredOnly(policy.contract) };
  session.data((await structured(session.output, { ...standing, ...declared })) ?? documentText(session, standing));
  if (policy !== undefined) for (const line of declaredLines(policy.contract)) session.say(line);
  if (standing.code === `${kind}_unsigned`) {
    const flag = kind === 'contract' ? '' : ` --${kind}`;
    session.next(`another signer runs: reseal contract sign ${name}${flag} --key KEYFILE --registry ${oneLine(place)}`);
  } else if (standing.code === 'revocations_stale' && kind !== 'revocations') {
    session.next(
      `reseal contract revoke --key KEYFILE --key KEYFILE: without a fresh list, be it empty, nothing is granted`,
    );
  }
  return EXIT.done;
}

function documentsOf({ shown, known }: RegistryView, { roots }: ContractPlace, nowMs: number): DocumentStanding[] {
  return (['contract', 'roster'] as const).flatMap((kind) =>
    [...shown[kind]].map(([name, envelope]) => documentStanding(kind, name, envelope, { known, roots, nowMs })),
  );
}

/**
 * A version follows all that are there. The same content again is no new version: it gathers signatures.
 *
 * @throws {ResealError} `refused`.
 */
function mayFollow(
  kind: 'contract' | 'roster',
  wanted: { series: string; version: number; valid_until: string },
  documents: readonly DocumentStanding[],
  nowMs: number,
  payload?: string,
): void {
  const { series, version, valid_until } = wanted;
  if (epochMs(valid_until) <= nowMs)
    throw new ResealError('refused', `${kind}_expired: it ended at ${valid_until}, before it is published`);
  const same = payload === undefined ? undefined : digestOfPayload(payload);
  const others = documents.filter((one) => one.kind === kind && one.series === series && one.name !== same);
  const revoked = documents.find((one) => one.name === same && one.code === `${kind}_revoked`);
  if (revoked !== undefined) throw new ResealError('refused', `${kind}_revoked: ${revoked.message}`);
  const highest = Math.max(0, ...others.map((one) => one.version ?? 0));
  if (version > highest) return;
  throw new ResealError('refused', `${kind}_superseded: version ${highest} of ${series} is there already`, {
    hint: `publish it as version ${highest + 1}`,
  });
}

/** @throws {ResealError} `usage`, naming what is missing. */
async function rosterToSign(
  session: Session,
  path: string,
  options: PublishOptions,
  documents: readonly DocumentStanding[],
): Promise<SignedPayloads['roster']> {
  const rosters = documents.filter(({ kind }) => kind === 'roster');
  const [only, ...others] = new Set(rosters.map(({ series }) => series).filter((series) => series !== null));
  const series = options.series ?? (others.length === 0 ? only : undefined);
  if (series === undefined || !seriesSchema.safeParse(series).success)
    throw new ResealError('usage', `--series: ${series === undefined ? 'which one?' : `"${series}" is no name`}`, {
      hint: 'such as --series people: 1 to 64 of a-z 0-9 . _ -',
    });
  if (options.validUntil === undefined)
    throw new ResealError('usage', '--valid-until is missing', { hint: 'such as --valid-until 2027-06-01T00:00:00Z' });
  const highest = Math.max(0, ...rosters.filter((one) => one.series === series).map(({ version }) => version ?? 0));
  const version = contractVersionSchema.safeParse(options.number === undefined ? highest + 1 : Number(options.number));
  if (!version.success)
    throw new ResealError('usage', `--number "${options.number ?? ''}": expected a whole number from 1 on`);
  const parsed = signedRosterSchema.safeParse({
    schema: 'reseal.roster.v1',
    series,
    version: version.data,
    valid_from:
      options.validFrom === undefined ? instant(session.now()) : momentFlag('--valid-from', options.validFrom),
    valid_until: momentFlag('--valid-until', options.validUntil),
    roster: await readRosterFile(path),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new ResealError('usage', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

const digestOfPayload = (payload: string): string => sha256Hex(Buffer.from(payload, 'base64'));
