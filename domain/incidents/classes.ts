import { z } from 'zod';

/** The nine classes of the runbook's "Degradation Triggers". */
export const INCIDENT_CLASSES = [
  'attestation_failure',
  'integrity_violation',
  'unauthorized_access',
  'manifest_mismatch',
  'policy_bypass_attempt',
  'prompt_injection',
  'tool_call_burst',
  'model_behavior_anomaly',
  'forbidden_airlock_request',
] as const;
export const incidentClassSchema = z.enum(INCIDENT_CLASSES);
export type IncidentClass = z.output<typeof incidentClassSchema>;

/** From the worst down. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low'] as const;
export const severitySchema = z.enum(SEVERITIES);
export type Severity = z.output<typeof severitySchema>;

/** The worse of two. */
export const worse = (one: Severity, other: Severity): Severity =>
  SEVERITIES.indexOf(one) <= SEVERITIES.indexOf(other) ? one : other;

/** What contains an incident. Each is undone by a release, in reverse order; `log_alert` changes nothing. */
export const CONTAINMENT_ACTIONS = [
  'freeze_agent',
  'disable_airlock',
  'force_vault_relock',
  'quarantine_model',
  'log_alert',
] as const;
export const containmentActionSchema = z.enum(CONTAINMENT_ACTIONS);
export type ContainmentAction = z.output<typeof containmentActionSchema>;

/** Evidence of the root cause that a playbook can demand before the gate, as a signed statement with its digest. */
export const ARTIFACT_KINDS = ['baseline_update', 'manifest'] as const;
export const artifactKindSchema = z.enum(ARTIFACT_KINDS);
export type ArtifactKind = z.output<typeof artifactKindSchema>;
