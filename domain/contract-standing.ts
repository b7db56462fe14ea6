import { epochMs, instant } from './identifiers.js';
import type { Revocations } from './signed-documents.js';
import { CLOCK_SKEW_MS } from './statement.js';

/** Contracts and rosters stand by the same rules; the kind is the first word of the codes. */
export type StandingKind = 'contract' | 'roster';

const REASONS = ['unknown', 'unsigned', 'changed', 'revoked', 'not_yet_valid', 'expired', 'superseded'] as const;

/** Why a contract or a roster is not in force. `revocations_stale`: nothing fresh says that it is not revoked. */
export type StandingCode = `${StandingKind}_${(typeof REASONS)[number]}` | 'revocations_stale';
export const STANDING_CODES: readonly StandingCode[] = [
  ...(['contract', 'roster'] as const).flatMap((kind) => REASONS.map((reason) => `${kind}_${reason}` as const)),
  'revocations_stale',
];

export interface StandingRefusal {
  code: StandingCode;
  message: string;
}

/** One version that enough signers signed. Times are RFC 3339 UTC, the digest hex SHA-256. */
export interface SignedVersion {
  digest: string;
  series: string;
  version: number;
  valid_from: string;
  valid_until: string;
}

/** The highest version of a series that was ever in force before whoever judges; it must outlive restarts. */
export type SeenVersion = Pick<SignedVersion, 'version' | 'digest'>;

/** What a standing is judged by. */
export interface StandingQuestion<Version extends SignedVersion = SignedVersion> {
  kind: StandingKind;
  /** The one series that is followed. Versions of others are unknown here. */
  series: string;
  /** Versions whose signatures were verified against the roots. */
  known: readonly Version[];
  /** Digests of which there was something, and why it does not count. */
  rejected?: ReadonlyMap<string, 'unsigned' | 'changed'>;
  /** The newest list whose signatures were verified, or null when there is none. */
  revocations: Pick<Revocations, 'number' | 'issued_at' | 'fresh_until' | 'contracts' | 'rosters'> | null;
  /** The highest number of a list that was ever seen: an older list is as good as none. */
  seenRevocations?: number;
  seen?: SeenVersion;
  nowMs: number;
  /**
   * The time by which the list must be fresh, where that is another clock's: a list travels in real time, also where a
   * ceremony's own time runs ahead. Null: freshness is not asked, for whoever only shows or ends something.
   */
  heardMs?: number | null;
}

/** Which version of a series is in force, and why another one is not. */
export interface Standing<Version extends SignedVersion = SignedVersion> {
  /** What grants may be bound to now; null when nothing may be granted. */
  inForce: Version | null;
  /** Why nothing is in force; null when something is. */
  refusal: StandingRefusal | null;
  /** Why the version of this digest is not in force; undefined when it is. */
  whyNot(digest: string): StandingRefusal | undefined;
}

/**
 * The standing of a series at a moment: the highest version that has begun counts, and no lower one ever again, be it
 * expired or revoked meanwhile (to go back, an old content is published as a new version). Two contents under one version
 * count as neither, unless one of them is revoked.
 *
 * The known versions are of people who may sign; which of them are shown is an attacker's choice (an untrusted registry),
 * so what was seen before is part of the question.
 */
