import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../activities/clock.js';
import type { Carrying, InForce } from '../activities/in-force.js';
import type { Log } from '../activities/register/holdings.js';
import type { Standing, StandingRefusal } from '../domain/contract-standing.js';
import type { PolicyInForce } from '../domain/policy-in-force.js';
import type { Roster } from '../domain/roster.js';
import type { SignedKind } from '../domain/signed-documents.js';
import { digestOf } from '../proofs/canonical-json.js';
import type { DsseEnvelope } from '../proofs/dsse.js';
import { documentName, type ContractRegistry } from '../proofs/contract-registry.js';
import { rootKeyRefusal, type ContractRoots } from '../proofs/contract-roots.js';
import {
  contractStanding,
  openShown,
  rosterStanding,
  type Known,
  type KnownContract,
  type KnownRoster,
  type SeenBefore,
} from '../proofs/contracts-known.js';
import { judgePublication } from '../proofs/publication.js';
import { NO_POLICY, NOBODY } from './nothing-known.js';
import { inReadingOrder, MAX_DOCUMENTS, Patience } from './registry-patience.js';

/** Where a book is read from, and by whose word. */
export interface BookSources {
  /** Untrusted: whatever it shows is verified, and whatever it hides was perhaps seen before. */
  registry: ContractRegistry;
  /** The contract roots as they are configured now. Rejects where they cannot be read. */
  roots: () => Promise<ContractRoots>;
  series: string;
  rosterSeries: string;
  /** The role's own: by it versions begin and end. */
  clock: Clock;
  log: Log;
  /** Characters that are kept of what no signer of the roots signed, of each kind; 64 Mi. */
  most?: number;
  /** How long one reading of one kind may take, in milliseconds; 20 s. */
  patienceMs?: number;
}

/** How long a start waits for a registry. What it shows later is taken later. */
const START_PATIENCE_MS = 5_000;
const PATIENCE_MS = 20_000;
/**
 * What is revoked is heard first: nothing that a registry shows besides can hold it up. And once more at the end, so that
 * what was published and revoked meanwhile is never in force.
 */
const READ_ORDER: readonly SignedKind[] = ['revocations', 'roster', 'contract', 'revocations'];
const MOST_UNSIGNED = 64 * 1024 * 1024;

const NO_ROOTS: ContractRoots = { threshold: 2, keys: new Map() };
const NOTHING: Known = { contracts: [], rosters: [], revocations: null, rejected: [] };

/**
 * The signed contracts and rosters that a process knows. Read at its start and again and again while it runs, so that a new
 * version or a revocation is heard without a restart. A registry that is away, empty or broken keeps nobody from starting:
 * what verified before counts until the list of revocations is stale, and whoever ends something never asks for that.
 */
export class ContractBook implements InForce {
  private readonly shown: Record<SignedKind, Map<string, unknown>> = {
    contract: new Map(),
    roster: new Map(),
    revocations: new Map(),
  };
  /** The sizes of those that no signer of the roots signed. */
  private readonly unsigned: Record<SignedKind, Map<string, number>> = {
    contract: new Map(),
    roster: new Map(),
    revocations: new Map(),
  };
  private roots = NO_ROOTS;
  private known = NOTHING;
  private verifiedFor = '';
  private readonly seen: SeenBefore = {};
  private readonly said = new Set<string>();
  private closed = false;

  private constructor(private readonly sources: BookSources) {}

  /** Reads what can be read within a few seconds. Never rejects because of roots or registry: it logs why instead. */
  static async open(sources: BookSources): Promise<ContractBook> {
    const book = new ContractBook(sources);
    await Promise.race([book.refresh(), sleep(START_PATIENCE_MS, undefined, { ref: false })]);
    return book;
  }

  /** Reads again every so many milliseconds, until it is stopped. */
  follow(everyMs: number): () => Promise<void> {
    const stopping = new AbortController();
    void (async () => {
      for (;;) {
        await sleep(everyMs, undefined, { signal: stopping.signal });
        await this.refresh();
      }
    })().catch(() => undefined);
    return () => {
      // What is being read is not waited for: a process must be able to end while a registry hangs.
      this.closed = true;
      stopping.abort();
      return Promise.resolve();
    };
  }

