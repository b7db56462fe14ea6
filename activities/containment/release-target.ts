import type { LeftBecause, TargetOutcome } from '../../domain/incidents/containment.js';
import { TargetFailure, type Cause } from './adapter.js';
import type { ContainmentJournal, Place, StandingTarget } from './containment-journal.js';
import type { NamedTarget } from './contain-target.js';

/**
 * Undoes what Reseal did to one target, and nothing else: what was contained before us, or changed by somebody since, stays
 * as it is, and the outcome says why. It counts as released when it says so itself. Throws TargetFailure; may be called again.
 */
export async function releaseTarget(
  journal: ContainmentJournal,
  place: Place,
  { name, kind, adapter }: NamedTarget,
  cause: Cause,
): Promise<TargetOutcome> {
  const known = await journal.read(place, name);
  const left = (why: LeftBecause, more: Partial<TargetOutcome> = {}): TargetOutcome => ({
    target: name,
    kind,
    did: 'left',
    why,
    before: known?.before ?? null,
    ...more,
  });
  if (known === null) return left('never_contained');
  if (known.settled !== null) return known.settled.outcome;
  const end = async (outcome: TargetOutcome): Promise<TargetOutcome> => {
    await journal.write(place, name, { ...known, releasing: false, settled: { by: cause.incident_id, outcome } });
    return outcome;
  };
  if (known.before === null) return end(left('before_unknown'));
  if (known.before.state === 'contained') return end(left('contained_before'));
  const found = await adapter.observe();
  if (found.state === 'released' && !known.releasing) return end(left('released_by_another', { now: found }));
  if (adapter.leaves !== undefined) return end(left(adapter.leaves, { now: found }));
  if (found.state === 'contained' && changedSince(known, found.revision))
    return end(left('changed_since', { now: found }));
  if (found.state === 'contained') {
    if (!known.releasing) await journal.write(place, name, { ...known, releasing: true });
    await adapter.release(cause);
  }
  const seen = await adapter.observe();
  if (seen.state !== 'released') throw new TargetFailure('not_released_yet', `${name} says that it is contained still`);
  // Another incident may have asked for it meanwhile.
  if ((await journal.holders(place)).length > 0) {
    await journal.write(place, name, { ...known, releasing: false });
    await adapter.contain(cause);
    const again = await adapter.observe();
    if (again.state !== 'contained') throw new TargetFailure('not_contained_yet', `${name} is to be contained again`);
    await journal.write(place, name, { ...known, releasing: false, shown: again.revision });
    return left('held_by_another_incident', { now: again });
  }
  return end({ target: name, kind, did: 'released', before: known.before, now: seen });
}

const changedSince = ({ shown, releasing }: StandingTarget, revision: string | null): boolean =>
  !releasing && shown !== null && revision !== null && shown !== revision;
