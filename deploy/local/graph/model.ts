import type { Actor } from './token.js';

/** Records of a simulated tenant. All times are epoch milliseconds of tenant time; ids are lower-case. */
export interface User {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly accountEnabled: boolean;
  readonly createdAt: number;
  readonly sessionsValidFrom: number;
  /** When its password was last reset here, and SHA-256 of the new one; null where it never was. */
  readonly passwordReset?: { readonly at: number; readonly sha256: string } | null;
}

/** An application registration with its credentials. `secretSha256` is for the tests' eyes: the service shows a secret once. */
export interface Application {
  readonly id: string;
  readonly appId: string;
  readonly displayName: string;
  readonly passwords: readonly PasswordCredential[];
  readonly keyIds: readonly string[];
}

export interface PasswordCredential {
  readonly keyId: string;
  readonly displayName: string | null;
  readonly hint: string;
  readonly secretSha256: string;
  readonly startsAt: number;
  readonly endsAt: number;
}

/** A group; PIM speaks of a membership as of a tuple whose role is the group and whose scope is `#member`. */
export interface Group {
  readonly id: string;
  readonly displayName: string;
  readonly isAssignableToRole: boolean;
  readonly dynamic: boolean;
  readonly onPremisesSynced: boolean;
}

export interface Tuple {
  readonly principalId: string;
  readonly roleDefinitionId: string;
  readonly directoryScopeId: string;
}

/** Who holds, or is about to hold, a role: PIM's schedules and plain assignments alike. */
export interface Schedule extends Tuple {
  /** PIM: the id of the request that made it; direct: the id of the assignment. */
  readonly id: string;
  readonly origin: 'pim' | 'direct';
  readonly assignmentType: 'Assigned' | 'Activated';
  readonly createdUsing: string | null;
  readonly createdAt: number;
  readonly modifiedAt: number | null;
  readonly createdBy: Actor;
  readonly startsAt: number;
  /** It does not count before `startsAt`: a start in the future, or provisioning still under way. */
  readonly awaited: boolean;
  readonly endsAt: number | null;
  /** A removal that is accepted but takes effect only then. */
  readonly removesAt: number | null;
  readonly justification: string | null;
  readonly ticketNumber: string | null;
  readonly ticketSystem: string | null;
}

export type PimAction =
  | 'adminAssign'
  | 'adminUpdate'
  | 'adminRemove'
  | 'adminExtend'
  | 'adminRenew'
  | 'selfActivate'
  | 'selfDeactivate'
  | 'selfExtend'
  | 'selfRenew';

export interface PimRequest extends Tuple {
  readonly id: string;
  readonly action: PimAction;
  /** An open vocabulary. */
  readonly status: string;
  /** What the status turns into, and when. */
  readonly settles: { readonly at: number; readonly status: string } | null;
  readonly createdAt: number;
  readonly completedAt: number | null;
  readonly createdBy: Actor;
  readonly targetScheduleId: string | null;
  readonly scheduleInfo: WireSchedule | null;
  readonly justification: string | null;
  readonly ticketNumber: string | null;
  readonly ticketSystem: string | null;
  readonly canceledAt: number | null;
}

/** requestSchedule as it goes over the wire. */
export interface WireSchedule {
  readonly startDateTime: string | null;
  readonly recurrence: null;
  readonly expiration: {
    readonly type: 'noExpiration' | 'afterDateTime' | 'afterDuration';
    readonly endDateTime: string | null;
    readonly duration: string | null;
  };
}

export interface Eligibility extends Tuple {
  readonly id: string;
  readonly startsAt: number;
  readonly endsAt: number | null;
}

export interface SessionRevocation {
  readonly principalId: string;
  readonly at: number;
  readonly by: Actor;
}

/** One call as it was received, in the order of arrival; kept for the tests' and demos' eyes. */
export interface Call {
  readonly seq: number;
  readonly at: string;
  readonly method: string;
  readonly path: string;
  /** null where the caller got no answer. */
  readonly status: number | null;
  readonly client_request_id: string | null;
  readonly request_id: string;
  readonly tenant_id: string | null;
  readonly app_id: string | null;
  /** The error code of the answer, where it had one. */
  readonly code: string | null;
  /** The PIM action of the body, where there was one. */
  readonly action: string | null;
  readonly validation_only: boolean;
  /** The fault that was applied. */
  readonly fault: string | null;
  /** What would have been answered, where a fault took the answer's place after the write had taken effect. */
  readonly unanswered_status: number | null;
}

/** A role's PIM settings; null = no limit. */
export interface RolePolicy {
  readonly max_active_duration: string | null;
  readonly max_activation_duration: string;
  readonly require_justification: boolean;
  readonly require_ticket: boolean;
  readonly require_mfa: boolean;
  /** The authentication context ("c1") that activation needs. */
  readonly authentication_context: string | null;
  readonly resource_locked: boolean;
}

/** A status for the next accepted PIM request, and what becomes of it. */
export interface ForcedStatus {
  readonly status: string;
  readonly takes_effect?: boolean | undefined;
  readonly settles_to?: string | undefined;
  readonly after_seconds?: number | undefined;
}

/** The scope of a membership, or of an ownership, of a group: no scope of a role looks so. */
export const GROUP_SCOPE = '#';
export const isOfGroup = (tuple: Tuple): boolean => tuple.directoryScopeId.startsWith(GROUP_SCOPE);

export function tupleKey(t: Tuple): string {
  return `${t.principalId}|${t.roleDefinitionId}|${t.directoryScopeId}`;
}

/** Whether it gives the role at `now`. Expiry and removal are judged here and nowhere else. */
export function stands(s: Schedule, now: number): boolean {
  return (!s.awaited || s.startsAt <= now) && !over(s, now);
}

/** Whether its time is past; a later look with an earlier clock may find it standing again. */
export function over(s: Schedule, now: number): boolean {
  return (s.endsAt !== null && s.endsAt <= now) || (s.removesAt !== null && s.removesAt <= now);
}

/** The request's status at `now`. */
export function statusAt(r: PimRequest, now: number): string {
  if (r.canceledAt !== null) return 'Canceled';
  return r.settles !== null && r.settles.at <= now ? r.settles.status : r.status;
}
