import type { Trust } from '../trust.js';
import { proveAttestations } from './bundle-attestations.js';
import { proveContainment, proveEvent } from './bundle-containment.js';
import { proveEnd, proveGate, proveRelease } from './bundle-release.js';
import { proveStatements } from './bundle-statements.js';
import { IncidentFindings, type IncidentBundleReport } from './incident-bundle-report.js';
import { openIncidentBundle } from './open-incident-bundle.js';
import type { ReleaseRules } from './release-evidence.js';

/** How the verifier of a bundle judges the gate. `compatAck`: a bearer token's word is accepted where a signature is asked for. */
export type IncidentBundleRules = Pick<ReleaseRules, 'playbook' | 'playbooks' | 'compatAck' | 'quorum'>;

/**
 * Verifies an incident's bundle offline, from its bytes and a trust file: format, the register's signature, the chain, who
 * signed what, that the containment was bound from what the containment role did and the verifier saw, everybody's own
 * signature on what they said, the verifier's on each attestation, that the gate was open when the authority let it go, and
 * that all of it was undone in reverse before the host was seen to be trusted.
 *
 * The bytes are attacker-controlled: never throws.
 */
export function verifyIncidentBundle(
  bytes: Uint8Array,
  trust: Trust,
  rules: IncidentBundleRules,
): IncidentBundleReport {
  const found = new IncidentFindings();
  const ledger = openIncidentBundle(bytes, trust, found);
  if (ledger === undefined) return found.report(null);
  const { incident_id } = ledger;
  const incident = proveEvent(ledger, found);
  proveStatements(ledger, trust.roster, found);
  const containment = incident && proveContainment(ledger, incident, found);
  if (containment === undefined) return found.report(incident_id);
  const attested = proveAttestations(ledger, containment, trust.keyOf, found);
  if (attested !== undefined) proveGate(ledger, containment, attested, { trust, rules }, found);
  proveRelease(ledger, containment, found);
  proveEnd(ledger, containment, found);
  found.facts.refused.sort((one, other) => (one.at < other.at ? -1 : one.at > other.at ? 1 : 0));
  return found.report(incident_id);
}
