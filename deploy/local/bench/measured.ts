/** What one measure found. `ratio` is against the named baseline of the same run; `aim` and `required` are what it is held against. */
export interface Measured {
  name: string;
  what: string;
  /** As read by people, with its unit. */
  value: string;
  baseline: string;
  /** The number that the bounds are about: a ratio, a count or seconds. */
  figure: number;
  figure_is: 'ratio' | 'events' | 'seconds';
  required: string;
  aim: string;
  /** Lines told under the table. */
  notes: string[];
  /** Everything else, for the JSON line. */
  details: Record<string, unknown>;
}

/** One measure: its name on the command line, what it measures, and how. */
export interface Measure {
  name: string;
  run: (progress: (text: string) => void) => Promise<Measured>;
}

/** The middle value; the mean of the two middle ones of an even number. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** How long a piece of work takes, in milliseconds. */
export async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

export const rounded = (value: number, digits = 2): number => Number(value.toFixed(digits));

/** What cannot be measured here, and why; told, and not left out. */
export function notMeasured({ name, what }: Pick<Measured, 'name' | 'what'>, why: string): Measured {
  const dashes = { value: '-', baseline: '-', required: '-', aim: '-' };
  return {
    name,
    what,
    ...dashes,
    figure: Number.NaN,
    figure_is: 'ratio',
    notes: [`not measured: ${why}`],
    details: {},
  };
}
