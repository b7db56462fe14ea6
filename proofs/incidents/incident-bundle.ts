import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { entrySchema, type Entry } from '../../domain/entry.js';
import { digestSchema, instantSchema } from '../../domain/identifiers.js';
import { incidentIdSchema } from '../../domain/incidents/incident-id.js';
import { personSchema, type Person } from '../../domain/roster.js';
import { canonicalJson } from '../canonical-json.js';
import { signDsse } from '../dsse.js';
import { genesisLedgerHash } from '../ledger.js';
import { BUNDLE_PAYLOAD_TYPE } from '../bundle.js';

/** What tells an incident's bundle from a ceremony's. */
export const INCIDENT_BUNDLE_TYPE = 'https://reseal.dev/incident-bundle/v1';

/** What an incident's bundle carries: an in-toto Statement v1 about its whole ledger. Exactly these members. */
export const incidentBundleSchema = z.strictObject({
  _type: z.literal('https://in-toto.io/Statement/v1'),
  subject: z
    .array(z.strictObject({ name: z.string().max(200), digest: z.strictObject({ sha256: digestSchema }) }))
    .length(1),
  predicateType: z.literal(INCIDENT_BUNDLE_TYPE),
  predicate: z.strictObject({
    schema: z.literal('reseal.incident_bundle.v1'),
    incident_id: incidentIdSchema,
    sealed_at: instantSchema,
    people: z.array(personSchema).max(10_000),
    entries: z.array(entrySchema).min(1).max(65_536),
  }),
});

/**
 * Seals an incident's ledger as a ceremony's is: one DSSE envelope by the register's key over the RFC 8785 form of an in-toto
 * Statement whose subject is the ledger's head. `sealedAt` is RFC 3339 UTC. Returns the file's text, without a final newline.
 */
export function buildIncidentBundle(input: {
  incidentId: string;
  sealedAt: string;
  people: readonly Person[];
  entries: readonly Entry[];
  key: { keyid: string; privateKey: KeyObject };
}): string {
  const { incidentId, sealedAt, people, entries, key } = input;
  const statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      {
        name: `incident/${incidentId}`,
        digest: { sha256: entries.at(-1)?.ledger_hash ?? genesisLedgerHash(incidentId) },
      },
    ],
    predicateType: INCIDENT_BUNDLE_TYPE,
    predicate: {
      schema: 'reseal.incident_bundle.v1',
      incident_id: incidentId,
      sealed_at: sealedAt,
      people: [...people],
      entries: [...entries],
    },
  };
  const payload = Buffer.from(canonicalJson(statement), 'utf8');
  return canonicalJson(signDsse({ payloadType: BUNDLE_PAYLOAD_TYPE, payload, key }));
}
