/** One setting, and who said it. */
export interface Origin {
  /** As `reseal.yaml` calls it, such as `temporal.address`. */
  name: string;
  value: string | null;
  /** A flag, a variable, a file, `the local stack` or `default`; null where nobody said. */
  from: string | null;
  /** Its value is never printed. */
  secret: boolean;
}

/** What could say a setting: a value, and where it stands. */
export type Candidate = readonly [value: string | null | undefined, from: string];

/** Collects settings: of each, the first place that says something wins and is remembered. */
export class Origins {
  readonly all: Origin[] = [];

  pick(name: string, candidates: readonly Candidate[], { secret = false } = {}): string | undefined {
    const found = candidates.find(([value]) => value !== undefined && value !== null && value !== '');
    const value = found?.[0] ?? undefined;
    this.all.push({ name, value: value ?? null, from: found?.[1] ?? null, secret });
    return value;
  }
}
