import { z } from 'zod';

import { contractVersionSchema, seriesSchema } from '../domain/contract.js';
import type { Entry } from '../domain/entry.js';
import { digestSchema, epochMs } from '../domain/identifiers.js';
import type { DsseEnvelope } from '../domain/intent.js';
import type { Roster } from '../domain/roster.js';
import { signedStatementSchema } from '../domain/statement.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { MAX_ROSTERS, type BundleStatement } from './bundle.js';
import { openRoster } from './contract.js';
import type { ContractRoots } from './contract-roots.js';
import { sha256Hex } from './canonical-json.js';
import { checkRequestStatement } from './statement-check.js';
import type { Trust } from './trust.js';

const namedSchema = z.object({ series: seriesSchema, version: contractVersionSchema, digest: digestSchema });
const NAMING: ReadonlySet<unknown> = new Set(['request', 'intent']);

/** Digests of the rosters that the register admitted by and the authority issued by. Entries that cannot be read name none. */
export function rostersNamedIn(entries: readonly Entry[]): string[] {
  const named = entries.flatMap(({ body }) => {
    try {
      const { type, data } = JSON.parse(Buffer.from(body.payload, 'base64').toString('utf8')) as ProvenEntry['entry'];
      const roster = NAMING.has(type) ? namedSchema.safeParse(data['roster']) : undefined;
      return roster?.success === true ? [roster.data.digest] : [];
    } catch {
      return [];
    }
  });
  return [...new Set(named)].slice(0, MAX_ROSTERS);
}

/**
 * The rosters by which it was admitted and issued, as their signers signed them: enough of the trust file's signers signed
 * each, it was valid at that time, and by its keys the same people asked and approved. What the trust file's own roster
 * says of them is judged besides: whoever reads it later may have another.
 */
export function proveRosters(
  predicate: BundleStatement['predicate'],
  authority: ProvenAuthority,
  entries: readonly ProvenEntry[],
  trust: Trust,
  findings: BundleFindings,
): void {
  const held = heldIn(predicate, findings);
  const naming = entries.filter(({ entry }) => NAMING.has(entry.type) && entry.data['roster'] !== undefined);
  if (naming.length === 0 && trust.contractRoots !== undefined)
    findings.notVerified.push('who signed the roster: no entry names one');
  const said: string[] = [];
  const named = new Set<string>();
  for (const { seq, entry } of naming) {
    const parsed = namedSchema.safeParse(entry.data['roster']);
    if (!parsed.success) {
      findings.fail('roster', 'roster_refused', placeOfSeq(seq), 'it names a roster, and not in full');
      continue;
    }
    const { series, version, digest } = parsed.data;
    named.add(digest);
    findings.facts.roster = { series, version, signers: [] };
    const envelope = held.get(digest);
    if (trust.contractRoots === undefined || envelope === undefined) {
      const why = envelope === undefined ? 'the bundle does not hold it' : 'the trust file names no signers';
      findings.notVerified.push(`who signed roster ${series} version ${version}: ${why}`);
      continue;
    }
    const asked = { envelope, atMs: epochMs(entry.at), roots: trust.contractRoots };
    const proven = proveRoster(asked, (roster) => judgedBy(roster, entry, authority));
    if (!proven.ok) findings.fail('roster', 'roster_refused', placeOfSeq(seq), proven.message);
    else if (proven.series !== series || proven.version !== version)
      findings.fail('roster', 'roster_refused', placeOfSeq(seq), 'the roster of that digest is another version');
    else {
      findings.facts.roster = { series, version, signers: proven.signers };
      const by = entry.type === 'request' ? 'admitted' : 'issued';
      said.push(`${by} by ${series} version ${version}, signed by ${proven.signers.join(', ')}`);
    }
  }
  for (const digest of held.keys())
    if (!named.has(digest))
      findings.fail('roster', 'roster_refused', 'predicate.rosters', `no entry names roster ${digest}`);
  findings.ran('roster', said.join('; ') || 'none verified');
}

function heldIn({ rosters = [] }: BundleStatement['predicate'], findings: BundleFindings): Map<string, DsseEnvelope> {
  const held = new Map<string, DsseEnvelope>();
  for (const [index, envelope] of rosters.entries()) {
    const digest = sha256Hex(Buffer.from(envelope.payload, 'base64'));
    if (held.has(digest))
      findings.fail('roster', 'roster_refused', `predicate.rosters[${index}]`, `roster ${digest} stands there twice`);
    held.set(digest, envelope);
  }
  return held;
}

type ProvenRoster = { ok: true; series: string; version: number; signers: string[] } | { ok: false; message: string };

/** Keys count as they stood then: one that ended since signed well. */
function proveRoster(
  { envelope, atMs, roots }: { envelope: DsseEnvelope; atMs: number; roots: ContractRoots },
  fault: (roster: Roster) => string | undefined,
): ProvenRoster {
  const opened = openRoster(envelope, roots, atMs);
  if (!opened.ok) return { ok: false, message: `its roster: ${opened.code}: ${opened.message}` };
  const { series, version, valid_from, valid_until, signers, roster } = opened;
  if (atMs < epochMs(valid_from) || atMs >= epochMs(valid_until))
    return { ok: false, message: `its roster was valid from ${valid_from} to ${valid_until}, and not then` };
  const why = fault(roster);
  return why === undefined ? { ok: true, series, version, signers } : { ok: false, message: why };
}

/** Why this roster does not carry what the entry says, or undefined where by its keys the same people spoke. */
function judgedBy(
  roster: Roster,
  { type, data }: ProvenEntry['entry'],
  authority: ProvenAuthority,
): string | undefined {
  if (type === 'intent') {
    const judged = authority.intent?.under(roster);
    return judged?.ok === false ? `by its roster: ${judged.code}: ${judged.message}` : undefined;
  }
  const statement = signedStatementSchema.safeParse(data['statement']);
  if (!statement.success) return 'it carries no statement';
  const checked = checkRequestStatement(statement.data, roster);
  if (!checked.ok) return `by its roster: ${checked.reason}: ${checked.message}`;
  return checked.person.id === authority.request.invoker.person ? undefined : 'by its roster somebody else asked';
}
