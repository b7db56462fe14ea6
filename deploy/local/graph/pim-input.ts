import { z } from 'zod';
import { orNull } from './or-null.js';
import { refuse } from './answer.js';
import type { Tuple } from './model.js';
import { GUID_PATTERN } from './token.js';

const guid = z
  .string()
  .regex(GUID_PATTERN)
  .transform((id) => id.toLowerCase());

/** Field lengths are not published; these are the conservative reading. */
export const JUSTIFICATION_MAX = 500;
export const TICKET_MAX = 64;

const Body = z.strictObject({
  '@odata.type': z.string().optional(),
  action: z.enum([
    'adminAssign',
    'adminUpdate',
    'adminRemove',
    'adminExtend',
    'adminRenew',
    'selfActivate',
    'selfDeactivate',
    'selfExtend',
    'selfRenew',
  ]),
  principalId: guid,
  roleDefinitionId: guid,
  directoryScopeId: orNull(z.string()),
  appScopeId: orNull(z.string()),
  justification: orNull(z.string().max(JUSTIFICATION_MAX)),
  scheduleInfo: z.unknown().optional(),
  ticketInfo: orNull(
    z.strictObject({
      '@odata.type': z.string().optional(),
      ticketNumber: orNull(z.string().max(TICKET_MAX)),
      ticketSystem: orNull(z.string().max(TICKET_MAX)),
    }),
  ),
  isValidationOnly: orNull(z.boolean()),
  customData: orNull(z.string()),
  targetScheduleId: orNull(z.string()),
});

/** A PIM request as the caller wrote it, its shape checked and its ids in lower case. */
export interface PimInput {
  readonly action: z.infer<typeof Body>['action'];
  readonly tuple: Tuple;
  readonly justification: string | null;
  readonly ticketNumber: string | null;
  readonly ticketSystem: string | null;
  readonly scheduleInfo: unknown;
  readonly validationOnly: boolean;
}

/** Refuses with `InvalidRoleAssignmentRequest` (shape, lengths, unknown members) or `InvalidScope`. */
export function readPimInput(body: unknown): PimInput {
  const parsed = Body.safeParse(body);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw refuse('InvalidRoleAssignmentRequest', `${issue?.path.join('.') ?? 'body'}: ${issue?.message ?? 'invalid'}`);
  }
  const { data } = parsed;
  if (data.appScopeId !== null || data.directoryScopeId === null) {
    throw refuse('InvalidScope', 'A directory role takes a directoryScopeId and no appScopeId.');
  }
  return {
    action: data.action,
    tuple: {
      principalId: data.principalId,
      roleDefinitionId: data.roleDefinitionId,
      directoryScopeId: readScope(data.directoryScopeId),
    },
    justification: data.justification,
    ticketNumber: data.ticketInfo?.ticketNumber ?? null,
    ticketSystem: data.ticketInfo?.ticketSystem ?? null,
    scheduleInfo: data.scheduleInfo,
    validationOnly: data.isValidationOnly ?? false,
  };
}

/** "/", "/administrativeUnits/{guid}" or "/{guid}", the id in lower case; `InvalidScope` for anything else. */
export function readScope(scope: string): string {
  if (scope === '/') return scope;
  const match = /^\/(administrativeUnits\/)?([^/]+)$/.exec(scope);
  const id = match?.[2] ?? '';
  if (!GUID_PATTERN.test(id)) throw refuse('InvalidScope', `The scope '${scope}' is not valid.`);
  return `/${match?.[1] ?? ''}${id.toLowerCase()}`;
}
