import type { CeremonyView } from '../../domain/view.js';

/** What a reader is shown comes from these columns. */
export const SHOWN = 'view, escalated, review_owed, review_overdue_at, reviewed_at, reviewed_by';

/** A row as `SHOWN` reads it. Times are RFC 3339 UTC. */
export interface ShownRow extends Record<string, unknown> {
  view: string;
  escalated: boolean;
  review_owed: string | null;
  review_overdue_at: string | null;
  reviewed_at: string | null;
  reviewed_by: string | null;
}

/** The view as its workflow told it, with what the register alone knows: escalation and review. */
export function shownView(row: ShownRow): CeremonyView {
  const view = JSON.parse(row.view) as CeremonyView;
  const { review_owed: owed_since, review_overdue_at: overdue_at, reviewed_at, reviewed_by } = row;
  const review =
    owed_since === null && reviewed_at === null ? null : { owed_since, overdue_at, reviewed_at, reviewed_by };
  const flags = row.escalated && !view.flags.includes('escalated') ? [...view.flags, 'escalated'] : view.flags;
  return { ...view, flags, review };
}
