import { z } from 'zod';
import { guidSchema } from './identifiers.js';

/**
 * What a policy says is done besides the reseal when a ceremony is killed. It stands in the authority's signed intent, so
 * that a role that acts on it needs that signature and nothing else. All of it reduces: nothing here gives anybody
 * reach by itself. `restore_account` only says that people may order it, afterwards.
 */

/** What counts as a kill. `operator_statement`: kill or cancel; and, since nobody can say why it is gone, a workflow that was lost. */
export const ON_KILL_TRIGGERS = [
  'operator_statement',
  'approval_revoked',
  'unexpected_target_detected',
  'timebox_expired',
] as const;
export type OnKillTrigger = (typeof ON_KILL_TRIGGERS)[number];

/** Which of the credentials role's sinks takes the new secret. */
export const sinkNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected the name of a sink: a-z 0-9 . _ -');

/** Which of the register's job runtimes is told to halt an event's jobs. */
export const runtimeNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'expected the name of a job runtime: a-z 0-9 . _ -');
const MAX_RUNTIMES = 8;

const applicationSecretSchema = z.strictObject({
  kind: z.literal('application_secret'),
  /** The object id of the application registration, not its client id. */
  application_id: guidSchema,
  sink: sinkNameSchema,
});
const userPassword = { kind: z.literal('user_password'), sink: sinkNameSchema };

/** One credential to rotate. */
export const rotationSchema = z.discriminatedUnion('kind', [
  applicationSecretSchema,
  z.strictObject({ ...userPassword, user_id: guidSchema }),
]);
export type Rotation = z.output<typeof rotationSchema>;

/** `principal` is whoever received the privilege. */
export const PRINCIPAL = 'principal';
const policyRotationSchema = z.discriminatedUnion('kind', [
  applicationSecretSchema,
  z.strictObject({ ...userPassword, user_id: z.union([z.literal(PRINCIPAL), guidSchema]) }),
]);
type PolicyRotation = z.output<typeof policyRotationSchema>;

/** The object id of what a rotation is about; `principal` where a policy says so. */
export const targetOf = (rotation: PolicyRotation): string =>
  rotation.kind === 'application_secret' ? rotation.application_id : rotation.user_id;

const MAX_ROTATIONS = 8;

const actions = {
  /** Where the profile itself leaves sessions open. */
  end_sessions: z.boolean().optional(),
  /** Lists what the principal gave to others within the window. */
  report_granted: z.boolean().optional(),
  disable_account: z.boolean().optional(),
  /** Whether the profile's quorum may have an account enabled again that a kill disabled. */
  restore_account: z.literal(true).optional(),
  /** Runtimes of jobs that are not under `reseal exec`. */
  halt_job: z.array(runtimeNameSchema).min(1).max(MAX_RUNTIMES).optional(),
};

/** `on_kill` of a policy's profile. */
export const onKillPolicySchema = z
  .strictObject({
    ...actions,
    /** All of them, where nothing is said. */
    triggers: z.array(z.enum(ON_KILL_TRIGGERS)).min(1).max(ON_KILL_TRIGGERS.length).optional(),
    rotate: z.array(policyRotationSchema).min(1).max(MAX_ROTATIONS).optional(),
  })
  .superRefine(({ triggers, rotate, ...said }, context) => {
    const complain = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (said.restore_account === true && said.disable_account !== true)
      complain(['restore_account'], 'nothing disables an account here: there is none to enable again');
    if (said.halt_job !== undefined && new Set(said.halt_job).size < said.halt_job.length)
      complain(['halt_job'], 'names a runtime twice');
    if (rotate === undefined && said.halt_job === undefined && !Object.values(said).includes(true))
      complain([], 'says nothing to do: name an action, or leave on_kill out');
    if (triggers !== undefined && new Set(triggers).size < triggers.length)
      complain(['triggers'], 'names a trigger twice');
    const targets = (rotate ?? []).map((one) => `${one.kind}/${targetOf(one)}`);
    for (const [index, target] of targets.entries())
      if (targets.indexOf(target) < index) complain(['rotate', index], `${target} is rotated once, not twice`);
  });
export type OnKillPolicy = z.output<typeof onKillPolicySchema>;

/** The same in an intent: every id resolved, and nothing left out that a role would have to guess. */
export const onKillSchema = z.strictObject({
  triggers: z.array(z.enum(ON_KILL_TRIGGERS)).min(1).max(ON_KILL_TRIGGERS.length),
  end_sessions: z.boolean(),
  report_granted: z.boolean(),
  rotate: z.array(rotationSchema).max(MAX_ROTATIONS),
  disable_account: z.boolean(),
  /** Absent where the policy does not allow it. */
  restore_account: z.literal(true).optional(),
  /** Absent where the policy names none. */
  halt_job: z.array(runtimeNameSchema).min(1).max(MAX_RUNTIMES).optional(),
});
export type OnKill = z.output<typeof onKillSchema>;

/** What an intent says of a kill, from what the policy says and who receives the privilege. */
export function onKillOf(policy: OnKillPolicy, principalId: string): OnKill {
  const { triggers, end_sessions, report_granted, rotate, disable_account, restore_account, halt_job } = policy;
  const resolved = (rotate ?? []).map((one): Rotation => {
    if (one.kind === 'application_secret') return one;
    return { ...one, user_id: one.user_id === PRINCIPAL ? principalId : one.user_id };
  });
  return {
    triggers: triggers ?? [...ON_KILL_TRIGGERS],
    end_sessions: end_sessions ?? false,
    report_granted: report_granted ?? false,
    // A user who is named and receives the privilege too is one target.
    rotate: resolved.filter((one, index) => resolved.findIndex((other) => targetOf(other) === targetOf(one)) === index),
    disable_account: disable_account ?? false,
    ...(restore_account === undefined ? {} : { restore_account }),
    ...(halt_job === undefined ? {} : { halt_job }),
  };
}

/** What of a contract's `kill_switch.on_trigger` an `on_kill` section does, by the contract's words. */
export function contractActionsOf({ end_sessions, report_granted, rotate, disable_account, halt_job }: OnKillPolicy) {
  return [
    ...(halt_job === undefined ? [] : (['halt_job'] as const)),
    ...(end_sessions === true ? (['end_sessions'] as const) : []),
    ...(report_granted === true ? (['report_granted'] as const) : []),
    ...(rotate === undefined ? [] : (['rotate_credentials'] as const)),
    ...(disable_account === true ? (['disable_account'] as const) : []),
  ];
}
