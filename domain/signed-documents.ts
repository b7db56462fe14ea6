import { z } from 'zod';
import { contractVersionSchema, momentSchema, seriesSchema } from './contract.js';
import { digestSchema, epochMs } from './identifiers.js';
import { rosterSchema } from './roster.js';

/** What the signers of the contract roots sign: work policy contracts, rosters, and lists of what is revoked. */
export const SIGNED_KINDS = ['contract', 'roster', 'revocations'] as const;
export type SignedKind = (typeof SIGNED_KINDS)[number];

/** The DSSE payload type of each, so that none can be taken for another. */
export const PAYLOAD_TYPES: Readonly<Record<SignedKind, string>> = {
  contract: 'application/vnd.reseal.contract+json',
  roster: 'application/vnd.reseal.roster+json',
  revocations: 'application/vnd.reseal.revocations+json',
};

/** A list that is good for longer than this would leave a revocation unheard for as long. */
export const MAX_FRESH_SECONDS = 92 * 24 * 3600;

/** What is signed for a roster: one version of a series, like a contract. Its digest is the hex SHA-256 of its RFC 8785 form. */
export const signedRosterSchema = z
  .strictObject({
    schema: z.literal('reseal.roster.v1'),
    series: seriesSchema,
    version: contractVersionSchema,
    valid_from: momentSchema,
    valid_until: momentSchema,
    roster: rosterSchema,
  })
  .refine(({ valid_from, valid_until }) => valid_from < valid_until, {
    path: ['valid_until'],
    message: 'is not after valid_from',
  });
export type SignedRoster = z.output<typeof signedRosterSchema>;

const digestsSchema = z.array(digestSchema).max(100_000);

/**
 * A numbered list of all that is revoked: the highest number counts alone, so each repeats what those before it said.
 * `contracts` and `rosters` are digests, `keys` are key ids of signers. From `fresh_until` on nothing is granted until a
 * newer list is there; what stands is ended all the same.
 */
export const revocationsSchema = z
  .strictObject({
    schema: z.literal('reseal.revocations.v1'),
    number: contractVersionSchema,
    issued_at: momentSchema,
    fresh_until: momentSchema,
    contracts: digestsSchema,
    rosters: digestsSchema,
    keys: digestsSchema,
  })
  .superRefine(({ issued_at, fresh_until }, context) => {
    const seconds = (epochMs(fresh_until) - epochMs(issued_at)) / 1000;
    const complain = (message: string): void => context.addIssue({ code: 'custom', path: ['fresh_until'], message });
    if (seconds <= 0) complain('is not after issued_at');
    if (seconds > MAX_FRESH_SECONDS) complain('is more than 92 days after issued_at');
  });
export type Revocations = z.output<typeof revocationsSchema>;
