import { ApplicationFailure } from '@temporalio/activity';
import type { KeyObject } from 'node:crypto';
import {
  attestHostInputSchema,
  type AttestationResult,
  type AttestationTasks,
  type AttestHostInput,
  type AttestHostOutcome,
} from '../../domain/incidents/attestation-result.js';
import { epochMs, instant } from '../../domain/identifiers.js';
import type { Acceptors } from '../../domain/incidents/host-reference.js';
import type { DsseEnvelope } from '../../domain/intent.js';
import type { Roster } from '../../domain/roster.js';
import { signAttestationResult } from '../../proofs/incidents/attestation-result.js';
import { readBaselineStatements, type BaselineStatements } from '../../proofs/incidents/baseline-statements.js';
import { attestationResultOf, isAuthentic, type Attested } from '../../proofs/incidents/judge-attestation.js';
import { readEarlierQuote } from '../../proofs/tpm/earlier-quote.js';
import { verifyQuote } from '../../proofs/tpm/verify-quote.js';
import type { Clock } from '../clock.js';
import type { Database } from '../register/database.js';
import type { AgentAddress } from './agent-client.js';
import type { ReferenceObjection } from './reference-directory.js';
import { acceptedReferences } from './reference-journal.js';
import {
  keepQuote,
  lastHealthyQuote,
  quoteAtContainment,
  resultOf,
  takeAttempt,
  writeResult,
  type KeptQuote,
} from './attestation-journal.js';
import { chooseReference, type ChosenReference } from './chosen-reference.js';
import { collectEvidence, type Collected } from './collect-evidence.js';
import { mintNonce, spendNonce, type MintedNonce, type SpentAs } from './nonce-journal.js';

/** What the verifier holds for attestation. */
export interface AttestationDeps {
  /** Over which `VERIFIER_MIGRATIONS` have run. */
  journal: Database;
  key: { keyid: string; privateKey: KeyObject };
  clock: Clock;
  roster: () => Roster;
  acceptors: Acceptors;
  /** Where the agent of a host is, read anew for each call; undefined for a host that this process does not know. */
  agentOf: (host: string) => Promise<AgentAddress | undefined>;
  /** The hosts that have one. */
  hosts: () => Promise<readonly string[]>;
  /** Records what references have come since: before each judgement, so that none is newer than it is. */
  lookForReferences: (nowMs: number) => Promise<void>;
  /** What came up against a reference after it was taken, such as that its vendor revoked the endorsement key. */
  standing?: ReferenceObjection;
}

const MOST_HOSTS = 1000;

type Baseline = AttestationResult['baseline'];
const NO_BASELINE: Baseline = { kind: 'none', at: null, waived_by: [] };

/** The verifier's part in recovery. Its input is anybody's: it says what is asked, and nothing about the host. */
export const attestationTasks = (deps: AttestationDeps): AttestationTasks => ({
  attestHost: async (input) => {
    const parsed = attestHostInputSchema.safeParse(input);
    if (!parsed.success) throw ApplicationFailure.nonRetryable('not what attestHost is asked', 'invalid_input');
    return attestHost(deps, parsed.data);
  },
  listAttested: async () => {
    const { journal, acceptors, clock } = deps;
    await deps.lookForReferences(clock.now());
    const hosts: string[] = [];
    for (const host of await deps.hosts())
      if ((await acceptedReferences(journal, host, acceptors.enrol)).length > 0) hosts.push(host);
    return { hosts: hosts.sort().slice(0, MOST_HOSTS) };
  },
});

/**
 * One attempt: a nonce of its own, the host's answer to it, and the verdict, signed. An attempt has one result: whoever asks
 * again gets the same, byte for byte. While the host or its TPM is away or busy there is none; the same attempt may then be
 * asked for again, and has another nonce.
 */
async function attestHost(deps: AttestationDeps, input: AttestHostInput): Promise<AttestHostOutcome> {
  const { journal, clock } = deps;
  const before = await resultOf(journal, input);
  if (before !== undefined) return { outcome: 'result', result: before };
  const agent = await deps.agentOf(input.host);
  if (agent === undefined)
    throw ApplicationFailure.nonRetryable(`no agent of host ${input.host} is configured`, 'host_unknown');
  await deps.lookForReferences(clock.now());
  const { roster, acceptors } = deps;
  const said = readBaselineStatements(input, { roster: roster(), acceptors, nowMs: clock.now() });
  const reference = await chooseReference(journal, input, said, acceptors);
  const against = reference && (await deps.standing?.(reference, clock.now()));
  const minted = await mintNonce(journal, input, clock.now());
  const attempt = { input, nonce: minted.nonce, reference: reference?.judgedBy ?? null };
  if (reference === undefined || against !== undefined) {
    const expected =
      against === undefined ? unknownHost(input) : `expected keys that nothing came up against: ${against}`;
    const outcome = { failed: 'AK_NOT_ENROLLED', expected } as const;
    return conclude(deps, minted, { ...attempt, baseline: NO_BASELINE, outcome, nowMs: clock.now() });
  }
  const collected = await collectEvidence(agent, reference, minted.nonce);
  if (collected.outcome === 'waiting') {
    await spendNonce(journal, minted.nonce, input, collected.reason, clock.now());
    return collected;
  }
  const { baseline, earlier } = await baselineOf(deps, input, reference, said);
  const outcome = outcomeOf(collected, { reference, minted, earlier, rebooted: input.purpose === 'recovery' });
  return conclude(deps, minted, { ...attempt, baseline, outcome, nowMs: clock.now() }, collected);
}

