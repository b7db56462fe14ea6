import { z } from 'zod';
import { guidSchema } from './identifiers.js';

/**
 * Approvals of an outside control plane, as a request names them: recorded, signed by its invoker and by everybody who
 * approves it, and looked up nowhere.
 */

/** What a policy calls such a control plane. */
export const outsideSystemSchema = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected 1 to 64 of a-z 0-9 . _ -');

/** Entra PIM names its approvals by GUIDs; any other system as it likes. */
export const ENTRA_PIM = 'entra_pim';

export const prerequisiteSchema = z
  .strictObject({
    system: outsideSystemSchema,
    approval_id: z.string().regex(/^[A-Za-z0-9#/._:-]{1,128}$/, 'expected 1 to 128 of A-Z a-z 0-9 # / . _ : -'),
  })
  .refine(({ system, approval_id }) => system !== ENTRA_PIM || guidSchema.safeParse(approval_id).success, {
    path: ['approval_id'],
    message: 'an approval of Entra PIM is named by a GUID',
  });
export type Prerequisite = z.output<typeof prerequisiteSchema>;

/** Of a request: each system once. Absent where there are none. */
export const prerequisitesSchema = z
  .array(prerequisiteSchema)
  .min(1)
  .max(8)
  .refine((all) => new Set(all.map(({ system }) => system)).size === all.length, 'one approval of each system');

/** Of a profile: the systems whose approval a request must name. Absent where there are none. */
export const wantedPrerequisitesSchema = z
  .array(outsideSystemSchema)
  .min(1)
  .max(8)
  .refine((all) => new Set(all).size === all.length, 'the same system twice');

/** The systems whose approval a request does not name and should. */
export const missingPrerequisites = (wanted: readonly string[] = [], named: readonly Prerequisite[] = []): string[] =>
  wanted.filter((system) => !named.some((one) => one.system === system));
