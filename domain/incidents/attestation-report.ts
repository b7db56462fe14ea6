import { z } from 'zod';
import { hostNameSchema } from './incident-id.js';
import type { IncidentReport } from './incident.js';

export const ATTEST_SCHEDULE_ID = 'reseal-attest';

/** What one round of the schedule came to, host by host. */
export const attestRoundSchema = z.strictObject({
  hosts: z.array(
    z.strictObject({
      host: hostNameSchema,
      /** `unproven`: an answer came that the verifier did not sign. `waiting`: none came, which is no verdict. */
      outcome: z.enum(['passed', 'refused', 'waiting', 'unproven']),
      /** Of a refusal the check that failed, else why there is no verdict. */
      reason: z.string().max(200).optional(),
    }),
  ),
});
export type AttestRound = z.output<typeof attestRoundSchema>;

/** What a refused host is reported as; `reportId` is 16 hex characters. */
export const attestationFailure = (
  reportId: string,
  host: string,
  { failed_check = 'unknown', expected = '' }: { failed_check?: string | undefined; expected?: string | undefined },
): IncidentReport => ({
  report_id: reportId,
  class: 'attestation_failure',
  source: 'reseal-attest',
  description: `${host} was refused at its scheduled attestation: ${failed_check}`,
  evidence: { failed_check, ...(expected === '' ? {} : { expected }) },
  host,
  reporter: 'verifier',
});
