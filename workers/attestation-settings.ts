import { z } from 'zod';
import { partySchema } from '../domain/parties.js';

const pathSchema = z.string().min(1);

/** By what a verifier judges hosts. */
const attestationFieldsSchema = z.strictObject({
  /** A file with the URL of PostgreSQL for the verifier's own user: its journal of nonces and results. */
  database_url_path: pathSchema.optional(),
  /** A folder with signed references of hosts. */
  references_path: pathSchema,
  /** Certificates of TPM vendors, PEM. With it no reference counts whose endorsement key they do not certify. */
  ek_roots_path: pathSchema.optional(),
  /** Their lists of revoked certificates, PEM, one of each who issues: with it what is not on a list of its issuer counts alone. */
  ek_crls_path: pathSchema.optional(),
  /** Who may accept references and waive baselines; left out, every human of the roster. */
  acceptors: z.array(partySchema).min(1).max(64).optional(),
  /** How many have to accept a reference, and how many after a containment. */
  enrol: z.number().int().min(1).max(8).default(1),
  quorum: z.number().int().min(1).max(8).default(2),
  /** How often all enrolled hosts are attested while nothing is wrong; null: never by itself. */
  every_seconds: z
    .number()
    .int()
    .min(10)
    .max(24 * 3600)
    .nullable()
    .default(null),
});
export const attestationSettingsSchema = attestationFieldsSchema.refine(
  ({ ek_roots_path, ek_crls_path }) => ek_crls_path === undefined || ek_roots_path !== undefined,
  {
    path: ['ek_crls_path'],
    message: 'expected ek_roots_path too: lists say something of certificates under its roots',
  },
);
export type AttestationSettings = z.output<typeof attestationSettingsSchema>;
