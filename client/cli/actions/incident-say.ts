import { INCIDENT_STATEMENT_REFUSALS } from '../../../domain/incidents/statements.js';
import type { IncidentView } from '../../../domain/incidents/view.js';
import { statementDigest } from '../../../proofs/statement-check.js';
import { EXIT } from '../../api/exit-status.js';
import type { IncidentRecord, IncidentSignal } from '../../api/incident-api.js';
import { ResealError } from '../../api/reseal-error.js';
import { parseFlagDuration } from '../await-ceremony.js';
import { chosenIncident, incidentsOf } from '../chosen-incident.js';
import { actorOf, type Actor } from '../identity.js';
import { missingText, nextFor } from '../incident-answers.js';
import { signIncidentAct, type UnsignedIncidentAct } from '../incident-statement.js';
import { incidentText } from '../incident-text.js';
import { awaitIncident } from '../incident-wait.js';
import { confirm } from '../prompt.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';

export interface IncidentSayOptions {
  note?: string;
  yes?: boolean;
  timeout?: string;
}

/** What is to be signed, what is asked before, and the command after it where the view does not lead to it. */
export interface Spoken {
  said: UnsignedIncidentAct;
  question: string;
  next?: string;
}

const MAX_NOTE = 500;
const HEARD_MS = 60_000;
const TOUCH = 'waiting for the key: touch it, if it is made of hardware';

/** One signed statement about an incident: shows it, asks, signs, sends, and waits for what becomes of it. */
export async function sayOfIncident(
  session: Session,
  named: string | undefined,
  options: IncidentSayOptions,
  speak: (record: IncidentRecord, actor: Actor) => Spoken | Promise<Spoken>,
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
  const { said, question, next: then } = await speak(record, actor);
  const { act } = said;
  const willAsk = session.asks && options.yes !== true;
  // What is missing is told once: before the question, or else with the refusal.
  const toldBefore = act !== 'resolve' || willAsk;
  session.show(incidentText(session, record, { missing: toldBefore }));
  if (willAsk && !(await confirm(session, question))) {
    session.warn('nothing was signed');
    return EXIT.denied;
  }
  const signing = signIncidentAct(actor, said, record.view, { nowMs: session.now(), note });
  const envelope = await session.during(TOUCH, signing);
  await incidents.say(id, signalFor(act), envelope);
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
  if (exit === EXIT.refused) {
    const told = toldBefore ? record.view.missing : [];
    for (const code of view.missing) session.warn(`missing: ${told.includes(code) ? code : missingText(code, view)}`);
  }
  const { act: _act, ...of } = said;
  const told = { incident_id: id, act, ...of, person: actor.person.id, digest, message, view };
  const text = await structured(session.output, told);
  if (text !== undefined) session.data(text);
  const next = (exit === EXIT.done ? then : undefined) ?? nextFor(view);
  if (next !== undefined) session.next(next);
  return exit;
}

type Act = UnsignedIncidentAct['act'];
const signalFor = (act: Act): IncidentSignal => (act === 'acknowledge' || act === 'resolve' ? act : 'statement');

interface Came {
  exit: number;
  message: string;
  view: IncidentView;
}

function cameOf(
  act: Act,
  view: IncidentView,
  { digest, before }: { digest: string; before: string | undefined },
): Came | undefined {
  const verdict = view.verdicts.findLast((one) => one.digest === digest);
  if (verdict?.ok === false) {
    const { reason } = verdict;
    const why = reason === null ? 'no reason given' : `${reason}: ${INCIDENT_STATEMENT_REFUSALS[reason]}`;
    return { exit: EXIT.denied, message: `refused: ${why}`, view };
  }
  if (act !== 'resolve') {
    const heard = act === 'acknowledge' ? 'accepted: acknowledged' : `accepted: ${act} is recorded`;
    return verdict === undefined ? undefined : { exit: EXIT.done, message: heard, view };
  }
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
