import { resolve } from 'node:path';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { checkedIncidentId, incidentsOf } from '../chosen-incident.js';
import type { Session } from '../session.js';
import { writeNew } from '../write-new.js';

export interface IncidentExportOptions {
  out?: string;
  force?: boolean;
  /** All incidents, as SecAI OS exports them. */
  forensic?: boolean;
  tokenFile?: string;
}

/**
 * `reseal incident export INCIDENT --out FILE`: the sealed bundle of one resolved incident; without an incident, or with
 * `--forensic`, all of them in a forensic bundle as SecAI OS makes them. Byte for byte; names people and evidence: mode 0600.
 */
export async function exportIncidents(
  session: Session,
  named: string | undefined,
  options: IncidentExportOptions,
): Promise<number> {
  const { out } = options;
  if (out === undefined)
    throw new ResealError('usage', '--out FILE is missing', { hint: '`--out -` is standard output' });
  if (named !== undefined && options.forensic === true)
    throw new ResealError('usage', '--forensic is of all incidents, and you named one', {
      hint: `leave --forensic out for the evidence of ${checkedIncidentId(named)}`,
    });
  const id = named === undefined ? undefined : checkedIncidentId(named);
  const incidents = await incidentsOf(session, options);
  const text = await (id === undefined ? incidents.exported() : incidents.bundle(id));
  if (out === '-') {
    session.io.stdout.write(text);
    return EXIT.done;
  }
  await writeNew(resolve(session.io.cwd, out), text, options.force === true);
  const bytes = `wrote ${out}, ${Buffer.byteLength(text)} bytes`;
  session.say(id === undefined ? `${bytes}; its HMAC convinces only who holds the key` : bytes);
  session.next(id === undefined ? `reseal incident verify-export ${out} --key KEY` : `reseal evidence verify ${out}`);
  return EXIT.done;
}
