import { instant } from '../../domain/identifiers.js';
import type { FollowUpStatement } from '../../domain/follow-up.js';
import type { Request } from '../../domain/request.js';
import { STATEMENT_DOMAIN } from '../../domain/statement.js';
import type { ActStatement, SignalAct, SignedStatement, Statement } from '../../domain/statement.js';
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

/** Of an extension and its approvals: which round, until when, and exactly which `extend` is approved. */
export type ActRound = Partial<Pick<ActStatement, 'round' | 'deadline' | 'extension_digest'>>;

/** One act over the request that these digests name. */
export function signAct(
  actor: Actor,
  act: SignalAct,
  about: {
    event_id: string;
    request_digest: string;
    policy_digest: string;
    reason?: string;
    compromise?: true;
  } & ActRound,
  validity: Validity,
): Promise<SignedStatement> {
  const { event_id, request_digest, policy_digest, reason, compromise, round = 1 } = about;
  const { deadline, extension_digest } = about;
  return sign(actor, {
    ...common(event_id, request_digest, policy_digest, actor, validity),
    round,
    act,
    ...(reason === undefined ? {} : { reason }),
    ...(compromise === undefined ? {} : { compromise }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(extension_digest === undefined ? {} : { extension_digest }),
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

/** What is to be done after a kill, about the report that the digest names. */
export function signFollowUp(
  actor: Actor,
  about: UnsignedFollowUp,
  { issuedMs, notAfterMs }: Validity,
): Promise<SignedStatement> {
  return sign(actor, {
    domain: STATEMENT_DOMAIN,
    ...about,
    person: actor.person.id,
    issued_at: instant(issuedMs),
    not_after: instant(notAfterMs),
  });
}
type Said = 'domain' | 'person' | 'issued_at' | 'not_after';
type UnsignedFollowUp =
  | Omit<Extract<FollowUpStatement, { act: 'take_back' }>, Said>
  | Omit<Extract<FollowUpStatement, { act: 'restore_account' }>, Said>;

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

async function sign(actor: Actor, statement: Statement | FollowUpStatement): Promise<SignedStatement> {
  const payload = canonicalJson(statement);
  return { payload, signature: await actor.signer.sign(Buffer.from(payload, 'utf8'), STATEMENT_DOMAIN) };
}