  /** Reads roots and registry once, as far as the registry answers in time. Never rejects. */
  async refresh(): Promise<void> {
    await this.readRoots();
    for (const kind of READ_ORDER) {
      await this.read(kind);
      if (kind === 'revocations') this.verify();
    }
  }

  policy(): PolicyInForce {
    const standing = this.contracts(this.sources.clock.now());
    return standing.inForce ?? highest(this.known.contracts) ?? NO_POLICY;
  }

  roster(): Roster {
    const standing = this.rosters(this.sources.clock.now());
    return (standing.inForce ?? highest(this.known.rosters))?.roster ?? NOBODY;
  }

  carrying(policyDigest: string, nowMs: number): Carrying {
    const heardMs = Date.now();
    const contracts = this.contracts(nowMs, heardMs);
    const contract = this.known.contracts.find(({ digest }) => digest === policyDigest);
    const why = contracts.whyNot(policyDigest);
    if (why !== undefined || contract === undefined) return refused(why, 'contract_unknown');
    const rosters = this.rosters(nowMs, heardMs);
    const roster = rosters.inForce;
    if (roster === null) return refused(rosters.refusal ?? undefined, 'roster_unknown');
    const { policy, digest } = contract;
    const { revocations } = this.known;
    return {
      ok: true,
      policy,
      digest,
      contract: policy.contract,
      roster: roster.roster,
      envelope: (this.shown.contract.get(digest) as DsseEnvelope | undefined) ?? null,
      versions: [
        { kind: 'contract', series: contract.series, version: contract.version, digest },
        { kind: 'roster', series: roster.series, version: roster.version, digest: roster.digest },
        ...(revocations === null
          ? []
          : [
              {
                kind: 'revocations' as const,
                series: 'revocations',
                version: revocations.number,
                digest: digestOf(revocations),
              },
            ]),
      ],
    };
  }

  signedRoster(digest: string): DsseEnvelope | null {
    if (!this.known.rosters.some((roster) => roster.digest === digest)) return null;
    return (this.shown.roster.get(digest) as DsseEnvelope | undefined) ?? null;
  }

  /** Characters of documents of this kind that are kept though no signer of the roots signed them. */
  unsignedHeld(kind: SignedKind): number {
    return [...this.unsigned[kind].values()].reduce((sum, size) => sum + size, 0);
  }

  private async readRoots(): Promise<void> {
    try {
      this.roots = await this.sources.roots();
    } catch (error) {
      this.say('contract roots cannot be read: those known before go on counting', { code: codeOf(error) });
    }
  }

  /** Takes what the registry shows and was not taken before. What is shown under one name once stays: hiding revokes nothing. */
  private async read(kind: SignedKind): Promise<void> {
    const { registry, patienceMs = PATIENCE_MS } = this.sources;
    const patience = new Patience(patienceMs);
    try {
      const names = await patience.of(registry.list(kind));
      for (const name of inReadingOrder(kind, names, this.shown[kind])) {
        if (this.isTaken(kind, name)) continue;
        const envelope = this.kept(kind, name, await patience.of(registry.fetch(kind, name)));
        if (envelope === undefined) continue;
        // The same bytes as last time would be verified for nothing.
        if (JSON.stringify(this.shown[kind].get(name)) !== JSON.stringify(envelope)) this.verifiedFor = '';
        this.shown[kind].set(name, envelope);
      }
    } catch (error) {
      this.say('the registry of contracts cannot be read', { code: codeOf(error) });
    }
  }

  /**
   * What of a shown document is kept, undefined where nothing is. A registry could otherwise fill the memory of every role with
   * what nobody signed, and with it hold up what must end. What is no envelope at all is kept as null: that it is there counts.
   */
  private kept(kind: SignedKind, name: string, shown: unknown): unknown {
    const unsigned = this.unsigned[kind];
    if (shown === undefined) return undefined;
    if (judgePublication(kind, name, shown, this.roots, Date.now()).ok) {
      unsigned.delete(name);
      return shown;
    }
    const envelope = documentName(kind, shown) === undefined ? null : shown;
    const size = JSON.stringify(envelope).length;
    const { most = MOST_UNSIGNED } = this.sources;
    if (this.unsignedHeld(kind) - (unsigned.get(name) ?? 0) + size > most) {
      this.say('the registry shows more than is kept of what nobody signed', { kind });
      return undefined;
    }
    unsigned.set(name, size);
    return envelope;
  }

