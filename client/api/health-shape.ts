import { z } from 'zod';
import { instantSchema } from '../../domain/identifiers.js';

const temporalSchema = z.object({
  namespace: z.string(),
  /** Why there is no answer; null when there is one. */
  problem: z.string().nullable(),
  server_version: z.string().nullable(),
  namespace_found: z.boolean().nullable(),
  /** Search attributes of ours that are not registered; null where nobody may say. */
  missing_search_attributes: z.array(z.string()).nullable(),
  /** Roles whose task queues nobody has asked for work in two minutes; null where nobody may say. */
  idle_roles: z.array(z.string()).nullable(),
});
/** What one Temporal server says of itself and of its workers. */
export type TemporalHealth = z.output<typeof temporalSchema>;

export const healthSchema = z.object({
  now: instantSchema,
  temporal: temporalSchema,
  register: z.enum(['ok', 'unreachable', 'none']),
});
/** How well the parts are that a ceremony needs, as seen by whoever holds the connections. Holds no names of people. */
export type Health = z.output<typeof healthSchema>;
