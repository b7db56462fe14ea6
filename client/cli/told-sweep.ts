import type { SweepReport } from '../../domain/sweep.js';

export interface SweepOptions {
  standalone?: boolean;
  config?: string;
  intents?: string;
  timeout?: string;
}

/** A report, and whether the sweeper's signature on it was checked. */
export interface ToldSweep {
  report: SweepReport;
  envelope: unknown;
  proven: boolean;
  /** Of the schedule, where there is one; null where that was not asked. */
  schedule: { exists: boolean; paused: boolean; next_at: string | null } | null;
}
