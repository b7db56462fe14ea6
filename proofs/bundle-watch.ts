import { z } from 'zod';

import { epochMs } from '../domain/identifiers.js';
import { findingSchema, type Finding } from '../domain/outcomes.js';
import { watchedDataSchema } from '../domain/watched.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { digestOf } from './canonical-json.js';

const told = z.object({ findings: z.array(findingSchema) });
const ends = z.object({ ends_at: z.string().nullable() });

/** What ends a ceremony because of what was seen, and what must have been seen then. */
const SEEN: Readonly<Record<string, Finding['code']>> = {
  unexpected_target: 'unexpected_target_detected',
  ends_later_than_intended: 'ends_later_than_intended',
};

/**
 * What the verifier says it saw while the glass was broken, in words for `facts.beside`; and whether some role signed what ended
 * the ceremony, where that was something seen. Who made no receipt of it (an earlier version, or nobody) leaves it unverified.
 */
export function proveWatch(
  { intent }: Pick<ProvenAuthority, 'intent'>,
  entries: readonly ProvenEntry[],
  findings: BundleFindings,
): void {
  for (const proven of entries) {
    if (proven.entry.type !== 'watched') continue;
    const refusal = intent === undefined ? 'nothing was granted that could be watched' : refusalOf(proven);
    if (refusal !== undefined) findings.fail('end', 'finding_unproven', placeOfSeq(proven.seq), refusal);
    else tell(proven, findings);
  }
  const { cause } = findings.facts;
  const code = cause === null ? undefined : SEEN[cause];
  if (code === undefined || entries.some((entry) => hasSeen(entry, code, intent?.intent.dead_man ?? null))) return;
  findings.notVerified.push(`what ended it: ${code} is the ceremony's own word, and no role signed that it saw so`);
}

/** Its name is the digest of what it says, so that no two that differ stand under one. */
function refusalOf({ entry }: ProvenEntry): string | undefined {
  const data = watchedDataSchema.safeParse(entry.data);
  if (!data.success) return 'it does not say what was found';
  const named = entry.transition === `watched/${digestOf(data.data).slice(0, 32)}`;
  return named ? undefined : 'its name is not that of what it found';
}

function tell({ entry }: ProvenEntry, { facts }: BundleFindings): void {
  for (const { code, detail } of watchedDataSchema.parse(entry.data).findings)
    facts.beside.push(`seen ${entry.at}: ${code}: ${detail}`);
}

function hasSeen({ entry }: ProvenEntry, code: Finding['code'], deadMan: string | null): boolean {
  const { type, data } = entry;
  const signs = type === 'watched' || type === 'verified' || type === 'granted' || type === 'extended';
  if (!signs) return false;
  const found = told.safeParse(data);
  if (found.success && found.data.findings.some((one) => one.code === code)) return true;
  if (code !== 'ends_later_than_intended' || deadMan === null) return false;
  const end = ends.safeParse(data);
  return end.success && (end.data.ends_at === null || epochMs(end.data.ends_at) > epochMs(deadMan));
}
