import { z } from 'zod';

import { ENDS, endOf, type EndCause } from '../domain/ceremony-state.js';
import { roleOfKind } from '../domain/effects/effects.js';
import { makerOf, OF_EFFECTS, type EntryPayload, type EntryType } from '../domain/entry.js';
import { epochMs } from '../domain/identifiers.js';
import type { BundleStage } from './bundle.js';
import type { ProvenAuthority, ProvenEntry } from './bundle-authority.js';
import { placeOfSeq, type BundleFindings } from './bundle-report.js';
import { absenceRefusal } from './bundle-absence.js';
import { proveWarrants, type ProvenWarrant } from './bundle-warrant.js';
import { digestOf } from './canonical-json.js';
import type { Trust } from './trust.js';

const CAUSES = [
  'deny',
  'withdraw',
  'close',
  'kill',
  'cancel',
  'deadline',
  'window',
  'refused_by_provider',
  'unexpected_target',
  'ends_later_than_intended',
  'not_issued',
  'workflow_lost',
] as const satisfies readonly EndCause[];
const endData = z.object({
  end: z.enum(ENDS),
  cause: z.enum(CAUSES).nullable(),
  by: z.string().nullable().default(null),
});

/** What happened between the intent and the end: grant, removal, end and stage, and the order they stand in. */
export function proveOutcome(
  authority: ProvenAuthority,
  entries: readonly ProvenEntry[],
  stage: BundleStage,
  trust: Trust,
  findings: BundleFindings,
): void {
  const first = (type: EntryType): ProvenEntry | undefined => entries.find(({ entry }) => entry.type === type);
  checkIntentNamed(authority, entries, findings);
  const warrant = proveWarrants(authority, entries, trust, findings);
  checkGrant(authority, { granted: first('granted'), verified: first('verified'), warrant }, findings);
  checkRemoval(authority, entries, findings);
  findings.facts.sessions_ended_at = first('sessions_ended')?.entry.at ?? null;
  const stood = entries.some(({ entry }) => isSeenStanding(entry));
  checkEnd(authority, { ended: first('ended') ?? first('refused'), resealing: first('resealing'), stood }, findings);
  checkStage(stage, first('audited'), findings);
  checkOrder(authority, entries, findings);
}

/** Whoever acted for a ceremony names the intent it acted for. */
function checkIntentNamed(
  { intent, extensions }: ProvenAuthority,
  entries: readonly ProvenEntry[],
  findings: BundleFindings,
): void {
  const granted = intent === undefined ? undefined : digestOf(intent.intent);
  const known = new Set([granted, ...extensions.map((extension) => digestOf(extension.intent))]);
  const kind = intent?.intent.kind;
  for (const { seq, entry } of entries) {
    const named = entry.data.intent_digest;
    if (named === undefined) continue;
    const ofAnother = kind !== undefined && OF_EFFECTS.has(entry.type) && makerOf(entry) !== roleOfKind(kind);
    // What granted it can only be the first of them; whoever acted later names the one in force.
    const grants = entry.type === 'granted' || entry.type === 'not_granted';
    const isKnown = typeof named === 'string' && (grants ? named === granted : known.has(named));
    if (isKnown && !ofAnother) continue;
    const check = entry.type === 'granted' || entry.type === 'not_granted' ? 'grant' : 'removal';
    const code = check === 'grant' ? 'grant_refused' : 'removal_unproven';
    const what = isKnown ? 'is of another kind of effect' : 'names another intent';
    findings.fail(check, code, placeOfSeq(seq), `${entry.type} ${what}`);
  }
}

