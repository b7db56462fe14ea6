import { instant } from '../../domain/identifiers.js';
import type { IncidentStatement } from '../../domain/incidents/statements.js';
import type { IncidentView } from '../../domain/incidents/view.js';
import { STATEMENT_DOMAIN, type SignedStatement } from '../../domain/statement.js';
import { canonicalJson } from '../../proofs/canonical-json.js';
import { ResealError } from '../api/reseal-error.js';
import type { Actor } from './identity.js';

/** An operator has looked already: what is signed is sent at once. */
const LIFE_MS = 10 * 60 * 1000;

/**
 * Signs one act about exactly the containment that the view shows.
 *
 * @throws {ResealError} `recovery_incomplete` while there is none to answer, `key_unusable`.
 */
export async function signIncidentAct(
  actor: Actor,
  act: 'acknowledge' | 'resolve',
  { id, containment_binding }: IncidentView,
  { nowMs, note }: { nowMs: number; note: string | undefined },
): Promise<SignedStatement> {
  if (containment_binding === null)
    throw new ResealError('recovery_incomplete', `${id} is not contained yet: there is nothing to answer`, {
      missing: ['containment_not_settled'],
      hint: `reseal incident watch ${id}`,
    });
  const statement: IncidentStatement = {
    domain: STATEMENT_DOMAIN,
    incident_id: id,
    containment_binding,
    person: actor.person.id,
    issued_at: instant(nowMs),
    not_after: instant(nowMs + LIFE_MS),
    ...(note === undefined ? {} : { note }),
    act,
  };
  const payload = canonicalJson(statement);
  return { payload, signature: await actor.signer.sign(Buffer.from(payload, 'utf8'), STATEMENT_DOMAIN) };
}
