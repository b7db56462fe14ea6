import { INCIDENT_STATEMENT_REFUSALS } from '../../../domain/incidents/statements.js';
import type { IncidentView } from '../../../domain/incidents/view.js';
import { statementDigest } from '../../../proofs/statement-check.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { parseFlagDuration } from '../await-ceremony.js';
import { chosenIncident, incidentsOf } from '../chosen-incident.js';
import { actorOf } from '../identity.js';
import { signIncidentAct } from '../incident-statement.js';
import { incidentText, missingText, nextFor } from '../incident-text.js';
import { awaitIncident } from '../incident-wait.js';
import { oneLine } from '../printable.js';
import { confirm } from '../prompt.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';

export interface IncidentActOptions {
  note?: string;
  yes?: boolean;
  timeout?: string;
  tokenFile?: string;
}

const MAX_NOTE = 500;
const HEARD_MS = 60_000;
const ATTESTED_MS = 120_000;
const TOUCH = 'waiting for the key: touch it, if it is made of hardware';

/** `reseal incident ack|resolve INCIDENT`: shows it, signs, sends, and waits for what becomes of it. */
export async function speakOfIncident(
  session: Session,
  act: 'acknowledge' | 'resolve',
  named: string | undefined,
  options: IncidentActOptions,
): Promise<number> {
  const note = checkedNote(options.note);
  const timeoutMs = options.timeout === undefined ? HEARD_MS : parseFlagDuration('--timeout', options.timeout);
  const incidents = await incidentsOf(session);
  const id = await chosenIncident(session, named, incidents);
  const actor = await actorOf(session, await session.api());
  const record = await incidents.get(id);
  if (record.view.state === 'resolved')
    throw new ResealError('ceremony_ended', `${id} is resolved: nothing more can be said of it`, {
      hint: `reseal incident get ${id}`,
    });
  session.show(incidentText(session, record));
  const question =
    act === 'acknowledge'
      ? `say as ${oneLine(actor.person.upn)} that you know the cause and answer for the recovery?`
      : `end ${id} and release ${record.view.host} as ${oneLine(actor.person.upn)}?`;
  if (session.asks && options.yes !== true && !(await confirm(session, question))) {
    session.warn('nothing was signed');
    return EXIT.denied;
  }
  const signing = signIncidentAct(actor, act, record.view, { nowMs: session.now(), note });
  const envelope = await session.during(TOUCH, signing);
  await incidents.say(id, act, envelope);
  session.say(`sent: ${act} of ${id} by ${actor.person.upn}`);
  const digest = statementDigest(envelope);
  const before = record.view.resolve?.at;
  const came = await awaitIncident(session, incidents, id, {
    text:
      act === 'resolve' ? 'sent; waiting until everything is released and trusted' : 'sent; waiting until it is heard',
    timeoutMs,
    done: ({ view }) => cameOf(act, view, { digest, before }),
  });
  const { exit, message, view } = came ?? (await unanswered(incidents.get(id), act));
  (exit === EXIT.done ? session.say.bind(session) : session.warn.bind(session))(message);
  if (exit === EXIT.refused) for (const code of view.missing) session.warn(`missing: ${missingText(code)}`);
  const text = await structured(session.output, {
    incident_id: id,
    act,
    person: actor.person.id,
    digest,
    message,
    view,
  });
  if (text !== undefined) session.data(text);
  const next = nextFor(view);
  if (next !== undefined) session.next(next);
  return exit;
}

interface Came {
  exit: number;
  message: string;
  view: IncidentView;
}

function cameOf(
  act: 'acknowledge' | 'resolve',
  view: IncidentView,
  { digest, before }: { digest: string; before: string | undefined },
): Came | undefined {
  const verdict = view.verdicts.findLast((one) => one.digest === digest);
  if (verdict?.ok === false) {
    const { reason } = verdict;
    const why = reason === null ? 'no reason given' : `${reason}: ${INCIDENT_STATEMENT_REFUSALS[reason]}`;
    return { exit: EXIT.denied, message: `refused: ${why}`, view };
  }
  if (act === 'acknowledge')
    return verdict === undefined ? undefined : { exit: EXIT.done, message: 'accepted: acknowledged', view };
  if (view.state === 'resolved') return { exit: EXIT.done, message: 'resolved: released, and trusted again', view };
  const { resolve } = view;
  if (resolve === null || resolve.at === before || resolve.missing.length === 0) return undefined;
  return { exit: EXIT.refused, message: 'refused: what has to come first is missing', view };
}

async function unanswered(reading: Promise<{ view: IncidentView }>, act: string): Promise<Came> {
  const { view } = await reading;
  return { exit: EXIT.unreachable, message: `no answer to this ${act} yet: it was sent, and goes on by itself`, view };
}

function checkedNote(text: string | undefined): string | undefined {
  const note = text?.trim();
  if (note === undefined) return undefined;
  if (note !== '' && [...note].length <= MAX_NOTE) return note;
  throw new ResealError('usage', `--note is 1 to ${MAX_NOTE} characters, not ${[...note].length}`);
}

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
  else session.warn(`refused: ${failed_check ?? 'no reason given'}: ${expected ?? 'otherwise'}`);
  const next = nextFor(told);
  if (next !== undefined) session.next(next);
  return state === 'passed' ? EXIT.done : EXIT.unverified;
}
