import type { TargetOutcome } from '../../domain/incidents/containment.js';
import { TargetFailure, type Adapter, type Cause, type Seen } from './adapter.js';
import type { ContainmentJournal, Place, StandingTarget } from './containment-journal.js';

/** One target as the configuration names it, and the way to it. */
export interface NamedTarget {
  name: string;
  kind: string;
  adapter: Adapter;
}

/**
 * Contains one target: what it was before is written down before the first call, and it counts as contained when it says so
 * itself afterwards. A target whose state cannot be read is contained all the same, and what it was before stays unknown.
 * Throws TargetFailure; may be called again.
 */
export async function containTarget(
  journal: ContainmentJournal,
  place: Place,
  { name, kind, adapter }: NamedTarget,
  cause: Cause,
): Promise<TargetOutcome> {
  const found = await readTwice(adapter);
  const known = await journal.read(place, name);
  let now = begin(known, found);
  if (now !== known) await journal.write(place, name, now);
  const others = now.before?.state === 'contained';
  // What is not given back may be taken twice: a read that does not show it yet proves nothing.
  const calls = adapter.leaves !== undefined || found?.state !== 'contained' || (!others && !now.applied);
  if (calls) {
    await adapter.contain(cause);
    // What it shows is ours again, whatever it showed before this call.
    await journal.write(place, name, (now = { ...now, applied: true, shown: null }));
  }
  const seen = await adapter.observe();
  if (seen.state !== 'contained') throw new TargetFailure('not_contained_yet', `${name} says that it is not contained`);
  if (now.shown === null && seen.revision !== null && !others)
    await journal.write(place, name, { ...now, shown: seen.revision });
  return { target: name, kind, did: others ? 'was_contained' : 'contained', before: now.before, now: seen };
}

/** One failed read must not make of what was before something unknown for ever. */
const readTwice = (adapter: Adapter): Promise<Seen | null> =>
  adapter.observe().catch(() => adapter.observe().catch(() => null));

/** What is remembered from here on: `known` itself where nothing changes. */
function begin(known: StandingTarget | null, found: Seen | null): StandingTarget {
  const fresh = { before: found, applied: false, shown: null, releasing: false, settled: null };
  if (known === null || known.settled !== null) return fresh;
  // Not contained now, whatever it was or may have been before us: from here on it is contained by us.
  if (known.before?.state !== 'released' && found?.state === 'released') return fresh;
  return known.releasing ? { ...known, releasing: false } : known;
}
