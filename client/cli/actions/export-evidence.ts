import { resolve } from 'node:path';
import { canonicalJson } from '../../../proofs/canonical-json.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import type { Session } from '../session.js';
import { checkedEventId } from '../chosen-event.js';
import { writeNew } from '../write-new.js';

/** `reseal evidence export EVENT --out FILE`: the bundle's exact text. It holds names and the justification: mode 0600. */
export async function exportEvidence(
  session: Session,
  event: string,
  options: { out?: string; force?: boolean },
): Promise<number> {
  const id = checkedEventId(event);
  const { out } = options;
  if (out === undefined)
    throw new ResealError('usage', '--out FILE is missing', { hint: '`--out -` is standard output' });
  const bundle = await (await session.api()).bundle(id);
  // A bundle is in RFC 8785 form, so that parsing it and writing it again gives the same bytes.
  const text = typeof bundle === 'string' ? bundle : canonicalJson(bundle);
  if (out === '-') {
    session.io.stdout.write(text);
    return EXIT.done;
  }
  await writeNew(resolve(session.io.cwd, out), text, options.force === true);
  session.say(`wrote ${out}, ${Buffer.byteLength(text)} bytes`);
  session.next(`reseal evidence verify ${out}`);
  return EXIT.done;
}
