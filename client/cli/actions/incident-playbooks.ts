import { resolve } from 'node:path';
import { INCIDENT_CLASSES, SEVERITIES } from '../../../domain/incidents/classes.js';
import type { NamedPlaybook } from '../../../domain/incidents/playbook.js';
import { EXIT } from '../../api/exit-status.js';
import { incidentsOf } from '../chosen-incident.js';
import { block, columns, structured } from '../render.js';
import type { Session } from '../session.js';
import { readPlaybooks } from '../../config/playbooks-file.js';

/** `reseal incident playbooks [FILE]`: what is done about each class, in force or as a file says; asks nobody about a file. */
export async function showPlaybooks(session: Session, file: string | undefined): Promise<number> {
  const named =
    file === undefined
      ? await (await incidentsOf(session)).playbook()
      : await readPlaybooks(resolve(session.io.cwd, file));
  session.data((await structured(session.output, named)) ?? playbookText(named));
  if (file !== undefined) session.say('in order: each role that judges recoveries names this file in its own settings');
  return EXIT.done;
}

function playbookText({ playbook, digest }: NamedPlaybook): string {
  const rows = INCIDENT_CLASSES.map((name) => {
    const { severity, actions, latched, reattest, escalation, artifacts } = playbook.classes[name];
    const worse =
      escalation === undefined
        ? ''
        : [`${escalation.events} in ${escalation.seconds} s: ${escalation.severity}`, ...escalation.actions].join(', ');
    const needs = [latched ? 'latched' : '', reattest || severity === 'critical' ? 'quote' : '', ...artifacts];
    return [name, severity, actions.join(', '), needs.filter((one) => one !== '').join(', '), worse];
  });
  const { acknowledge, release, waive } = playbook.operators ?? {};
  const who = (parties: readonly string[] | undefined): string => parties?.join(', ') ?? 'everybody on the roster';
  const people = block([
    ['digest', digest],
    ['acknowledged by', SEVERITIES.map((name) => `${name} ${playbook.acknowledgements[name]}`).join(', ')],
    ['may acknowledge', who(acknowledge)],
    ['may release', who(release)],
    ['may waive', who(waive)],
  ]);
  return `${columns(['class', 'severity', 'contained by', 'needs', 'escalates'], rows, { widest: 70 })}\n\n${people}`;
}
