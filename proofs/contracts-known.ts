import { standingOf, type SeenVersion, type Standing, type StandingQuestion } from '../domain/contract-standing.js';
import { epochMs } from '../domain/identifiers.js';
import type { Revocations, SignedKind } from '../domain/signed-documents.js';
import { sha256Hex } from './canonical-json.js';
import { openContract, openRevocations, openRoster, MAX_SIGNED_BYTES } from './contract.js';
import type { OpenedContract, OpenedRevocations, OpenedRoster, OpenCode } from './contract.js';
import { documentName, isDocumentName } from './contract-registry.js';
import { withoutKeys, type ContractRoots } from './contract-roots.js';
import { parseDsseEnvelope } from './dsse.js';

type Ok<Opened> = Extract<Opened, { ok: true }>;
export type KnownContract = Ok<OpenedContract>;
export type KnownRoster = Ok<OpenedRoster>;

/** Envelopes as an untrusted registry showed them; by the names under which it did, where those are to be checked too. */
export interface Shown {
  contracts: readonly unknown[] | ReadonlyMap<string, unknown>;
  rosters: readonly unknown[] | ReadonlyMap<string, unknown>;
  revocations: readonly unknown[] | ReadonlyMap<string, unknown>;
}

/** An envelope that does not count; `digest` is of its payload where there is one. */
export interface Rejected {
  digest: string | null;
  code: OpenCode;
  message: string;
}

/** What of the shown is signed by enough of those who may. Which version is in force is asked of {@link standingOfKnown}. */
export interface Known {
  contracts: KnownContract[];
  rosters: KnownRoster[];
  /** The newest list, or null. */
  revocations: Revocations | null;
  rejected: Rejected[];
}

/**
 * Opens everything that a registry shows, at `nowMs` (epoch milliseconds). Keys that a list of revocations takes back sign
 * nothing any more: no later list, no contract, no roster. All of it is attacker-controlled: never throws.
 */
export function openShown(shown: Shown, roots: ContractRoots, nowMs: number): Known {
  const rejected: Rejected[] = [];
  const checked = (kind: SignedKind, envelopes: Shown['contracts']): unknown[] =>
    !(envelopes instanceof Map) ? [...(envelopes as readonly unknown[])] : ofTheirNames(kind, envelopes, rejected);
  const { revocations, left } = newestList(checked('revocations', shown.revocations), roots, nowMs, rejected);
  const open = <Opened extends OpenedContract | OpenedRoster>(
    envelopes: readonly unknown[],
    opener: (envelope: unknown, roots: ContractRoots, nowMs: number) => Opened,
  ): Ok<Opened>[] =>
    envelopes.flatMap((envelope) => {
      const opened = opener(envelope, left, nowMs);
      if (opened.ok) return [opened as Ok<Opened>];
      rejected.push({ digest: digestOfPayload(envelope), code: opened.code, message: opened.message });
      return [];
    });
  const contracts = open(checked('contract', shown.contracts), openContract);
  const rosters = open(checked('roster', shown.rosters), openRoster);
  return { contracts, rosters, revocations, rejected };
}

/** Those that are what they are called. Another content under a digest was changed. */
function ofTheirNames(kind: SignedKind, envelopes: ReadonlyMap<string, unknown>, rejected: Rejected[]): unknown[] {
  return [...envelopes].flatMap(([name, envelope]) => {
    if (documentName(kind, envelope) === name) return [envelope];
    const digest = kind === 'revocations' || !isDocumentName(kind, name) ? null : name;
    rejected.push({ digest, code: `${kind}_changed`, message: `what the registry calls ${name} is something else` });
    return [];
  });
}

/** What whoever judges has seen before, which must outlive restarts: a registry may hide the newest. */
export interface SeenBefore {
  contract?: SeenVersion;
  roster?: SeenVersion;
  /** The highest number of a list of revocations. */
  revocations?: number;
}

/** At what, and what was seen before; `heardMs` as in {@link StandingQuestion}. */
type StandingAt = Pick<StandingQuestion, 'series' | 'nowMs' | 'heardMs'> & { seen?: SeenBefore };

/** Which contract of a series is in force, and why another one is not. */
export function contractStanding(known: Known, at: StandingAt): Standing<KnownContract> {
  return standingOf({ ...asked(known, 'contract', at), known: known.contracts });
}

/** Which roster of a series is in force, and why another one is not. */
export function rosterStanding(known: Known, at: StandingAt): Standing<KnownRoster> {
  return standingOf({ ...asked(known, 'roster', at), known: known.rosters });
}

function asked(
  { rejected, revocations }: Known,
  kind: 'contract' | 'roster',
  { series, nowMs, heardMs, seen = {} }: StandingAt,
): Omit<StandingQuestion, 'known'> {
  const why = new Map<string, 'unsigned' | 'changed'>();
  for (const { digest, code } of rejected)
    if (digest !== null && code.startsWith(kind)) why.set(digest, code === `${kind}_unsigned` ? 'unsigned' : 'changed');
  const before = seen[kind];
  return {
    kind,
    series,
    revocations,
    rejected: why,
    nowMs,
    ...(heardMs === undefined ? {} : { heardMs }),
    ...(before === undefined ? {} : { seen: before }),
    ...(seen.revocations === undefined ? {} : { seenRevocations: seen.revocations }),
  };
}

/** Lists are opened in their order, each by the keys that those before it left. */
function newestList(
  envelopes: readonly unknown[],
  roots: ContractRoots,
  nowMs: number,
  rejected: Rejected[],
): { revocations: Revocations | null; left: ContractRoots } {
  const lists: Ok<OpenedRevocations>[] = [];
  for (const envelope of envelopes) {
    const opened = openRevocations(envelope, roots, nowMs);
    if (opened.ok) lists.push(opened);
    else rejected.push({ digest: digestOfPayload(envelope), code: opened.code, message: opened.message });
  }
  let revocations: Revocations | null = null;
  let left = roots;
  for (const number of [...new Set(lists.map((list) => list.revocations.number))].sort((a, b) => a - b)) {
    const counted: Revocations[] = [];
    for (const list of lists.filter((one) => one.revocations.number === number)) {
      if (signersAmong(list.keyids, left) >= left.threshold) counted.push(list.revocations);
      else {
        const message = `list ${number} of revocations is signed by keys that an earlier one takes back`;
        rejected.push({ digest: list.digest, code: 'revocations_unsigned', message });
      }
    }
    if (counted.length === 0) continue;
    // Two lists of one number are a mistake of their signers: what either takes back is taken back.
    revocations = counted.reduce(union);
    left = withoutKeys(left, revocations.keys);
  }
  return { revocations, left };
}

const signersAmong = (keyids: readonly string[], { keys }: ContractRoots): number =>
  new Set(keyids.map((keyid) => keys.get(keyid)?.name).filter((name) => name !== undefined)).size;

function union(one: Revocations, other: Revocations): Revocations {
  const both = (a: readonly string[], b: readonly string[]): string[] => [...new Set([...a, ...b])].sort();
  const earlier = epochMs(one.fresh_until) <= epochMs(other.fresh_until) ? one : other;
  return {
    ...earlier,
    contracts: both(one.contracts, other.contracts),
    rosters: both(one.rosters, other.rosters),
    keys: both(one.keys, other.keys),
  };
}

function digestOfPayload(envelope: unknown): string | null {
  const parsed = parseDsseEnvelope(envelope, MAX_SIGNED_BYTES);
  return parsed.ok ? sha256Hex(parsed.payload) : null;
}
