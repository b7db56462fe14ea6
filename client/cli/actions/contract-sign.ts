import { declaredLines } from '../../../domain/contract-declared.js';
import { parseDsseEnvelope } from '../../../proofs/dsse.js';
import { MAX_SIGNED_BYTES, readPayload } from '../../../proofs/contract.js';
import { EXIT } from '../../api/exit-status.js';
import { ResealError } from '../../api/reseal-error.js';
import { signByAll } from '../../contract/contract-signers.js';
import { documentStanding } from '../../contract/document-standing.js';
import { fetchNamed, readRegistry } from '../../contract/registry-at.js';
import { kindsOf, signingMeans, contractPlace, type SigningOptions } from '../contract-place.js';
import { documentText } from '../contract-text.js';
import { confirm } from '../prompt.js';
import type { Session } from '../session.js';
import { put } from './contract-publish.js';

/**
 * `reseal contract sign NAME`: one signature more on what others published. What is signed is shown first, and on a terminal
 * asked for; it must be of its name and be read by this version, whoever signed it before.
 */
export async function signContract(session: Session, name: string, options: SigningOptions): Promise<number> {
  const means = signingMeans(session, options);
  const at = await contractPlace(session, options);
  const { kind, envelope: found } = await fetchNamed(at.registry, name, kindsOf(options));
  const parsed = parseDsseEnvelope(found, MAX_SIGNED_BYTES);
  const read = parsed.ok ? readPayload(kind, parsed.payload) : { ok: false as const, message: parsed.reason };
  if (!parsed.ok || !read.ok)
    throw new ResealError('verification_failed', `${kind}_malformed: ${read.ok ? '' : read.message}`);
  const nowMs = session.now();
  const { known } = await readRegistry(at.registry, at.roots, nowMs);
  session.show(documentText(session, documentStanding(kind, name, found, { known, roots: at.roots, nowMs })));
  const { contract } = read.value as { contract?: Parameters<typeof declaredLines>[0] };
  if (contract !== undefined) for (const line of declaredLines(contract)) session.say(line);
  session.say(`read it whole: reseal contract fetch ${name} --unverified`);
  if (session.asks && options.yes !== true && !(await confirm(session, `sign this ${kind}?`))) {
    session.say('not signed');
    return EXIT.denied;
  }
  return await put(session, at, kind, await signByAll(kind, parsed.envelope, means, at.roots, nowMs));
}
