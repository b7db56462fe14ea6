import { ApplicationFailure } from '@temporalio/common';
import type { IncidentCeremoniesTasks } from '../../domain/incidents/tasks.js';
import type { Roster } from '../../domain/roster.js';
import { readAttestationResult } from '../../proofs/incidents/attestation-result.js';
import { checkIncidentStatement } from '../../proofs/incidents/incident-statement-check.js';
import type { RoleKeys } from '../../proofs/receipt.js';
import type { Clock } from '../clock.js';

/** What the worker that runs recoveries holds for them: public keys. */
export interface IncidentCeremoniesHoldings {
  roster: () => Roster;
  roleKeys: RoleKeys;
  clock: Clock;
}

/** What a recovery's workflow has checked before it believes it. Nothing in it waits, and none of it has authority. */
export function incidentCeremoniesTasks({
  roster,
  roleKeys,
  clock,
}: IncidentCeremoniesHoldings): IncidentCeremoniesTasks {
  return {
    checkIncidentStatements: ({ envelopes, operators }) => {
      const people = roster();
      if (people.people.length === 0)
        throw ApplicationFailure.retryable('no roster is known here yet', 'roster_unknown');
      const nowMs = clock.now();
      return Promise.resolve(envelopes.map((envelope) => checkIncidentStatement(envelope, people, nowMs, operators)));
    },
    readAttestation: ({ result }) => {
      const read = readAttestationResult(result, roleKeys);
      if (!read.ok) return Promise.resolve(null);
      const { attempt, containment_binding, verdict, failed_check, expected, issued_at, expires_at } = read.result;
      return Promise.resolve({
        attempt,
        containment_binding,
        verdict,
        ...(failed_check === undefined ? {} : { failed_check }),
        ...(expected === undefined ? {} : { expected: expected.slice(0, 1000) }),
        issued_at,
        expires_at,
      });
    },
  };
}
