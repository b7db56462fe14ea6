import { instant } from '../../domain/identifiers.js';
import type { IncidentStatement } from '../../domain/incidents/statements.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../domain/statement.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { ResealError } from '../api/reseal-error.js';
import type { Actor } from './identity.js';

/** An operator has looked already: what is signed is sent at once. */
const LIFE_MS = 10 * 60 * 1000;
/** Others have to say the same, and the host is asked after that: as long as a statement may live at all. */
const LONG_LIFE_MS = 24 * 3600 * 1000;

type Own<S extends IncidentStatement> = Omit<
  S,
  'domain' | 'incident_id' | 'containment_binding' | 'person' | 'issued_at' | 'not_after' | 'note'
>;
type OwnOf<S> = S extends IncidentStatement ? Own<S> : never;
/** One act with what is its own; the rest follows from who signs it, and of what. */
export type UnsignedIncidentAct = OwnOf<IncidentStatement>;

/**
 * Signs one act about exactly the containment that the view shows.
 *
 * @throws {ResealError} `recovery_incomplete` while there is none to answer, `key_unusable`.
 */
export async function signIncidentAct(
  actor: Actor,
  said: UnsignedIncidentAct,
  { id, containment_binding }: IncidentView,
  { nowMs, note }: { nowMs: number; note: string | undefined },
): Promise<SignedStatement> {
  if (containment_binding === null)
    throw new ResealError('recovery_incomplete', `${id} is not contained yet: there is nothing to answer`, {
      missing: ['containment_not_settled'],
      hint: `reseal incident watch ${id}`,
    });
  const lifeMs = said.act === 'acknowledge' || said.act === 'resolve' ? LIFE_MS : LONG_LIFE_MS;
  const statement: IncidentStatement = {
    domain: STATEMENT_DOMAIN,
    incident_id: id,
    containment_binding,
    person: actor.person.id,
    issued_at: instant(nowMs),
    not_after: instant(nowMs + lifeMs),
    ...(note === undefined ? {} : { note }),
    ...said,
  };
  const payload = canonicalJson(statement);
  return { payload, signature: await actor.signer.sign(Buffer.from(payload, 'utf8'), STATEMENT_DOMAIN) };
}
