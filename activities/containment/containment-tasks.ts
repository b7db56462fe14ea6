import { ApplicationFailure } from '@temporalio/common';
import { z } from 'zod';
import { leftContained, type TargetOutcome } from '../../domain/incidents/containment.js';
import { incidentIdSchema } from '../../domain/incidents/incident-id.js';
import type { ContainedTarget, ContainmentOutcome, ContainmentTasks } from '../../domain/incidents/tasks.js';
import { instant } from '../../domain/identifiers.js';
import { DatabaseError } from '../register/database.js';
import { Attempt } from '../graph/attempt.js';
import { Turns } from '../graph/access/turns.js';
import { TargetFailure } from './adapter.js';
import { containTarget, type NamedTarget } from './contain-target.js';
import { adapterOf, targetsOf, type ContainmentDeps, type Targets } from './containment-deps.js';
import { releaseTarget } from './release-target.js';

const nothing = z.object({});
type Host = Parameters<typeof adapterOf>[0];
type Direction = 'contained' | 'released';

/**
 * Contains hosts and lets them go. What is asked comes from a workflow, which anybody with the namespace can write: nothing
 * but a configured host and action is ever touched, containing needs nobody's word, and a release needs the authority's
 * warrant and the evidence behind it. What to undo is in this role's own journal.
 */
export function containmentTasks(deps: ContainmentDeps): ContainmentTasks {
  const turns = new Turns();
  const inTurn = <T>({ host, action }: ContainedTarget, work: () => Promise<T>): Promise<T> =>
    Attempt.run(nothing, {}, () => turns.take(`${host}/${action}`, work));
  return {
    contain: (input) =>
      inTurn(input, async () => {
        const found = configured(deps, input);
        if ('missing' in found) return conclude(deps, input, 'contained', [], found.missing);
        await deps.journal.take(input, input.incident_id);
        // One target that fails keeps no other from being contained.
        const outcomes: TargetOutcome[] = [];
        for (const [name, target] of found.targets)
          outcomes.push(await containOne(deps, input, found.host, name, target));
        return conclude(deps, input, 'contained', outcomes);
      }),
    release: (input) =>
      inTurn(input, async () => {
        const verdict = await deps.judge(input);
        if (!verdict.ok) return { outcome: 'refused', code: verdict.code, message: verdict.message.slice(0, 500) };
        const found = configured(deps, input);
        if ('missing' in found) return { outcome: 'released', ...conclude(deps, input, 'released', [], found.missing) };
        return { outcome: 'released', ...conclude(deps, input, 'released', await releaseAll(deps, input, found)) };
      }),
  };
}

function configured(deps: ContainmentDeps, input: ContainedTarget) {
  if (!incidentIdSchema.safeParse(input.incident_id).success)
    throw ApplicationFailure.nonRetryable('expected the id of an incident', 'input_malformed');
  return targetsOf(deps.hosts, input);
}

async function containOne(
  deps: ContainmentDeps,
  input: ContainedTarget,
  host: Host,
  name: string,
  target: Targets[number][1],
): Promise<TargetOutcome> {
  const { kind } = target;
  if (target.kind === 'log') {
    const { incident_id, generation, action } = input;
    deps.log('incident', { incident_id, generation, host: input.host, action });
    return { target: name, kind, did: 'told' };
  }
  return attempt(name, kind, () =>
    containTarget(deps.journal, input, { name, kind, adapter: adapterOf(host, target, deps.access) }, input),
  );
}

/** In the opposite order, and no further than the first that fails: each step stands on those before it. */
async function releaseAll(
  deps: ContainmentDeps,
  input: ContainedTarget,
  { host, targets }: { host: Host; targets: Targets },
): Promise<TargetOutcome[]> {
  const others = (await deps.journal.letGo(input, input.incident_id)).length > 0;
  const outcomes: TargetOutcome[] = [];
  for (const [name, target] of [...targets].reverse()) {
    const { kind } = target;
    if (target.kind === 'log') continue;
    if (others) {
      outcomes.push({ target: name, kind, did: 'left', why: 'held_by_another_incident' });
      continue;
    }
    const named = (): NamedTarget => ({ name, kind, adapter: adapterOf(host, target, deps.access) });
    const outcome = await attempt(name, kind, () => releaseTarget(deps.journal, input, named(), input));
    outcomes.push(outcome);
    if (outcome.did === 'failed') break;
  }
  return outcomes;
}

async function attempt(target: string, kind: string, work: () => Promise<TargetOutcome>): Promise<TargetOutcome> {
  try {
    return await work();
  } catch (error) {
    return { target, kind, did: 'failed', error: told(error) };
  }
}

/** What stands in a signed entry about a failure: codes and configured words, never what a stranger's answer said. */
function told(error: unknown): string {
  if (error instanceof TargetFailure) return error.message.slice(0, 300);
  if (error instanceof DatabaseError) return `journal: ${error.code}`;
  return 'internal';
}

/** The signed outcome; with `persist` a failure is thrown instead, so that the server tries again without limit. */
function conclude(
  deps: ContainmentDeps,
  input: ContainedTarget & { persist: boolean },
  direction: Direction,
  targets: TargetOutcome[],
  missing?: string,
): ContainmentOutcome {
  const failed = targets.find(({ did }) => did === 'failed');
  const error = missing ?? (failed === undefined ? undefined : `${failed.target}: ${failed.error ?? ''}`.slice(0, 500));
  if (error !== undefined && input.persist)
    throw ApplicationFailure.retryable(`${input.host} ${input.action}: ${error}`, `not_${direction}`);
  const { generation, host, action } = input;
  const nowMs = deps.clock.now();
  const completed_at = instant(nowMs);
  const success = error === undefined;
  const said = { action, success, ...(success ? {} : { error }), completed_at };
  const left = direction === 'released' && leftContained(targets) ? { left: true } : {};
  const receipt = deps.sign({
    schema: 'reseal.incident_entry.v1',
    incident_id: input.incident_id,
    transition: `${direction}/${generation}/${action}${success ? '' : `/failed/${nowMs}`}`,
    type: direction,
    at: completed_at,
    data: { generation, host, ...said, ...left, targets },
  });
  return { ...said, ...left, receipt };
}
