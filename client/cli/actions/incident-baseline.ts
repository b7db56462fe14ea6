import { resolve } from 'node:path';
import type { IncidentView } from '../../../domain/incidents/view.js';
import { ResealError } from '../../api/reseal-error.js';
import type { Actor } from '../identity.js';
import { oneLine } from '../printable.js';
import { readReferenceFile } from '../reference-files.js';
import type { Session } from '../session.js';
import { sayOfIncident, type IncidentSayOptions } from './incident-say.js';

/**
 * `reseal incident waive-baseline INCIDENT`: that the host may be judged without a quote to count resets from. Whoever
 * acknowledged the incident is told before they sign that their word would not count.
 */
export const waiveBaseline = (session: Session, named: string | undefined, options: IncidentSayOptions) =>
  sayOfIncident(session, named, options, ({ view }, actor) => {
    mayCount(view, actor, 'waive-baseline');
    attestationAsked(session, view);
    const { host } = view;
    return {
      said: { act: 'waive_baseline', host },
      question: `say as ${oneLine(actor.person.upn)} that ${host} may be judged though nothing shows when it was restarted?`,
      next: `reseal incident reattest ${view.id}`,
    };
  });

/**
 * `reseal incident accept-baseline INCIDENT REFERENCE`: that a reference which came after the containment is how this host
 * should be. REFERENCE is the file that `reseal tpm enroll` wrote; it is named by its digest.
 */
export async function acceptBaseline(
  session: Session,
  named: string,
  file: string,
  options: IncidentSayOptions,
): Promise<number> {
  const { value } = await readReferenceFile(resolve(session.io.cwd, file));
  const { host, version } = value.reference;
  return sayOfIncident(session, named, options, ({ view }, actor) => {
    if (view.host !== host)
      throw new ResealError('usage', `${file} is a reference of ${host}, and ${view.id} is on ${view.host}`);
    mayCount(view, actor, 'accept-baseline');
    attestationAsked(session, view);
    return {
      said: { act: 'accept_baseline', host, reference_digest: value.digest },
      question: `say as ${oneLine(actor.person.upn)} that version ${version} (${value.digest.slice(0, 16)}…) is how ${host} should be?`,
      next: `reseal incident reattest ${view.id}`,
    };
  });
}

/** Who answers for the recovery does not also vouch for what the host is measured by: the authority leaves them out. */
function mayCount({ id, acknowledgements }: IncidentView, { person }: Actor, command: string): void {
  if (!acknowledgements.some((one) => one.person === person.id)) return;
  throw new ResealError('refused', `${person.upn} acknowledged ${id}: whoever did does not count for its baseline`, {
    hint: `somebody else has to say it: reseal incident ${command} ${id} --as …`,
  });
}

function attestationAsked(session: Session, { id, requirements }: IncidentView): void {
  if (!requirements.require_reattest) session.warn(`${id} needs no re-attestation: this will change nothing`);
}
