/** Entra roles whose holders can change who holds roles (Microsoft Learn, "Microsoft Entra built-in roles"). */
const TIER0_ROLES: ReadonlyMap<string, string> = new Map([
  ['62e90394-69f5-4237-9190-012177145e10', 'Global Administrator'],
  ['e8611ab8-c189-46e8-94e1-60213ab1f814', 'Privileged Role Administrator'],
  ['7be44c8a-adaf-4e2a-84d6-ab2649e08a13', 'Privileged Authentication Administrator'],
]);

/** The name of the tier-0 role that a profile grants; undefined for what is not known to be one. */
export const tier0Role = (profile: object): string | undefined =>
  'role' in profile ? TIER0_ROLES.get((profile.role as { template_id: string }).template_id) : undefined;
