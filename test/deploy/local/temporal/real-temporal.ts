import { findTemporalCli } from '../../../../deploy/local/temporal/find-temporal.js';

/** The real command line for tests, or the reason to show in the name of what is skipped without it. */
export async function realTemporalCli(): Promise<{ cli: string; reason: string | null }> {
  try {
    return { cli: (await findTemporalCli()).path, reason: null };
  } catch (error) {
    return { cli: '', reason: error instanceof Error ? error.message : String(error) };
  }
}
