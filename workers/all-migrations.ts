import { AUTHORITY_MIGRATIONS } from '../activities/authority/authority-migrations.js';
import { CONTAINMENT_MIGRATIONS } from '../activities/containment/containment-migrations.js';
import type { Migration } from '../activities/register/database.js';
import { REGISTER_MIGRATIONS } from '../activities/register/register-migrations.js';
import { VERIFIER_MIGRATIONS } from '../activities/tpm/verifier-migrations.js';

/** The schemas of all roles, in the order in which they are brought up to date. */
export const ALL_MIGRATIONS: readonly Migration[] = [
  ...REGISTER_MIGRATIONS,
  ...AUTHORITY_MIGRATIONS,
  ...VERIFIER_MIGRATIONS,
  ...CONTAINMENT_MIGRATIONS,
];
