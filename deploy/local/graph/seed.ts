/** What every tenant starts with. Ids are GUIDs. */
export interface GraphSeed {
  readonly users: readonly SeedUser[];
  /** Default: ten built-in roles with their real template ids. */
  readonly roleDefinitions?: readonly SeedRole[];
}

export interface SeedUser {
  readonly id: string;
  readonly userPrincipalName: string;
  readonly displayName: string;
  readonly accountEnabled?: boolean;
}

export interface SeedRole {
  readonly id: string;
  readonly displayName: string;
  readonly description?: string;
  /** Default: the id, as for built-in roles. */
  readonly templateId?: string;
  /** Default: true. */
  readonly isBuiltIn?: boolean;
}

const role = (id: string, displayName: string, description: string): SeedRole => ({ id, displayName, description });

/** Built-in roles; for these, id and template id are equal in every tenant. */
export const BUILT_IN_ROLES: readonly SeedRole[] = [
  role('62e90394-69f5-4237-9190-012177145e10', 'Global Administrator', 'Can manage all aspects of the directory.'),
  role('e8611ab8-c189-46e8-94e1-60213ab1f814', 'Privileged Role Administrator', 'Can manage role assignments.'),
  role('194ae4cb-b126-40b2-bd5b-6091b380977d', 'Security Administrator', 'Can manage security configuration.'),
  role('fe930be7-5e62-47db-91af-98c3a49a38b1', 'User Administrator', 'Can manage users and groups.'),
  role('29232cdf-9323-42fd-ade2-1d097af3e4de', 'Exchange Administrator', 'Can manage the mail service.'),
  role('5d6b6bb7-de71-4623-b4af-96380a352509', 'Security Reader', 'Can read security information and reports.'),
  role('b1be1c3e-b65d-4f19-8427-f6fa0d97feb9', 'Conditional Access Administrator', 'Can manage conditional access.'),
  role('7be44c8a-adaf-4e2a-84d6-ab2649e08a13', 'Privileged Authentication Administrator', 'Can reset any credential.'),
  role('c4e39bd9-1100-46d3-8c65-fb160da0071f', 'Authentication Administrator', 'Can reset credentials of non-admins.'),
  role('729827e3-9c14-49f7-bb1b-9608f156bbb8', 'Helpdesk Administrator', 'Can reset passwords of non-admins.'),
];

/** Used where no seed is given: two people and an administrator. */
export const DEFAULT_SEED: GraphSeed = {
  users: [
    { id: 'a11ce000-0000-4000-8000-000000000001', userPrincipalName: 'alice@example.test', displayName: 'Alice' },
    { id: 'b0b00000-0000-4000-8000-000000000002', userPrincipalName: 'bob@example.test', displayName: 'Bob' },
    { id: 'ad314000-0000-4000-8000-00000000000f', userPrincipalName: 'admin@example.test', displayName: 'Other Admin' },
  ],
};
