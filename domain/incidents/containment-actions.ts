import { z } from 'zod';

/** What an incident's class can call for. Undone in the opposite order. */
export const CONTAINMENT_ACTIONS = [
  'freeze_agent',
  'disable_airlock',
  'force_vault_relock',
  'quarantine_model',
  'log_alert',
] as const;
export const containmentActionSchema = z.enum(CONTAINMENT_ACTIONS);
export type ContainmentAction = z.output<typeof containmentActionSchema>;
