import type { KeyObject } from 'node:crypto';

import { z } from 'zod';

import { entrySchema, type Entry } from '../domain/entry.js';
import { digestSchema, eventIdSchema, instantSchema } from '../domain/identifiers.js';
import type { Policy } from '../domain/policy.js';
import { personSchema, type Person } from '../domain/roster.js';
import { canonicalJson } from './canonical-json.js';
import { signDsse, type DsseEnvelope } from './dsse.js';
import { genesisLedgerHash } from './ledger.js';

/** Media type of an in-toto Statement (https://github.com/in-toto/attestation, spec/v1/envelope.md). */
export const BUNDLE_PAYLOAD_TYPE = 'application/vnd.in-toto+json';
const STATEMENT_TYPE = 'https://in-toto.io/Statement/v1';
const PREDICATE_TYPE = 'https://reseal.dev/bundle/v1';

/** No bundle is larger: 256 statements, their entries and the policy stay far under it. In bytes. */
export const MAX_BUNDLE_BYTES = 48 * 1024 * 1024;

export const BUNDLE_STAGES = ['confirmed', 'audited'] as const;
export type BundleStage = (typeof BUNDLE_STAGES)[number];

/** Who admitted and who issued may have gone by different ones, and so may each later round. */
export const MAX_ROSTERS = 8;

const signedDocumentSchema = z.strictObject({
  payloadType: z.string().min(1).max(200),
  payload: z.string().max(MAX_BUNDLE_BYTES),
  signatures: z.array(z.strictObject({ keyid: z.string().max(255), sig: z.string().max(200) })).max(16),
});

/** What a bundle's one envelope carries: an in-toto Statement v1 about one ceremony's whole ledger. Exactly these members. */
export const bundleStatementSchema = z.strictObject({
  _type: z.literal(STATEMENT_TYPE),
  subject: z
    .array(
      z.strictObject({
        name: z.string().regex(/^breakglass\/[0-9a-f]{16}$/),
        digest: z.strictObject({ sha256: digestSchema }),
      }),
    )
    .length(1),
  predicateType: z.literal(PREDICATE_TYPE),
  predicate: z.strictObject({
    schema: z.literal('reseal.bundle.v1'),
    event_id: eventIdSchema,
    stage: z.enum(BUNDLE_STAGES),
    sealed_at: instantSchema,
    policy: z.record(z.string(), z.unknown()),
    /** The policy as the signers of contracts signed it: its payload is the policy above. */
    contract: signedDocumentSchema.optional(),
    /** The rosters that entries name by their digest, as they were signed. */
    rosters: z.array(signedDocumentSchema).max(MAX_ROSTERS).optional(),
    /** Of the roster, those who take part in the ledger, as the register knew them when it sealed. */
    people: z.array(personSchema).max(10_000).optional(),
    entries: z.array(entrySchema).min(1).max(65_536),
  }),
});
export type BundleStatement = z.output<typeof bundleStatementSchema>;

/**
 * Seals a ceremony's ledger: one DSSE envelope by the register's key over the exact bytes of an in-toto Statement whose
 * subject is the ledger's head. Both are in RFC 8785 form, so that a bundle has one serialisation. `sealedAt` is RFC 3339
 * UTC; `policy` is the normalised document whose digest was signed.
 *
 * Returns the file's text, without a final newline.
 */
export function buildBundle(input: {
  eventId: string;
  stage: BundleStage;
  sealedAt: string;
  policy: Policy;
  /** Left out where the policy is no contract, as before there were any. */
  contract?: DsseEnvelope | null;
  /** Left out where nobody signed a roster. */
  rosters?: readonly DsseEnvelope[];
  people?: readonly Person[];
  entries: readonly Entry[];
  key: { keyid: string; privateKey: KeyObject };
}): string {
  const { eventId, stage, sealedAt, policy, contract = null, rosters = [], people, entries, key } = input;
  const head = entries.at(-1)?.ledger_hash ?? genesisLedgerHash(eventId);
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [{ name: `breakglass/${eventId}`, digest: { sha256: head } }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      schema: 'reseal.bundle.v1',
      event_id: eventId,
      stage,
      sealed_at: sealedAt,
      policy,
      ...(contract === null ? {} : { contract }),
      ...(rosters.length === 0 ? {} : { rosters: [...rosters] }),
      ...(people === undefined ? {} : { people: [...people] }),
      entries: [...entries],
    },
  };
  const payload = Buffer.from(canonicalJson(statement), 'utf8');
  return canonicalJson(signDsse({ payloadType: BUNDLE_PAYLOAD_TYPE, payload, key }));
}
