import { z } from 'zod';

import { digestSchema } from '../domain/identifiers.js';
import type { Evidence } from '../domain/tasks.js';
import { readEntry, type RoleKeys } from './receipt.js';

/** What the ledger's first entry says besides the request: the register's word at admission. */
export const admissionDataSchema = z.object({
  request_digest: digestSchema,
  extra_approvers: z.number().int().min(0).max(16),
  escalated: z.boolean(),
});

/** Verdict on the admission that evidence carries. `at` is RFC 3339 UTC, on the register's clock. */
export type ReadAdmission =
  { ok: true; at: string; extra_approvers: number } | { ok: false; code: 'admission_not_authentic'; message: string };

/**
 * The register's signed word that this very request was admitted, when, and how many more approvers it needs.
 *
 * The receipt is attacker-controlled: never throws.
 */
export function readAdmission(evidence: Evidence, requestDigest: string, keys: RoleKeys): ReadAdmission {
  const refused = (message: string): ReadAdmission => ({ ok: false, code: 'admission_not_authentic', message });
  const read = readEntry(evidence.admission.envelope, evidence.event_id, keys);
  if (!read.ok) return refused(`admission: ${read.code}: ${read.message}`);
  const data = read.entry.type === 'request' ? admissionDataSchema.safeParse(read.entry.data) : undefined;
  if (data?.success !== true) return refused('admission: it is not the entry of an admitted request');
  if (data.data.request_digest !== requestDigest) return refused('admission: it admits another request');
  return { ok: true, at: read.entry.at, extra_approvers: data.data.extra_approvers };
}
