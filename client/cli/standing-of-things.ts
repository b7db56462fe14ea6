import type { CeremonyView } from '../../domain/view.js';
import type { PersonName, ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import { openIncidents, type OpenIncidents } from './open-incidents.js';

const LIMIT = 100;

/** What is open, what is overdue, and what waits for one person. `null`: nobody could be asked. */
export interface StandingOfThings {
  /** Who is asked about; null when nobody said who acts. */
  me: PersonName | null;
  waiting: {
    /** Requests and extensions that may have this person's approval and have none. */
    approval: CeremonyView[];
    /** Their own grants that stand: close one as soon as it is not needed any more. */
    close: CeremonyView[];
    /** Reviews that they may do. */
    review: CeremonyView[] | null;
  };
  overdue: CeremonyView[];
  open: CeremonyView[];
  /** Left out where no incidents are served. */
  incidents?: OpenIncidents | null;
}

/** @throws {ResealError} what the api throws; a register that is away only takes the reviews and the incidents with it. */
export async function standingOfThings(api: ResealApi, me: PersonName | null): Promise<StandingOfThings> {
  const [open, overdue, approval, owed, incidents] = await Promise.all([
    api.list({ open: true, limit: LIMIT }),
    api.list({ overdue: true, limit: LIMIT }),
    me === null ? [] : api.list({ waiting_for: me.id, limit: LIMIT }),
    me === null ? [] : api.list({ review_owed: true, limit: LIMIT }).catch(withoutRegister),
    openIncidents(api),
  ]);
  const own = (view: CeremonyView): boolean =>
    me !== null && (view.invoker_person === me.id || view.principal_id === me.object_id);
  const stands = ({ state }: CeremonyView): boolean => state === 'active' || state === 'active_unverified';
  return {
    me,
    waiting: {
      approval,
      close: open.filter((view) => stands(view) && own(view)),
      review: owed === null ? null : owed.filter((view) => !own(view)),
    },
    overdue,
    open,
    ...(incidents === undefined ? {} : { incidents }),
  };
}

function withoutRegister(error: unknown): null {
  if (error instanceof ResealError && /^(needs_register|register_unreachable)$/.test(error.code)) return null;
  throw error;
}
