import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { remedyOf } from '../attestation-remedy.js';
import { parseFlagDuration } from '../await-ceremony.js';
import { chosenIncident, incidentsOf } from '../chosen-incident.js';
import { nextFor } from '../incident-answers.js';
import { awaitIncident } from '../incident-wait.js';
import { oneLine } from '../printable.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { sayOfIncident, type IncidentSayOptions } from './incident-say.js';

export interface IncidentActOptions extends IncidentSayOptions {
  tokenFile?: string;
}

const ATTESTED_MS = 120_000;

/** `reseal incident ack|resolve INCIDENT`. */
export const speakOfIncident = (
  session: Session,
  act: 'acknowledge' | 'resolve',
  named: string | undefined,
  options: IncidentSayOptions,
) =>
  sayOfIncident(session, named, options, ({ view }, { person }) => {
    const upn = oneLine(person.upn);
    if (act === 'resolve') return { said: { act }, question: `end ${view.id} and release ${view.host} as ${upn}?` };
    const own = (view.statements ?? []).filter((one) => one.person === person.id && one.act.endsWith('_baseline'));
    if (own.length > 0)
      session.warn(
        `${upn} vouched for the baseline (${own.map((one) => one.act).join(', ')}): that stops to count with this`,
      );
    return { said: { act }, question: `say as ${upn} that you know the cause and answer for the recovery?` };
  });

/** `reseal incident reattest INCIDENT`: asks for one attempt, and waits for what the verifier says of it. */
export async function reattestIncident(
  session: Session,
  named: string | undefined,
  options: IncidentActOptions,
): Promise<number> {
  const timeoutMs = options.timeout === undefined ? ATTESTED_MS : parseFlagDuration('--timeout', options.timeout);
  const incidents = await incidentsOf(session, options);
  const id = await chosenIncident(session, named, incidents);
  const { view: first } = await incidents.get(id);
  if (first.containment_binding === null)
    throw new ResealError('recovery_incomplete', `${id} is not contained yet: there is nothing to attest`, {
      missing: ['containment_not_settled'],
      hint: `reseal incident watch ${id}`,
    });
  await incidents.reattest(id);
  const before = first.attestation.attempt;
  const under_way = first.attestation.state === 'running' || first.attestation.state === 'waiting_for_host';
  const view = await awaitIncident(session, incidents, id, {
    text: `waiting for ${first.host} and its verifier`,
    timeoutMs,
    done: ({ view: now }) => {
      const { attempt, state } = now.attestation;
      const newer = attempt > before || (under_way && attempt === before);
      return newer && (state === 'passed' || state === 'refused') ? now : undefined;
    },
  });
  const told = view ?? (await incidents.get(id)).view;
  const { state, failed_check, expected, waiting } = told.attestation;
  const text = await structured(session.output, { incident_id: id, ...told.attestation });
  if (text !== undefined) session.data(text);
  if (view === undefined) {
    session.warn(`no quote yet${waiting === null ? '' : `: ${waiting}`}; the host is asked until it answers`);
    session.next(`reseal incident watch ${id}`);
    return EXIT.unreachable;
  }
  if (state === 'passed') session.say('passed: the quote answers this containment');
  else {
    session.warn(`refused: ${failed_check ?? 'no reason given'}: ${expected ?? 'otherwise'}`);
    const remedy = remedyOf(told);
    if (remedy !== undefined) session.say(remedy);
  }
  const next = nextFor(told);
  if (next !== undefined) session.next(next);
  return state === 'passed' ? EXIT.done : EXIT.unverified;
}