const unknownHost = ({ host, contained_at }: AttestHostInput): string =>
  `expected a reference of ${host} that was accepted${contained_at === null ? '' : ' before its containment, or by a quorum in this incident'}: reseal tpm enroll ${host}`;

function outcomeOf(
  collected: Exclude<Collected, { outcome: 'waiting' }>,
  of: { reference: ChosenReference; minted: MintedNonce; earlier: KeptQuote | undefined; rebooted: boolean },
): Attested['outcome'] {
  if (collected.outcome === 'refused')
    return { failed: 'NO_EVIDENCE', expected: `expected a quote and an opened credential, got ${collected.detail}` };
  const { reference, minted, earlier, rebooted } = of;
  const counted = earlier && readEarlierQuote(earlier.quote, earlier.signature, reference.ak);
  const report = verifyQuote(collected.evidence, {
    nonce: minted.nonce,
    policy: reference.policy,
    ek: reference.ek,
    activated: collected.activated,
    ...(counted?.ok === true ? { earlier: counted.quote, rebooted } : {}),
  });
  return { report };
}

/** What resets are counted from. A baseline itself and the schedule are compared with the last good quote, and need none. */
async function baselineOf(
  { journal, acceptors, clock }: AttestationDeps,
  input: AttestHostInput,
  { judgedBy }: ChosenReference,
  { waivedBy }: BaselineStatements,
): Promise<{ baseline: Baseline; earlier: KeptQuote | undefined }> {
  const { purpose, host, contained_at } = input;
  const { akName } = judgedBy;
  const atContainment = purpose === 'recovery' ? await quoteAtContainment(journal, input, akName) : undefined;
  if (atContainment !== undefined)
    return { baseline: { kind: 'containment', at: atContainment.takenAt, waived_by: [] }, earlier: atContainment };
  const beforeMs = contained_at === null ? clock.now() : Math.min(epochMs(contained_at), clock.now());
  const healthy = await lastHealthyQuote(journal, host, akName, beforeMs);
  if (healthy !== undefined)
    return { baseline: { kind: 'last_healthy', at: healthy.takenAt, waived_by: [] }, earlier: healthy };
  if (purpose === 'recovery' && waivedBy.length >= acceptors.quorum)
    return { baseline: { kind: 'waived', at: null, waived_by: waivedBy }, earlier: undefined };
  return { baseline: NO_BASELINE, earlier: undefined };
}

/**
 * Spends the nonce, signs, and writes all of it down at once. Where another answer to the same attempt was first, that one
 * is answered and this one is not kept. A nonce that is over counts as an answer that did not come.
 */
async function conclude(
  { journal, key }: AttestationDeps,
  minted: MintedNonce,
  attested: Attested,
  collected?: Collected,
): Promise<AttestHostOutcome> {
  const { input, nonce, outcome, nowMs } = attested;
  const result = attestationResultOf(attested);
  const report = 'report' in outcome ? outcome.report : undefined;
  return journal.transaction(async (tx): Promise<AttestHostOutcome> => {
    await takeAttempt(tx, input);
    const first = await resultOf(tx, input);
    if (first !== undefined) return { outcome: 'result', result: first };
    const spent: SpentAs = result.verdict;
    if (!(await spendNonce(tx, nonce, input, spent, nowMs)))
      return { outcome: 'waiting', reason: 'unreachable', detail: `no answer before ${instant(minted.expiresMs)}` };
    const envelope: DsseEnvelope = signAttestationResult(result, key);
    await writeResult(tx, nonce, input, { envelope, issuedAt: result.issued_at });
    if (report !== undefined && collected?.outcome === 'evidence' && isAuthentic(report)) {
      const { quote, signature } = collected.evidence;
      await keepQuote(tx, nonce, input, {
        quote: Buffer.from(quote),
        signature: Buffer.from(signature),
        takenAt: instant(nowMs),
        akName: attested.reference?.akName ?? '',
        healthy: report.ok,
        safe: report.quoted?.safe === true,
      });
    }
    return { outcome: 'result', result: envelope };
  });
}
