import { proveBeside } from './bundle-beside.js';
import { proveCalls } from './bundle-calls.js';
import { proveContract } from './bundle-contract.js';
import { comparePeople } from './bundle-people.js';
import { proveAuthority, type ProvenEntry } from './bundle-authority.js';
import { proveDelivery } from './bundle-delivery.js';
import { openBundle } from './bundle-open.js';
import { proveFollowUps } from './bundle-follow-up.js';
import { proveJobs } from './bundle-jobs.js';
import { proveKill } from './bundle-kill.js';
import { proveOutcome } from './bundle-outcome.js';
import { proveReview } from './bundle-review.js';
import { proveRosters } from './bundle-roster.js';
import { BundleFindings, placeOfSeq, type BundleReport } from './bundle-report.js';
import type { BundleStatement } from './bundle.js';
import { proveWatch } from './bundle-watch.js';
import { verifyLedger } from './ledger.js';
import { readEntry } from './receipt.js';
import type { Trust } from './trust.js';

/**
 * Verifies an evidence bundle offline, from its bytes and a trust-roots file: nothing else is asked or believed.
 *
 * The bytes are attacker-controlled: never throws. Whatever was changed fails, naming where; whatever these checks cannot
 * establish is listed in `not_verified`.
 */
export function verifyBundle(bytes: Uint8Array, trust: Trust): BundleReport {
  const findings = new BundleFindings();
  const statement = openBundle(bytes, trust, findings);
  if (statement === undefined) return findings.report(null, null);
  const { predicate } = statement;
  checkLedger(statement, findings);
  const entries = provenEntries(predicate, trust, findings);
  findings.notVerified.push('that no later entry was left out: a bundle carries no checkpoint of a witness');
  findings.notVerified.push("that the makers' clocks were right: each time is its signer's own");
  const authority = proveAuthority(predicate, entries, trust, findings);
  comparePeople(predicate, trust.roster, findings);
  if (authority !== undefined) {
    proveContract(predicate, authority, entries, trust, findings);
    proveRosters(predicate, authority, entries, trust, findings);
    proveCalls(authority.request, entries, findings);
    proveOutcome(authority, entries, predicate.stage, trust, findings);
    proveBeside(authority, entries, findings);
    proveWatch(authority, entries, findings);
    proveDelivery(authority, entries, findings);
    proveReview(authority, entries, trust, findings);
    proveJobs(authority, predicate, entries, trust, findings);
    proveKill(authority, entries, findings);
    proveFollowUps(authority, predicate, entries, trust, findings);
  }
  if (findings.facts.approvals.some(({ method }) => method !== 'software')) {
    findings.notVerified.push('that hardware holds the keys enrolled as such: only attestation at enrolment shows it');
  }
  return findings.report(predicate.event_id, predicate.stage);
}

function checkLedger({ subject, predicate }: BundleStatement, findings: BundleFindings): void {
  const verdict = verifyLedger(predicate.event_id, predicate.entries);
  if (!verdict.ok) {
    const where = verdict.at === 0 ? 'predicate.entries' : `entries[${verdict.at - 1}]`;
    const detail = verdict.detail === undefined ? '' : `: ${verdict.detail}`;
    findings.fail('ledger', 'ledger_broken', where, `${verdict.reason}${detail}`);
    return;
  }
  findings.facts.ledger_head = verdict.head;
  findings.facts.ledger_count = verdict.count;
  const [named] = subject;
  if (named?.name !== `breakglass/${predicate.event_id}`) {
    findings.fail('ledger', 'subject_mismatch', 'subject[0].name', 'it names another event');
  } else if (named.digest.sha256 !== verdict.head) {
    findings.fail('ledger', 'subject_mismatch', 'subject[0].digest.sha256', "it is not the ledger's head");
  }
  findings.ran('ledger', `${verdict.count} entries, head ${verdict.head}`);
}

/** The entries that their makers signed; one that nobody vouches for is held against the bundle and left out. */
function provenEntries(
  { event_id, entries }: BundleStatement['predicate'],
  trust: Trust,
  findings: BundleFindings,
): ProvenEntry[] {
  const proven: ProvenEntry[] = [];
  const transitions = new Set<string>();
  for (const [index, { body }] of entries.entries()) {
    const seq = index + 1;
    const read = readEntry(body, event_id, trust.keyOf);
    const refuse = (message: string): void => findings.fail('signers', 'entry_refused', placeOfSeq(seq), message);
    if (!read.ok) refuse(`${read.code}: ${read.message}`);
    else if (transitions.has(read.entry.transition)) refuse(`transition ${read.entry.transition} stands twice`);
    else {
      transitions.add(read.entry.transition);
      proven.push({ seq, entry: read.entry, body });
    }
  }
  findings.ran('signers', `${proven.length} of ${entries.length} entries by the role that may make them`);
  return proven;
}
