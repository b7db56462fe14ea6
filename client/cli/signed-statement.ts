import { instant } from '../../domain/identifiers.js';
import type { Request } from '../../domain/request.js';
import { STATEMENT_DOMAIN, type SignalAct, type SignedStatement, type Statement } from '../../domain/statement.js';
import { canonicalJson, digestOf } from '../../proofs/canonical-json.js';
import type { Actor } from './identity.js';

/** A window, in epoch milliseconds, in which a statement counts. */
export interface Validity {
  issuedMs: number;
  notAfterMs: number;
}

/** The invoker's own statement: the request, frozen and signed. */
export function signRequest(actor: Actor, request: Request, validity: Validity): Promise<SignedStatement> {
  return sign(actor, {
    ...common(request.event_id, digestOf(request), request.policy_digest, actor, validity),
    act: 'request',
    request,
  });
}

/** One act over the request that these digests name. */
export function signAct(
  actor: Actor,
  act: SignalAct,
  about: { event_id: string; request_digest: string; policy_digest: string; reason?: string },
  validity: Validity,
): Promise<SignedStatement> {
  const reason = about.reason === undefined ? {} : { reason: about.reason };
  return sign(actor, {
    ...common(about.event_id, about.request_digest, about.policy_digest, actor, validity),
    act,
    ...reason,
  });
}

/** A review of the ceremony that these digests name. */
export function signReview(
  actor: Actor,
  about: { event_id: string; request_digest: string; policy_digest: string; note?: string },
  validity: Validity,
): Promise<SignedStatement> {
  const note = about.note === undefined ? {} : { note: about.note };
  return sign(actor, {
    ...common(about.event_id, about.request_digest, about.policy_digest, actor, validity),
    act: 'review',
    ...note,
  });
}

function common(eventId: string, requestDigest: string, policyDigest: string, actor: Actor, validity: Validity) {
  return {
    domain: STATEMENT_DOMAIN,
    event_id: eventId,
    request_digest: requestDigest,
    policy_digest: policyDigest,
    round: 1 as const,
    person: actor.person.id,
    issued_at: instant(validity.issuedMs),
    not_after: instant(validity.notAfterMs),
  } as const;
}

async function sign(actor: Actor, statement: Statement): Promise<SignedStatement> {
  const payload = canonicalJson(statement);
  return { payload, signature: await actor.signer.sign(Buffer.from(payload, 'utf8'), STATEMENT_DOMAIN) };
}
