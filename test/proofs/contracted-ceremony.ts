import type { EntryPayload } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import { policySchema } from '../../domain/policy.js';
import type { Roster } from '../../domain/roster.js';
import { buildBundle } from '../../proofs/bundle.js';
import { digestOf } from '../../proofs/canonical-json.js';
import type { ContractPolicy } from '../../proofs/contract.js';
import type { ContractRootsFile } from '../../proofs/contract-roots.js';
import { signDocument } from '../../proofs/contract-signing.js';
import type { DsseEnvelope } from '../../proofs/dsse.js';
import type { BundleReport } from '../../proofs/bundle-report.js';
import { verifyBundle } from '../../proofs/bundle-verify.js';
import { parseTrust, trustFileText, type Trust } from '../../proofs/trust.js';
import { contractInput, rootEntry, signedRoster, signer } from '../support/contract-signers.js';
import { policy, requestFor, roleKeys, roster, T0, trustedRoles } from './ceremony-people.js';
import { fullCeremony, ledgerOf, sign } from './full-ceremony.js';

/** A ceremony under a signed contract and a signed roster, with everything that a bundle can hold. */

export const signers = [signer('ann'), signer('ben')];
export const keys = signers.map(({ key }) => key);

const { tenant_id } = policy;
const everybody = {
  tenant_ids: [tenant_id],
  allowed_principals: ['*'],
  allowed_roles: Object.values(policy.profiles).flatMap((one) => ('role' in one ? [one.role.template_id] : [])),
};
const section = contractInput();
const execution = { ...(section['execution'] as object), target_constraints: everybody };
export const contract = policySchema.parse({ ...policy, contract: { ...section, execution } }) as ContractPolicy;
export const contractEnvelope = signDocument('contract', contract, keys);

export const peoplesRoster = signedRoster({ series: 'people', version: 3, roster });
export const rosterEnvelope = signDocument('roster', peoplesRoster, keys);

const contractRoots: ContractRootsFile = {
  schema: 'reseal.contract-roots.v1',
  threshold: 2,
  keys: signers.map((one) => rootEntry(one)),
};
export const trustText = (over: { roster?: Roster; contractRoots?: ContractRootsFile | null } = {}): string => {
  const roots = over.contractRoots === undefined ? contractRoots : over.contractRoots;
  return trustFileText({
    roles: trustedRoles,
    roster: over.roster ?? roster,
    ...(roots === null ? { policies: [digestOf(contract)] } : { contractRoots: roots }),
  });
};
export const trustOfText = (text: string): Trust => {
  const parsed = parseTrust(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.trust;
};

const request = requestFor({ policy_digest: digestOf(contract) });
export const eventId = request.event_id;
export const namedRoster = { series: 'people', version: 3, digest: digestOf(peoplesRoster) };

/** The bundle as the register seals it; `over` changes what goes in, with every signature of the roles genuine. */
export function contracted(
  over: {
    named?: Record<string, unknown>;
    payloads?: (payloads: EntryPayload[]) => EntryPayload[];
    rosters?: DsseEnvelope[];
    contract?: DsseEnvelope;
  } = {},
): string {
  const { payloads } = fullCeremony(request, over.named ?? namedRoster);
  const receipts = (over.payloads ?? ((all) => all))(payloads).map(sign);
  return buildBundle({
    eventId,
    stage: 'audited',
    sealedAt: instant(T0 + 60 * 60_000),
    policy: contract,
    contract: over.contract ?? contractEnvelope,
    rosters: over.rosters ?? [rosterEnvelope],
    people: roster.people.filter(({ id }) => ['alice', 'bob', 'carol'].includes(id)),
    entries: ledgerOf(eventId, receipts),
    key: roleKeys.register,
  });
}

export const verifyContracted = (text: string, trust = trustOfText(trustText())): BundleReport =>
  verifyBundle(Buffer.from(text), trust);