  private isTaken(kind: SignedKind, name: string): boolean {
    const { contracts, rosters, revocations } = this.known;
    if (kind === 'revocations') return Number(name) <= (revocations?.number ?? 0);
    return (kind === 'contract' ? contracts : rosters).some(({ digest }) => digest === name);
  }

  private verify(): void {
    const nowMs = Date.now();
    const signers = signersNow(this.roots, nowMs);
    if (signers === this.verifiedFor) return;
    const { contract, roster, revocations } = this.shown;
    this.known = openShown({ contracts: contract, rosters: roster, revocations }, this.roots, nowMs);
    this.verifiedFor = signers;
    for (const { digest, code, message } of this.known.rejected)
      this.say('a signed document was not taken', { code, digest, message });
    this.remember();
  }

  /** What was in force once is what a registry may not go back behind. What a start finds is not told, only what changes. */
  private remember(): void {
    const { seen, known } = this;
    const nowMs = this.sources.clock.now();
    const before = { contract: seen.contract, roster: seen.roster };
    const now = { contract: this.contracts(nowMs).inForce, roster: this.rosters(nowMs).inForce };
    for (const kind of ['contract', 'roster'] as const) {
      const version = now[kind];
      if (version === null || version.version <= (before[kind]?.version ?? 0)) continue;
      seen[kind] = { version: version.version, digest: version.digest };
      const { series, digest } = version;
      if (before[kind] !== undefined)
        this.sources.log(`another ${kind} is in force`, { series, version: version.version, digest });
    }
    const number = known.revocations?.number ?? 0;
    seen.revocations = Math.max(seen.revocations ?? 0, number);
    // Lists below the newest say nothing more.
    for (const name of this.shown.revocations.keys()) {
      if (Number(name) >= number) continue;
      this.shown.revocations.delete(name);
      this.unsigned.revocations.delete(name);
    }
  }

  /** Versions begin and end by the role's clock. `heardMs`: by which what is revoked must have been heard lately, if asked. */
  private contracts(nowMs: number, heardMs: number | null = null): Standing<KnownContract> {
    const { seen, sources } = this;
    return contractStanding(this.known, { series: sources.series, nowMs, heardMs, seen });
  }

  private rosters(nowMs: number, heardMs: number | null = null): Standing<KnownRoster> {
    const { seen, sources } = this;
    return rosterStanding(this.known, { series: sources.rosterSeries, nowMs, heardMs, seen });
  }

  /** One line a finding, however often it is found. */
  private say(message: string, fields: Record<string, unknown>): void {
    const line = JSON.stringify([message, fields]);
    if (this.closed || this.said.has(line) || this.said.size > MAX_DOCUMENTS) return;
    this.said.add(line);
    this.sources.log(message, fields);
  }
}

const highest = <Version extends { version: number }>(versions: readonly Version[]): Version | undefined =>
  versions.reduce<Version | undefined>((most, one) => (one.version > (most?.version ?? 0) ? one : most), undefined);

const refused = (why: StandingRefusal | undefined, otherwise: StandingRefusal['code']): Carrying => ({
  ok: false,
  code: why?.code ?? otherwise,
  message: why?.message ?? 'it is not known here',
});

/** Which keys may sign what now: while that stays the same, what verified goes on verifying. */
const signersNow = ({ threshold, keys }: ContractRoots, nowMs: number): string =>
  [...keys.values()]
    .map((key) => `${key.keyid} ${key.name} ${key.signs.filter((kind) => !rootKeyRefusal(key, kind, nowMs)).join()}`)
    .sort()
    .concat(String(threshold))
    .join('\n');

const codeOf = (error: unknown): string =>
  (error as { code?: string } | null)?.code ?? (error instanceof Error ? error.name : 'unknown');
