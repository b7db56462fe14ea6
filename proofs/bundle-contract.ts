import { callOf, contractRefusal } from '../domain/contract-targets.js';
import { epochMs } from '../domain/identifiers.js';
import { tupleOf } from './evidence.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import type { BundleFindings } from './bundle-report.js';
import type { BundleStatement } from './bundle.js';
import { openContract } from './contract.js';
import type { Trust } from './trust.js';

/**
 * Whether the policy was a contract that enough of the trust file's signers signed, valid when it was asked for and when it
 * was issued, and one that allows what was asked. Keys count as they stood at the admission: one that ended since signed well.
 */
export function proveContract(
  predicate: BundleStatement['predicate'],
  { request, intent, extensions }: ProvenAuthority,
  entries: readonly ProvenEntry[],
  trust: Trust,
  findings: BundleFindings,
): void {
  const { contract: envelope } = predicate;
  const refuse = (where: string, message: string): void =>
    findings.fail('contract', 'contract_refused', where, message);
  if (trust.contractRoots === undefined) {
    findings.notVerified.push('who signed the policy as a contract: the trust file names no signers');
    return findings.ran('contract', envelope === undefined ? 'none' : 'not verified: the trust file names no signers');
  }
  const listed = trust.policies?.has(request.policy_digest) === true;
  if (envelope === undefined) {
    if (!listed) return refuse('predicate', 'it holds no signed contract, and the trust file does not list the policy');
    findings.notVerified.push('that anybody signed the policy as a contract: the trust file lists it, and no more');
    return findings.ran('contract', 'none; the trust file lists the policy');
  }
  const admittedMs = epochMs(entries[0]?.entry.at ?? predicate.sealed_at);
  const opened = openContract(envelope, trust.contractRoots, admittedMs);
  if (!opened.ok) return refuse('predicate.contract', `${opened.code}: ${opened.message}`);
  const { series, version, digest, valid_from, valid_until, signers, policy } = opened;
  if (digest !== request.policy_digest) return refuse('predicate.contract', `it is of policy ${digest}`);
  for (const { intent: extension } of extensions)
    if (epochMs(extension.deadline) > epochMs(valid_until))
      return refuse(
        'predicate.contract',
        `it was valid until ${valid_until}, and was extended to ${extension.deadline}`,
      );
  for (const at of [admittedMs, ...(intent === undefined ? [] : [epochMs(intent.intent.issued_at)])]) {
    if (at < epochMs(valid_from) || at >= epochMs(valid_until))
      return refuse('predicate.contract', `it was valid from ${valid_from} to ${valid_until}, and not then`);
  }
  const outside = contractRefusal(policy.contract, callOf('write', tupleOf(request)), trust.roster);
  if (outside !== undefined) return refuse('predicate.contract', `${outside.code}: ${outside.message}`);
  findings.facts.contract = { series, version, signers };
  findings.ran('contract', `${series} version ${version}, signed by ${signers.join(', ')}; valid until ${valid_until}`);
}
