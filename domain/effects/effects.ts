import { z } from 'zod';
import type { SigningRole } from '../roles.js';
import {
  accessExclusion,
  accessExclusionEffectSchema,
  accessExclusionProfile,
  accessExclusionTupleSchema,
  accessPolicyEffectSchema,
  accessPolicyOff,
  accessPolicyProfile,
  accessPolicyTupleSchema,
} from './conditional-access.js';
import {
  directoryRole,
  directoryRoleEffectSchema,
  directoryRoleProfile,
  directoryRoleTupleSchema,
} from './directory-role.js';
import {
  groupMembership,
  groupMembershipEffectSchema,
  groupMembershipProfile,
  groupMembershipTupleSchema,
} from './group-membership.js';
import type { EffectObject, Kind, KindTools, TargetList } from './kind.js';
import {
  roleAssignment,
  roleAssignmentEffectSchema,
  roleAssignmentProfile,
  roleAssignmentTupleSchema,
} from './role-assignment.js';

/**
 * All that a ceremony can do, discriminated by `kind`. Whoever adds a kind writes a file beside this one, adds it to the
 * four lists here, gives its role a queue (`roles.ts`), and makes its activities (`activities/graph/`): no workflow changes.
 */
export const effectSchema = z.discriminatedUnion('kind', [
  directoryRoleEffectSchema,
  groupMembershipEffectSchema,
  accessExclusionEffectSchema,
  accessPolicyEffectSchema,
  roleAssignmentEffectSchema,
]);
export type Effect = z.output<typeof effectSchema>;
export type EffectKind = Effect['kind'];
export type EffectOf<K extends EffectKind> = Extract<Effect, { kind: K }>;

/** Each kind with the shape of what it acts on. */
export const TUPLES = {
  'entra.directory_role': directoryRoleTupleSchema,
  'entra.group_membership': groupMembershipTupleSchema,
  'entra.ca_exclusion': accessExclusionTupleSchema,
  'entra.ca_policy': accessPolicyTupleSchema,
  'entra.role_assignment': roleAssignmentTupleSchema,
} as const satisfies Record<EffectKind, z.ZodObject>;
/** A kind, and what it acts on. */
export type Target = { [K in EffectKind]: { kind: K; tuple: z.output<(typeof TUPLES)[K]> } }[EffectKind];
export type TargetOf<K extends EffectKind> = Extract<Target, { kind: K }>;
export type Tuple = Target['tuple'];
export const tupleSchema = z.union(Object.values(TUPLES));

/** What profiles say by their `action`. */
export const PROFILES = [
  directoryRoleProfile,
  groupMembershipProfile,
  accessExclusionProfile,
  accessPolicyProfile,
  roleAssignmentProfile,
] as const;

/** The rules of each kind. Only this file knows that a kind's rules take that kind's shapes. */
const KINDS: Readonly<Record<EffectKind, Kind<unknown, unknown, unknown>>> = {
  'entra.directory_role': directoryRole,
  'entra.group_membership': groupMembership,
  'entra.ca_exclusion': accessExclusion,
  'entra.ca_policy': accessPolicyOff,
  'entra.role_assignment': roleAssignment,
};
export const EFFECT_KINDS = Object.keys(KINDS) as [EffectKind, ...EffectKind[]];

/** The role whose credential makes and undoes what a kind does. */
export const roleOfKind = (kind: EffectKind): SigningRole => KINDS[kind].role;
/** Whether the provider itself ends what a kind does. */
export const hasDeadMan = (kind: EffectKind): boolean => KINDS[kind].dead_man;
export const toolsOfKind = (kind: EffectKind): KindTools => KINDS[kind].tools;
export const toolsOf = (kind: EffectKind): string[] => {
  const { write, read, remove } = toolsOfKind(kind);
  return [write, read, remove];
};
/** In which of a contract's lists of targets the object of such an effect must be. */
export const listOfKind = (kind: EffectKind): TargetList => KINDS[kind].list;

type SaidByProfile = {
  [N in keyof typeof PROFILES & `${number}`]: z.output<z.ZodObject<(typeof PROFILES)[N]>>;
}[keyof typeof PROFILES & `${number}`] & { end_sessions: boolean };

/** What a request under this profile must ask for. */
export const effectOf = (profile: SaidByProfile, tenantId: string): Effect =>
  KINDS[profile.action].effectOf(profile, tenantId) as Effect;

/** What an effect acts on, for this principal (object id). */
export const targetOf = (effect: Effect, principalId: string): Target =>
  ({ kind: effect.kind, tuple: KINDS[effect.kind].tupleOf(effect, principalId) }) as Target;

/** No two kinds act on tuples of the same members, so that a tuple tells its kind. */
export function kindOfTuple(tuple: Tuple): EffectKind {
  const found = EFFECT_KINDS.find((kind) => {
    const members = Object.keys(TUPLES[kind].shape);
    return members.length === Object.keys(tuple).length && members.every((member) => Object.hasOwn(tuple, member));
  });
  if (found === undefined) throw new TypeError('the tuple of no kind of effect');
  return found;
}

export const objectOf = (tuple: Tuple): EffectObject => KINDS[kindOfTuple(tuple)].objectOf(tuple);

/** How people call what an effect acts on: a role's name, a group's. */
export const nameOf = (effect: Effect): string => KINDS[effect.kind].nameOf(effect);

/** What an effect acts on, beside its principal. */
export const objectOfEffect = (effect: Effect): EffectObject => objectOf(targetOf(effect, '').tuple);

/** All of it: kind, tenant, target, names, and whether sessions are ended. */
export function isSameEffect(a: Effect, b: Effect): boolean {
  const [said, wanted] = [Object.entries(a), new Map(Object.entries(b))];
  return said.length === wanted.size && said.every(([member, value]) => wanted.get(member) === value);
}
