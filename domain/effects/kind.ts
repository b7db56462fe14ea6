import type { SigningRole } from '../roles.js';

/** The contract tools that one kind of effect goes by. */
export interface KindTools {
  readonly write: string;
  readonly read: string;
  readonly remove: string;
}

/** The lists of targets in a contract's `target_constraints`. */
export const TARGET_LISTS = ['allowed_roles', 'allowed_groups', 'allowed_policies'] as const;
export type TargetList = (typeof TARGET_LISTS)[number];

/** What a ceremony acts on, beside its principal: a role at a scope, a group, a policy. `id` is a GUID in lower case. */
export interface EffectObject {
  readonly id: string;
  readonly scope: string;
}

/** What one kind of effect is, in one file a kind. `Named` is what a request says, `Tuple` what the intent acts on. */
export interface Kind<Profile, Named, Tuple> {
  /** Holds the credential that makes and undoes the change. */
  readonly role: SigningRole;
  /** Whether the provider ends it by itself, at the intent's `dead_man`. Where it does not, the intent has none. */
  readonly dead_man: boolean;
  readonly tools: KindTools;
  readonly list: TargetList;
  /** What a request under such a profile must ask for. */
  effectOf(profile: Profile, tenantId: string): Named;
  tupleOf(effect: Named, principalId: string): Tuple;
  /** Two open ceremonies of one principal never act on the same object, whatever their kinds. */
  objectOf(tuple: Tuple): EffectObject;
  /** How people call the object. */
  nameOf(effect: Named): string;
}
