/** Every role has a task queue of its own; a worker process serves only the roles whose credentials it holds. */
export const TASK_QUEUES = {
  ceremonies: 'reseal-ceremonies',
  register: 'reseal-register',
  authority: 'reseal-authority',
  'effect:entra.directory_role': 'reseal-effect-entra.directory_role',
  'effect:entra.group_membership': 'reseal-effect-entra.group_membership',
  'effect:entra.role_assignment': 'reseal-effect-entra.role_assignment',
  'effect:entra.sessions': 'reseal-effect-entra.sessions',
  'effect:entra.credentials': 'reseal-effect-entra.credentials',
  'effect:entra.account': 'reseal-effect-entra.account',
  'effect:entra.conditional_access': 'reseal-effect-entra.conditional_access',
  'effect:containment': 'reseal-effect-containment',
  verifier: 'reseal-verifier',
  sweeper: 'reseal-sweeper',
} as const;
export type Role = keyof typeof TASK_QUEUES;
export const ROLES = Object.keys(TASK_QUEUES) as Role[];

/** Roles that assert something, and sign it with a key of their own. The ceremonies role holds none. */
export type SigningRole = Exclude<Role, 'ceremonies'>;
export const isSigning = (role: Role): role is SigningRole => role !== 'ceremonies';
export const SIGNING_ROLES = ROLES.filter(isSigning);

/** Roles whose tools a job can call. What is no tool at all goes to the first, which can change nothing. */
export const TOOL_ROLES = [
  'verifier',
  'effect:entra.directory_role',
  'effect:entra.group_membership',
  'effect:entra.role_assignment',
] as const satisfies readonly Role[];
export type ToolRole = (typeof TOOL_ROLES)[number];

/** Never encrypted, so only enums and times: no person, no text, no ticket. */
export const SEARCH_ATTRIBUTES = {
  ResealState: 'Keyword',
  ResealFlags: 'KeywordList',
  ResealProfile: 'Keyword',
  ResealReasonCode: 'Keyword',
  ResealDeadline: 'Datetime',
} as const;
