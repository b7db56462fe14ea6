import { randomBytes } from 'node:crypto';
import { INCIDENT_CLASSES, SEVERITIES } from '../../../domain/incidents/classes.js';
import { incidentReportSchema } from '../../../domain/incidents/incident.js';
import { EXIT } from '../../api/exit-status.js';
import { issueText } from '../../api/issue-text.js';
import { ResealError } from '../../api/reseal-error.js';
import { incidentsOf } from '../chosen-incident.js';
import { nextFor } from '../incident-answers.js';
import { incidentLine } from '../incident-text.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { didYouMean } from '../suggest.js';

export interface IncidentReportOptions {
  class?: string;
  source?: string;
  description?: string;
  /** Each as `NAME=VALUE`. */
  evidence?: string[];
  host?: string;
  severity?: string;
  tokenFile?: string;
}

/** `reseal incident report`: what a sensor would say, said by hand. */
export async function reportIncident(session: Session, options: IncidentReportOptions): Promise<number> {
  const report = reportOf(options);
  const incidents = await incidentsOf(session, options);
  const { incident_id, opened } = await incidents.report(report);
  const { view } = await incidents.get(incident_id);
  const text = await structured(session.output, { incident_id, opened, view });
  session.data(text ?? incident_id);
  session.say(opened ? `opened: ${incidentLine(session, view)}` : `joined the open ${incident_id}: counted there`);
  session.next(nextFor(view) ?? `reseal incident get ${incident_id}`);
  return EXIT.done;
}

const membersSchema = incidentReportSchema
  .omit({ reporter: true, host: true })
  .extend({ host: incidentReportSchema.shape.host.optional() });

/** @throws {ResealError} `usage`, naming the flag. */
function reportOf({
  class: kind,
  source = 'operator',
  description,
  evidence = [],
  host,
  severity,
}: IncidentReportOptions) {
  if (kind === undefined)
    throw new ResealError('usage', '--class is missing', { hint: `it is one of ${INCIDENT_CLASSES.join(', ')}` });
  const pairs = evidence.map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at > 0) return [pair.slice(0, at), pair.slice(at + 1)];
    throw new ResealError('usage', `--evidence: "${pair}" is not NAME=VALUE`);
  });
  const asked = {
    report_id: randomBytes(8).toString('hex'),
    class: kind,
    source,
    description,
    evidence: Object.fromEntries(pairs),
    host,
    severity,
  };
  const read = membersSchema.safeParse(asked);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const flag = String(issue?.path[0] ?? '');
  const known: Readonly<Record<string, readonly string[]>> = { class: INCIDENT_CLASSES, severity: SEVERITIES };
  const among = known[flag];
  if (among === undefined)
    throw new ResealError('usage', `--${flag}: ${issue ? issueText(issue, asked) : 'not understood'}`);
  const typed = flag === 'class' ? kind : (severity ?? '');
  throw new ResealError('usage', `--${flag}: "${typed}" is none.${didYouMean(typed, among)}`, {
    hint: `it is one of ${among.join(', ')}`,
  });
}
