import { z } from 'zod';
import { artifactKindSchema, type IncidentClass, type Severity } from './classes.js';
import { operatorsSchema } from './operators.js';
import { playOf, type Playbook } from './playbook.js';

/** What stands between a contained incident and its release. */
export const requirementsSchema = z.strictObject({
  require_ack: z.boolean(),
  /** By how many different people. */
  acknowledgements: z.number().int().min(0).max(2),
  /** Whether each must be a signed statement; a bearer token's word does where not. */
  signed: z.boolean(),
  require_reattest: z.boolean(),
  artifacts: z.array(artifactKindSchema),
  /** Who may; everybody on the roster where it is left out. */
  operators: operatorsSchema.optional(),
});
export type Requirements = z.output<typeof requirementsSchema>;

/**
 * The runbook's "When Re-Attestation Is Required", and what it asks of an acknowledgement. Every incident is acknowledged;
 * unlatched ones below critical by whoever holds a token. `compatAck` lets a token's word stand for a signature everywhere:
 * for a machine on which no signature is to be had, such as the local stack, and the bundle says so.
 */
export function requirementsOf(
  playbook: Playbook,
  { class: incidentClass, severity }: { class: IncidentClass; severity: Severity },
  compatAck = false,
): Requirements {
  const play = playOf(playbook, incidentClass);
  const { operators } = playbook;
  return {
    require_ack: true,
    acknowledgements: playbook.acknowledgements[severity],
    // Who may is asked of a signature: a token's word names whom it likes.
    signed: !compatAck && (play.latched || severity === 'critical' || operators?.acknowledge !== undefined),
    require_reattest: play.reattest || severity === 'critical',
    artifacts: [...play.artifacts],
    ...(operators === undefined ? {} : { operators }),
  };
}
