import { resolve } from 'node:path';
import { parseStrictJson } from '../../../proofs/strict-json.js';
import { EXIT } from '../../api/exit-status.js';
import { actorOf } from '../identity.js';
import { oneLine } from '../printable.js';
import { confirm } from '../prompt.js';
import { readReferenceFile, signAcceptance, writeReferenceFile } from '../reference-files.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { componentLines, valueLines } from '../tpm-policy-text.js';

/** `reseal tpm accept FILE`: shows what a reference allows, and adds one's own signature to it. */
export async function acceptReference(session: Session, path: string, options: { yes?: boolean }): Promise<number> {
  const file = resolve(session.io.cwd, path);
  const { value, text, acceptances } = await readReferenceFile(file);
  const { host, version, policy } = value.reference;
  const actor = await actorOf(session, await session.api());
  session.show(
    [
      `host         ${host}, reference version ${version}`,
      `key          ${value.ak.area.name.toString('hex')}`,
      ...valueLines(policy),
      ...componentLines(policy),
    ].join('\n'),
  );
  if (session.asks && options.yes !== true) {
    const agreed = await confirm(session, `say as ${oneLine(actor.person.upn)} that this is how ${host} should be?`);
    if (!agreed) {
      session.warn('nothing was signed');
      return EXIT.denied;
    }
  }
  const others = acceptances.filter(({ payload }) => personIn(payload) !== actor.person.id);
  const all = [...others, await signAcceptance(actor, host, text, session.now())];
  await writeReferenceFile(file, text, all);
  const accepted_by = all.map(({ payload }) => personIn(payload)).sort();
  const said = { host, version, digest: value.digest, file, accepted_by };
  session.data(
    (await structured(session.output, said)) ?? `accepted ${host} version ${version}: ${accepted_by.join(', ')}`,
  );
  return EXIT.done;
}

/** Whose word a statement says that it is. */
function personIn(payload: string): string {
  const json = parseStrictJson(payload);
  const person = json.ok ? (json.value as { person?: unknown } | null)?.person : undefined;
  return typeof person === 'string' ? person : '';
}
