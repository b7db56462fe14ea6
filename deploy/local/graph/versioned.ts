/** What one replica of the directory may see: reads by it are up to `lagMs` of tenant time behind. */
export interface ReplicaView {
  readonly now: number;
  readonly lagMs: number;
}

/** One committed value; `value: null` is a tombstone. Times are epoch milliseconds of tenant time. */
export interface Version<T> {
  readonly at: number;
  readonly value: T | null;
}

const KEPT_VERSIONS = 16;

/**
 * A value with its recent past, so that a lagging replica can still show what was there before a write.
 * The write path always uses `current`; reads use `seenBy`.
 */
export class Versioned<T> {
  private constructor(
    private readonly versions: Version<T>[],
    private written: number,
  ) {}

  static of<T>(at: number, value: T): Versioned<T> {
    return new Versioned<T>([{ at, value }], 1);
  }

  static revive<T>(stored: StoredVersions<T>): Versioned<T> {
    return new Versioned<T>([...stored.versions], stored.written);
  }

  /** How often this was written: names one version for good, also after older ones were dropped. */
  get revision(): number {
    return this.written;
  }

  get current(): T | null {
    return this.versions[this.versions.length - 1]?.value ?? null;
  }

  put(at: number, value: T | null): void {
    this.versions.push({ at, value });
    this.written += 1;
    if (this.versions.length > KEPT_VERSIONS) this.versions.shift();
  }

  /** The newest value that has reached this replica; null when none has, or when it was removed. */
  seenBy(view: ReplicaView): T | null {
    for (let i = this.versions.length - 1; i >= 0; i -= 1) {
      const version = this.versions[i];
      if (version !== undefined && Math.abs(view.now - version.at) >= view.lagMs) return version.value;
    }
    // Every kept version is still under way: older ones, if there were any, were dropped.
    return this.written > this.versions.length ? (this.versions[0]?.value ?? null) : null;
  }

  /** Whether version `revision` was still the newest at `at`; true where the answer was dropped with the past. */
  wasCurrent(revision: number, at: number): boolean {
    const next = this.versions[revision - (this.written - this.versions.length)];
    return next === undefined || next.at > at;
  }

  toJSON(): StoredVersions<T> {
    return { versions: this.versions, written: this.written };
  }
}

export interface StoredVersions<T> {
  versions: Version<T>[];
  written: number;
}

/** Lags of the simulated replicas as fractions of the set lag: one is up to date, one is as late as allowed. */
const REPLICAS = [1, 0, 0.6, 0.3] as const;

/**
 * The replica that answers read number `read` of a tenant. Deterministic, but without a pattern that a client
 * could come to rely on: a hash of the counter chooses.
 */
export function replicaLag(read: number, lagMs: number): number {
  if (lagMs === 0) return 0;
  let h = Math.imul(read ^ 0x9e3779b9, 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  h ^= h >>> 16;
  return lagMs * (REPLICAS[(h >>> 0) % REPLICAS.length] ?? 1);
}