function checkGrant(
  { intent }: ProvenAuthority,
  told: { granted: ProvenEntry | undefined; verified: ProvenEntry | undefined; warrant: ProvenWarrant | null },
  findings: BundleFindings,
): void {
  const { granted, verified, warrant } = told;
  findings.facts.granted_at = granted?.entry.at ?? null;
  findings.facts.verified_at = verified?.entry.at ?? null;
  const refuse = ({ seq }: ProvenEntry, message: string): void =>
    findings.fail('grant', 'grant_refused', placeOfSeq(seq), message);
  for (const entry of [granted, verified]) {
    if (entry !== undefined && intent === undefined) refuse(entry, 'nothing in this ledger allowed a grant');
  }
  // A grant found standing from an earlier, unanswered call may be found late; a new one is never made after the deadline.
  const made = granted?.entry.data.adopted === true ? undefined : granted;
  if (made !== undefined && intent !== undefined && epochMs(made.entry.at) >= epochMs(intent.intent.deadline)) {
    refuse(made, `granted at ${made.entry.at}, the deadline was ${intent.intent.deadline}`);
  }
  if (granted !== undefined && verified === undefined) {
    findings.notVerified.push('that the grant took effect: the second identity never saw it');
  }
  const taken = warrant?.judgedAt === null ? '' : `, the authority's and in force at ${warrant?.judgedAt ?? ''}`;
  const under = warrant === null ? '' : `, under warrant ${warrant.id}${taken}`;
  const acknowledged = granted === undefined ? 'no grant was acknowledged' : `acknowledged ${granted.entry.at}${under}`;
  findings.ran('grant', acknowledged);
}

function checkRemoval({ intent }: ProvenAuthority, entries: readonly ProvenEntry[], findings: BundleFindings): void {
  const { facts } = findings;
  if (intent === undefined) {
    findings.ran('removal', 'no intent was recorded, so nothing could stand');
    return;
  }
  const confirmed = entries.findLast(({ entry }) => entry.type === 'confirmed');
  const refuse = (seq: number, message: string): void =>
    findings.fail('removal', 'removal_unproven', placeOfSeq(seq), message);
  if (confirmed === undefined) return refuse(intent.seq, 'an intent was recorded and nothing confirms that it ended');
  const removed = entries.find(({ entry }) => entry.type === 'removal' && entry.data.outcome === 'removed');
  facts.removal_accepted_at = removed?.entry.at ?? null;
  facts.removed_confirmed_at = confirmed.entry.at;
  for (const { seq, entry } of entries) {
    const stands = entry.type === 'granted' || entry.type === 'verified' || entry.type === 'reappeared';
    if (stands && seq > confirmed.seq) refuse(seq, `a ${entry.type} entry stands after the last confirmation`);
  }
  const agreed = absenceRefusal(confirmed.entry, entries);
  if (!agreed.ok) return refuse(confirmed.seq, agreed.message);
  facts.removed_observed_at = agreed.observed_at;
  facts.removed_confirmed_at = agreed.confirmed_at;
  if (removed?.entry.data.word !== 'revoked' && facts.granted_at !== null) {
    findings.notVerified.push("the provider's own word for the removal: only agreeing reads show it");
  }
  findings.ran('removal', `observed ${agreed.observed_at}, confirmed ${agreed.confirmed_at} by ${agreed.reads} reads`);
}

/** Whether a role says that it saw what was granted stand, whatever the provider had answered. */
const isSeenStanding = ({ type, data }: EntryPayload): boolean =>
  type === 'reappeared' || type === 'verified' || (type === 'removal' && data.outcome === 'removed');

