import { z } from 'zod';
import { digestSchema } from '../identifiers.js';
import {
  ARTIFACT_KINDS,
  CONTAINMENT_ACTIONS,
  INCIDENT_CLASSES,
  SEVERITIES,
  artifactKindSchema,
  containmentActionSchema,
  severitySchema,
  worse,
  type ContainmentAction,
  type IncidentClass,
  type Severity,
} from './classes.js';
import { operatorsSchema } from './operators.js';

const actionsSchema = z
  .array(containmentActionSchema)
  .max(CONTAINMENT_ACTIONS.length)
  .refine((actions) => new Set(actions).size === actions.length, 'each action once');

export const playSchema = z.strictObject({
  severity: severitySchema,
  /** In the order in which they are listed and bound; they begin at once and together. */
  actions: actionsSchema,
  /** A latched class stays contained until people and, where required, the host's TPM have spoken. */
  latched: z.boolean(),
  /** Whether a quote is demanded whatever the severity. */
  reattest: z.boolean(),
  /** How often within how many seconds makes it how bad. */
  escalation: z
    .strictObject({
      events: z.number().int().min(2).max(1000),
      seconds: z.number().int().min(1).max(86_400),
      severity: severitySchema,
      /** Added to the containment when it escalates. */
      actions: actionsSchema.default([]),
    })
    .optional(),
  /** Demanded before the gate, each as a signed statement. */
  artifacts: z.array(artifactKindSchema).max(ARTIFACT_KINDS.length).default([]),
});
export type Play = z.output<typeof playSchema>;

/** What is done about each class of incident: data, the same for register, authority and containment. */
export const playbookSchema = z.strictObject({
  classes: z.record(z.enum(INCIDENT_CLASSES), playSchema),
  /** How many people must acknowledge an incident of each severity. */
  acknowledgements: z.record(z.enum(SEVERITIES), z.number().int().min(1).max(2)),
  operators: operatorsSchema.optional(),
});
export type Playbook = z.output<typeof playbookSchema>;

/** A playbook, and the digest by which an incident names it: hex SHA-256 of its RFC 8785 form. */
export const namedPlaybookSchema = z.strictObject({ playbook: playbookSchema, digest: digestSchema });
export type NamedPlaybook = z.output<typeof namedPlaybookSchema>;
/** As it is written: what has a default may be left out. */
export type PlaybookText = z.input<typeof playbookSchema>;

/**
 * The runbook's two tables, "Degradation Triggers" and "Severity Escalation Reference". Which actions an escalation adds is
 * this playbook's own choice: the runbook says only that it may.
 */
const DEFAULT: PlaybookText = {
  classes: {
    attestation_failure: {
      severity: 'critical',
      actions: ['freeze_agent', 'disable_airlock', 'force_vault_relock'],
      latched: true,
      reattest: true,
    },
    integrity_violation: {
      severity: 'critical',
      actions: ['freeze_agent', 'disable_airlock', 'force_vault_relock'],
      latched: true,
      reattest: true,
    },
    unauthorized_access: {
      severity: 'critical',
      actions: ['freeze_agent', 'force_vault_relock', 'log_alert'],
      latched: true,
      reattest: false,
    },
    manifest_mismatch: {
      severity: 'high',
      actions: ['quarantine_model', 'freeze_agent'],
      latched: true,
      reattest: false,
    },
    policy_bypass_attempt: {
      severity: 'high',
      actions: ['freeze_agent', 'log_alert'],
      latched: false,
      reattest: false,
      escalation: { events: 2, seconds: 600, severity: 'critical', actions: ['force_vault_relock'] },
    },
    prompt_injection: {
      severity: 'high',
      actions: ['freeze_agent', 'log_alert'],
      latched: false,
      reattest: false,
      escalation: { events: 3, seconds: 300, severity: 'critical', actions: ['force_vault_relock'] },
    },
    tool_call_burst: {
      severity: 'medium',
      actions: ['freeze_agent'],
      latched: false,
      reattest: false,
      escalation: { events: 5, seconds: 60, severity: 'high', actions: ['log_alert'] },
    },
    model_behavior_anomaly: {
      severity: 'high',
      actions: ['quarantine_model', 'log_alert'],
      latched: false,
      reattest: false,
      escalation: { events: 3, seconds: 900, severity: 'critical', actions: ['freeze_agent'] },
    },
    forbidden_airlock_request: {
      severity: 'medium',
      actions: ['log_alert'],
      latched: false,
      reattest: false,
      escalation: { events: 5, seconds: 300, severity: 'high', actions: ['disable_airlock'] },
    },
  },
  acknowledgements: { critical: 1, high: 1, medium: 1, low: 1 },
};
export const DEFAULT_PLAYBOOK: Playbook = playbookSchema.parse(DEFAULT);

/** The play of a class. */
export const playOf = (playbook: Playbook, incidentClass: IncidentClass): Play => playbook.classes[incidentClass];

/** What an escalation makes of an incident: never less severe, never fewer actions, and those it had in their order. */
export function escalated(
  play: Play,
  { severity, actions }: { severity: Severity; actions: readonly ContainmentAction[] },
): { severity: Severity; actions: ContainmentAction[] } {
  if (play.escalation === undefined) return { severity, actions: [...actions] };
  const added = play.escalation.actions.filter((action) => !actions.includes(action));
  return { severity: worse(severity, play.escalation.severity), actions: [...actions, ...added] };
}
