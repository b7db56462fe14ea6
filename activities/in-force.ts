import { callOf } from '../domain/contract-targets.js';
import type { KindTools } from '../domain/effects/kind.js';
import { z } from 'zod';

import { contractRefusal } from '../domain/contract-targets.js';
import type { Contract } from '../domain/contract.js';
import { digestSchema, epochMs } from '../domain/identifiers.js';
import type { PolicyInForce } from '../domain/policy-in-force.js';
import type { Policy } from '../domain/policy.js';
import type { Refusal } from '../domain/refusal.js';
import type { Request } from '../domain/request.js';
import type { Roster } from '../domain/roster.js';
import type { Evidence } from '../domain/tasks.js';
import type { DsseEnvelope } from '../proofs/dsse.js';
import { tupleOf } from '../proofs/evidence.js';

/**
 * One signed document of a series, by name. `digest` is the lower-case hex SHA-256 of its RFC 8785 form. Lists of revocations
 * are one series, and their number is the version.
 */
export interface SeriesVersion {
  kind: 'contract' | 'roster' | 'revocations';
  series: string;
  version: number;
  digest: string;
}

/** What a grant is judged by: the signed contract that the request names and the signed roster, both in force now. */
export type Carrying =
  | {
      ok: true;
      policy: Policy;
      digest: string;
      /** The policy's own section of that name: a policy without one carries nothing. */
      contract: Contract;
      roster: Roster;
      versions: readonly SeriesVersion[];
      /** The contract as its signers signed it, for whoever proves it later; null where nobody signed it. */
      envelope: DsseEnvelope | null;
    }
  | ({ ok: false } & Refusal);

/**
 * What a role knows of signed contracts and rosters. Only `carrying` may lead to a grant. The other two answer what last
 * verified, whatever became of it since, so that whoever ends, shows or tells something never waits for a registry.
 */
export interface InForce {
  readonly policy: () => PolicyInForce;
  readonly roster: () => Roster;
  /** Whether this contract carries a grant at `nowMs`, by the caller's own roots and clock; else why not, by name. */
  readonly carrying: (policyDigest: string, nowMs: number) => Carrying;
  /** The roster of this digest as its signers signed it, for whoever proves it later; null where none is known here. */
  readonly signedRoster: (digest: string) => DsseEnvelope | null;
}

const namedContract = z.object({ request: z.object({ policy_digest: digestSchema }) });

/**
 * The contract that evidence names, if it may carry a grant now. What the request says is not verified here: it only
 * chooses which contract the evidence is then judged by. The evidence is attacker-controlled: never throws.
 */
export function carryingOf(inForce: InForce, evidence: Pick<Evidence, 'request'>, nowMs: number): Carrying {
  let said: unknown;
  try {
    said = JSON.parse(evidence.request.payload);
  } catch {
    said = undefined;
  }
  const named = namedContract.safeParse(said);
  // What names none is refused for what it is, by the rules of the contract in force.
  return inForce.carrying(named.success ? named.data.request.policy_digest : inForce.policy().digest, nowMs);
}

/** Why the contract does not carry a deadline (RFC 3339 UTC) that people asked for after the grant, or undefined. */
export function validityRefusal(
  { contract }: Extract<Carrying, { ok: true }>,
  extension: { deadline: string } | undefined,
): Refusal | undefined {
  if (extension === undefined || epochMs(extension.deadline) <= epochMs(contract.valid_until)) return undefined;
  const message = `the contract ends at ${contract.valid_until}, before the new deadline ${extension.deadline}`;
  return { code: 'contract_ends_too_soon', message };
}

/** Why the contract does not let this tool be used on what a request asks for, or undefined where it does. */
export function toolRefusal(
  { contract, roster }: Extract<Carrying, { ok: true }>,
  use: keyof KindTools,
  request: Pick<Request, 'effect' | 'principal'>,
): { code: string; message: string } | undefined {
  return contractRefusal(contract, callOf(use, tupleOf(request)), roster);
}
