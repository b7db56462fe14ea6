import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { epochMs } from '../../domain/identifiers.js';
import { containmentActionSchema, incidentClassSchema, severitySchema, worse } from '../../domain/incidents/classes.js';
import { hostNameSchema } from '../../domain/incidents/incident-id.js';
import { incidentSchema, settledSchema, type Incident, type Settled } from '../../domain/incidents/incident.js';
import { containedDataSchema } from '../../domain/incidents/tasks.js';
import { containmentBinding } from './containment-binding.js';
import type { IncidentFindings } from './incident-bundle-report.js';
import type { ProvenEntry, ProvenLedger } from './open-incident-bundle.js';

/** The incident as its last generation was, and the containment that was bound of it. */
export interface ProvenContainment {
  incident: Incident;
  settled: Settled;
  /** Where the authority bound it. */
  place: number;
}

const openedSchema = z.looseObject({
  class: incidentClassSchema,
  severity: severitySchema,
  host: hostNameSchema,
  source: z.string(),
  description: z.string(),
  containment_actions: z.array(containmentActionSchema),
});
const seenSchema = z.looseObject({
  generation: z.number(),
  host: z.string(),
  action: z.string(),
  observed: z.string(),
});

/** The event first, and each generation that follows from it: the same class and host, never milder, never contained less. */
export function proveEvent(ledger: ProvenLedger, found: IncidentFindings): Incident | undefined {
  const [first] = ledger.entries;
  const opened = openedSchema.safeParse(first?.entry.data);
  if (first === undefined || first.entry.type !== 'incident' || first.place !== 0 || !opened.success)
    return found.fail('event', 'the ledger does not begin with the event');
  const { class: incidentClass, host, source, description } = opened.data;
  Object.assign(found.facts, { opened_at: first.entry.at, source, description, host, class: incidentClass });
  let before = { ...opened.data, generation: 0 };
  let last: Incident | undefined;
  for (const { place, entry } of ledger.of('standing')) {
    const said = incidentSchema.safeParse(entry.data);
    const where = `entries[${place}]: ${entry.transition}`;
    if (!said.success) return found.fail('event', `${where}: the register does not say what the incident is`);
    last = said.data;
    const { generation, severity, containment_actions } = last;
    if (last.incident_id !== ledger.incident_id || last.class !== incidentClass || last.host !== host)
      return found.fail('event', `${where}: another incident than the event opened`);
    if (last.source !== source || last.created_at !== first.entry.at)
      return found.fail('event', `${where}: another event than the one that opened it`);
    if (generation <= before.generation) return found.fail('event', `${where}: generations count up`);
    if (worse(severity, before.severity) !== severity) return found.fail('event', `${where}: it became milder`);
    if (!before.containment_actions.every((action) => containment_actions.includes(action)))
      return found.fail('event', `${where}: an action fell away`);
    if (
      generation === 1 &&
      (severity !== before.severity || containment_actions.length !== before.containment_actions.length)
    )
      return found.fail('event', `${where}: not as the event opened it`);
    before = { ...before, generation, severity, containment_actions };
  }
  if (last === undefined) return found.fail('event', 'the register says nowhere what the incident is');
  Object.assign(found.facts, { severity: last.severity, generations: last.generation });
  found.ran('event', `${incidentClass} on ${host}, ${last.severity}, generation ${last.generation}`);
  return last;
}

/** Each action done by the containment role and seen by the verifier, and bound by the authority as exactly that. */
export function proveContainment(
  ledger: ProvenLedger,
  incident: Incident,
  found: IncidentFindings,
): ProvenContainment | undefined {
  const fail = (detail: string) => found.fail('containment', detail);
  const bound = ledger.of('containment_settled').at(-1);
  const settled = settledSchema.safeParse(bound?.entry.data);
  if (bound === undefined || !settled.success) return fail('no settled containment');
  const { incident_id, class: incident_class, severity, containment_actions, generation, host } = incident;
  const { containment_binding, containment_results, contained_at } = settled.data;
  const of_all = { incident_id, incident_class, severity, containment_actions, containment_results };
  if (settled.data.generation !== generation || containmentBinding(of_all) !== containment_binding)
    return fail('the binding is of another containment');
  if (
    !isDeepStrictEqual(
      containment_results.map(({ action }) => action),
      containment_actions,
    )
  )
    return fail('the results are of other actions');
  for (const { action, success, error, completed_at } of containment_results) {
    const done = ledger.of('contained').find((one) => isDone(one, { generation, host, action }));
    const when = done === undefined ? undefined : containedDataSchema.parse(done.entry.data).completed_at;
    if (done === undefined || !success || error !== undefined || when !== completed_at)
      return fail(`${action}: the containment role does not say so`);
    if (done.place > bound.place) return fail(`${action}: it was bound before it held`);
    const seen = ledger.of('containment_seen').some(({ place, entry }) => {
      const data = seenSchema.safeParse(entry.data);
      const { data: one } = data;
      const is = one?.generation === generation && one.host === host && one.action === action;
      return is && one.observed === 'contained' && place < bound.place;
    });
    if (!seen) return fail(`${action}: the verifier did not see it hold`);
  }
  const times = containment_results.map(({ completed_at }) => epochMs(completed_at));
  if (times.length > 0 && Math.max(...times) !== epochMs(contained_at))
    return fail('contained_at: it is not when the last action held');
  const contained = containment_results.map(({ action, completed_at: at }) => ({ action, at }));
  Object.assign(found.facts, { containment_binding, contained, contained_at });
  found.ran('containment', `${contained.length} actions, each seen to hold, bound as ${containment_binding}`);
  return { incident, settled: settled.data, place: bound.place };
}

function isDone({ entry }: ProvenEntry, of: { generation: number; host: string; action: string }): boolean {
  const data = containedDataSchema.safeParse(entry.data);
  if (!data.success || !data.data.success) return false;
  const { generation, host, action } = data.data;
  return generation === of.generation && host === of.host && action === of.action;
}