function checkEnd(
  { intent, acts, extensions }: ProvenAuthority,
  told: { ended: ProvenEntry | undefined; resealing: ProvenEntry | undefined; stood: boolean },
  findings: BundleFindings,
): void {
  const { ended: found, resealing, stood } = told;
  if (found === undefined) {
    findings.fail('end', 'end_mismatch', 'predicate.entries', 'no entry says how it ended');
    return;
  }
  const refuse = (message: string): void => findings.fail('end', 'end_mismatch', placeOfSeq(found.seq), message);
  const data = endData.safeParse(found.entry.data);
  if (!data.success) return refuse('it does not say how it ended');
  const { end, cause, by } = data.data;
  Object.assign(findings.facts, { end, cause, ended_at: found.entry.at });
  const afterIntent = ['not_granted', 'closed', 'expired', 'revoked'].includes(end);
  if (afterIntent !== (intent !== undefined)) refuse(`${end} ${afterIntent ? 'needs' : 'excludes'} an intent`);
  // A grant that was refused and was seen to stand all the same ended as one that was taken away.
  const isAfterAll = cause === 'refused_by_provider' && end === 'revoked' && stood;
  if (cause !== null && end !== 'refused' && !isAfterAll && endOf(cause, intent !== undefined) !== end) {
    refuse(`${cause} does not end a ceremony as ${end}`);
  }
  const spoken = cause === 'deny' || cause === 'withdraw' || cause === 'close' || cause === 'kill';
  if (spoken && !acts.some((act) => act.act === cause && act.person === by && act.seq < found.seq)) {
    refuse(`no signed ${cause} by ${by ?? 'anybody'} stands before it`);
  }
  const early =
    cause === 'deadline' &&
    intent !== undefined &&
    resealing !== undefined &&
    !keptDeadline(intent, extensions, resealing);
  if (early) refuse(`resealing began at ${resealing.entry.at}, before the deadline`);
  findings.ran('end', `${end}${cause === null ? '' : ` (${cause})`} at ${found.entry.at}`);
}

/**
 * Whether some deadline had passed when the reseal began: that of the grant, or of an extension. Where the provider's yes
 * reached the ceremony too late, the deadline before it is the one that was kept.
 */
function keptDeadline(
  { intent }: NonNullable<ProvenAuthority['intent']>,
  extensions: ProvenAuthority['extensions'],
  resealing: ProvenEntry,
): boolean {
  const inForce = [intent, ...extensions.filter(({ extended }) => extended !== undefined).map((one) => one.intent)];
  const [latest, before] = inForce.toReversed();
  const kept = extensions.length === 0 || before === undefined ? latest : before;
  return kept !== undefined && epochMs(resealing.entry.at) >= epochMs(kept.deadline);
}

function checkStage(stage: BundleStage, audited: ProvenEntry | undefined, findings: BundleFindings): void {
  if (stage === 'audited' && audited === undefined) {
    findings.fail('stage', 'stage_mismatch', 'predicate.stage', 'no entry of the audit log');
    return;
  }
  const missing = audited?.entry.data.outcome === 'missing';
  if (audited !== undefined && !missing) findings.facts.audited_at = audited.entry.at;
  if (stage === 'confirmed')
    findings.notVerified.push("that the provider's audit log says so too: it was sealed before");
  else if (missing)
    findings.notVerified.push("that the provider's audit log says so too: it did not, within the time it was given");
  findings.ran('stage', stage);
}

/** What must stand before what, by first appearance: a ledger cannot record a grant before what allowed it. */
const ORDER: readonly (readonly [EntryType, EntryType])[] = [
  ['intent', 'granted'],
  ['intent', 'verified'],
  ['intent', 'removal'],
  ['intent', 'confirmed'],
  ['confirmed', 'audited'],
  ['ended', 'audited'],
  ['ended', 'reviewed'],
];

function checkOrder(authority: ProvenAuthority, entries: readonly ProvenEntry[], findings: BundleFindings): void {
  const seqOf = (type: EntryType): number | undefined => entries.find(({ entry }) => entry.type === type)?.seq;
  for (const [before, after] of ORDER) {
    const [earlier, later] = [seqOf(before), seqOf(after)];
    if (earlier === undefined || later === undefined || earlier < later) continue;
    findings.fail('order', 'order_broken', placeOfSeq(later), `${after} stands before ${before}`);
  }
  const { intent } = authority;
  const confirmed = seqOf('confirmed');
  const ended = seqOf('ended');
  if (intent !== undefined && ended !== undefined && (confirmed === undefined || confirmed > ended)) {
    findings.fail('order', 'order_broken', placeOfSeq(ended), 'ended stands before the first confirmation');
  }
  findings.ran('order', 'approvals, intent, grant, removal, confirmation, end');
}
