import path from 'node:path';
import { z } from 'zod';
import { guidSchema } from '../domain/identifiers.js';
import { readJsonFile } from './json-file.js';
import { SECTIONS } from './settings.js';

/**
 * What a sweep without Temporal and without the register is told. A worker's settings file for the sweeper serves as it is:
 * members that only a worker needs are passed over. Paths are relative to the file.
 */
export const sweepSettingsSchema = z.object({
  trust_path: z.string().min(1),
  applications: z.object({
    directory_role: guidSchema,
    group_membership: guidSchema.optional(),
    role_assignment: guidSchema.optional(),
    conditional_access: guidSchema.optional(),
  }),
  protected_object_ids: z.array(guidSchema).default([]),
  sweeper: SECTIONS.sweeper.partial({ signing_key_path: true }),
});
export type SweepSettings = z.output<typeof sweepSettingsSchema>;

/** Reads the file. Throws SettingsError naming the file, the member and what was expected. */
export async function readSweepSettings(file: string): Promise<SweepSettings> {
  const { trust_path, sweeper, ...rest } = await readJsonFile(file, sweepSettingsSchema, 'settings_invalid');
  const at = (given: string): string => path.resolve(path.dirname(file), given);
  const { signing_key_path: key, report_path: report, intents_path: intents, graph, unmarked } = sweeper;
  const placed = <G extends typeof graph>(one: G): G =>
    one.mode === 'entra' && one.certificate_path !== undefined
      ? { ...one, certificate_path: at(one.certificate_path) }
      : one;
  return {
    ...rest,
    trust_path: at(trust_path),
    sweeper: {
      ...sweeper,
      graph: placed(graph),
      ...(unmarked === undefined ? {} : { unmarked: { ...unmarked, graph: placed(unmarked.graph) } }),
      ...(intents === undefined ? {} : { intents_path: at(intents) }),
      ...(key === undefined ? {} : { signing_key_path: at(key) }),
      ...(report === undefined ? {} : { report_path: at(report) }),
    },
  };
}