export function standingOf<Version extends SignedVersion>(question: StandingQuestion<Version>): Standing<Version> {
  const { kind, series, known, revocations, seen, nowMs } = question;
  const versions = known.filter((version) => version.series === series);
  const revoked = new Set(kind === 'contract' ? revocations?.contracts : revocations?.rosters);
  const begun = versions.filter(({ valid_from }) => epochMs(valid_from) <= nowMs);
  const highest = Math.max(seen?.version ?? 0, ...begun.map(({ version }) => version));
  const refuse = (reason: (typeof REASONS)[number], message: string): StandingRefusal => ({
    code: `${kind}_${reason}`,
    message,
  });

  const whyNot = (digest: string): StandingRefusal | undefined => {
    const version = versions.find((one) => one.digest === digest);
    if (version === undefined) return whyNotKnown(question, digest, refuse);
    const named = `version ${version.version} of ${series}`;
    if (revoked.has(digest)) return refuse('revoked', `${named} is revoked, by list ${revocations?.number ?? 0}`);
    if (epochMs(version.valid_from) > nowMs) return refuse('not_yet_valid', `${named} begins at ${version.valid_from}`);
    if (epochMs(version.valid_until) <= nowMs) return refuse('expired', `${named} ended at ${version.valid_until}`);
    if (version.version < highest) return refuse('superseded', `${named} is superseded by version ${highest}`);
    const others = [...begun, ...(seen === undefined ? [] : [seen])];
    const other = others.find(
      (one) => one.version === version.version && one.digest !== digest && !revoked.has(one.digest),
    );
    if (other !== undefined)
      return refuse('changed', `${named} was signed with another content too: ${other.digest}; publish a new version`);
    return revocationsRefusal(question);
  };

  const newest = begun.filter(({ version }) => version === highest);
  const inForce = newest.find(({ digest }) => whyNot(digest) === undefined) ?? null;
  return { inForce, refusal: inForce === null ? whyNothing(question, newest, whyNot, refuse) : null, whyNot };
}

/** Why no list of revocations vouches for anything, or undefined when a fresh one is there. */
export function revocationsRefusal({
  revocations,
  seenRevocations = 0,
  nowMs,
  heardMs = nowMs,
}: Pick<StandingQuestion, 'revocations' | 'seenRevocations' | 'nowMs' | 'heardMs'>): StandingRefusal | undefined {
  if (heardMs === null) return undefined;
  const stale = (message: string): StandingRefusal => ({ code: 'revocations_stale', message });
  if (revocations === null) return stale('no list of revocations that is signed: publish one, be it empty');
  const named = `list ${revocations.number} of revocations`;
  if (revocations.number < seenRevocations) return stale(`${named} is older than list ${seenRevocations}, seen before`);
  if (epochMs(revocations.issued_at) > heardMs + CLOCK_SKEW_MS)
    return stale(`${named} is of the future: issued at ${revocations.issued_at}, and it is ${instant(heardMs)}`);
  if (epochMs(revocations.fresh_until) <= heardMs)
    return stale(`${named} was fresh until ${revocations.fresh_until}: publish a newer one`);
  return undefined;
}

type Refuse = (reason: (typeof REASONS)[number], message: string) => StandingRefusal;

function whyNotKnown({ kind, series, known, rejected }: StandingQuestion, digest: string, refuse: Refuse) {
  const of = known.find((version) => version.digest === digest);
  if (of !== undefined)
    return refuse('unknown', `${kind} ${digest} is of series ${of.series}, and ${series} is followed`);
  const why = rejected?.get(digest);
  if (why === 'unsigned') return refuse('unsigned', `${kind} ${digest} is not signed by enough of those who may`);
  if (why === 'changed') return refuse('changed', `${kind} ${digest} is not what was signed`);
  return refuse('unknown', `no ${kind} ${digest} is known in series ${series}`);
}

function whyNothing(
  { kind, series, known, rejected, seen }: StandingQuestion,
  newest: readonly SignedVersion[],
  whyNot: (digest: string) => StandingRefusal | undefined,
  refuse: Refuse,
): StandingRefusal {
  const [first] = newest;
  if (first !== undefined) return whyNot(first.digest) ?? refuse('unknown', `no ${kind} in series ${series}`);
  if (seen !== undefined)
    return refuse(
      'unknown',
      `version ${seen.version} of ${series} (${seen.digest}) was in force and is not to be found`,
    );
  const planned = known.find((version) => version.series === series);
  if (planned !== undefined) return whyNot(planned.digest) ?? refuse('unknown', `no ${kind} in series ${series}`);
  const [turnedAway] = rejected?.keys() ?? [];
  if (turnedAway !== undefined) return whyNot(turnedAway) ?? refuse('unknown', `no ${kind} in series ${series}`);
  return refuse('unknown', `no ${kind} is known in series ${series}`);
}
