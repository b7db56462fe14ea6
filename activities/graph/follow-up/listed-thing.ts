import type { LOOKS } from '../../../domain/follow-up-tasks.js';
import { epochMs } from '../../../domain/identifiers.js';
import type { Granted } from '../../../domain/kill-state.js';
import { ASSIGNMENTS, assignmentSchema } from '../assignment/assignments.js';
import { meaningOf } from '../pim/pim-status.js';
import { INSTANCES, instanceSchema, quoted, REQUESTS, scheduleRequestSchema } from '../pim/pim-wire.js';
import { creatorOf, madeAt } from '../pim/tuple-history.js';
import type { GraphAnswer, GraphSession } from '../wire/graph-session.js';
import { actedOn } from './acted-on.js';

/** A role that was given to somebody, with all that it takes to find exactly it again. */
export interface ListedThing {
  via: 'pim' | 'direct';
  /** Epoch milliseconds. */
  at: number;
  principal_id: string;
  role_template_id: string;
  directory_scope_id: string;
  /** Of the assignment, or of PIM's schedule. */
  assignment_id: string;
}

/** The thing that an entry of a list names; undefined where it says too little. */
export function thingOf(granted: Granted): ListedThing | undefined {
  const { via, at, principal_id, role_template_id, directory_scope_id, assignment_id } = granted;
  if (via === 'other' || at === null || assignment_id === null) return undefined;
  if (principal_id === null || role_template_id === null || directory_scope_id === null) return undefined;
  return { via, at: epochMs(at), principal_id, role_template_id, directory_scope_id, assignment_id };
}

export type Look = (typeof LOOKS)[number];

const NOBODY: ReadonlySet<string> = new Set();

/**
 * How it stands now: as it was listed, gone, or the same role held in another way or with another history. `ours` are the
 * applications whose own requests are no change by somebody.
 */
export async function standingOf(
  graph: GraphSession,
  thing: ListedThing,
  ours: ReadonlySet<string> = NOBODY,
): Promise<GraphAnswer<Look>> {
  return thing.via === 'pim' ? pimStanding(graph, thing, ours) : directStanding(graph, thing);
}

async function pimStanding(
  graph: GraphSession,
  thing: ListedThing,
  ours: ReadonlySet<string>,
): Promise<GraphAnswer<Look>> {
  const ofGrantee = { $filter: `principalId eq ${quoted(thing.principal_id)}` };
  const instances = await graph.readAll(INSTANCES, instanceSchema, ofGrantee);
  if (!instances.ok) return instances;
  const held = instances.value.filter((one) => isSame(one, thing));
  const others = held.filter(({ roleAssignmentScheduleId }) => roleAssignmentScheduleId !== thing.assignment_id);
  // adminRemove addresses the tuple: beside another's it could take away that one.
  if (others.length > 0) return { ok: true, value: 'changed' };
  if (held.length === 0) return { ok: true, value: 'gone' };
  const requests = await graph.readAll(REQUESTS, scheduleRequestSchema, ofGrantee);
  if (!requests.ok) return requests;
  const later = requests.value.some(
    (request) =>
      request.roleDefinitionId === thing.role_template_id &&
      request.directoryScopeId === thing.directory_scope_id &&
      meaningOf(request.status) !== 'failed' &&
      !ours.has(creatorOf(request) ?? '') &&
      madeAt(request) > thing.at,
  );
  return { ok: true, value: later ? 'changed' : 'as_listed' };
}

async function directStanding(graph: GraphSession, thing: ListedThing): Promise<GraphAnswer<Look>> {
  const rows = await graph.readAll(ASSIGNMENTS, assignmentSchema, {
    $filter: `principalId eq ${quoted(thing.principal_id)}`,
  });
  if (!rows.ok) return rows;
  const held = rows.value.filter((row) => isSame({ ...row, directoryScopeId: row.directoryScopeId ?? '' }, thing));
  if (held.length === 0) return { ok: true, value: 'gone' };
  const same = held.some(({ id }) => id === thing.assignment_id);
  return { ok: true, value: same ? 'as_listed' : 'changed' };
}

/**
 * What somebody did about a plain assignment after it was listed: its id may hang on role, scope and principal alone, so that
 * one that was removed and made anew looks the same. Only who may read the audit log can tell.
 */
export async function changedSince(graph: GraphSession, thing: ListedThing): Promise<GraphAnswer<boolean>> {
  const acted = await actedOn(graph, {
    activities: ['Add member to role', 'Remove member from role'],
    since: thing.at + 1,
    targets: [thing.principal_id, thing.role_template_id],
  });
  return acted.ok ? { ok: true, value: acted.value.length > 0 } : acted;
}

const isSame = (
  held: { principalId: string; roleDefinitionId: string; directoryScopeId: string },
  thing: ListedThing,
): boolean =>
  held.principalId === thing.principal_id &&
  held.roleDefinitionId === thing.role_template_id &&
  held.directoryScopeId === thing.directory_scope_id;
