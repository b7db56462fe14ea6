import { newCeremony, type Phase } from '../../domain/ceremony-state.js';
import type { Request } from '../../domain/request.js';
import type { SignedStatement } from '../../domain/statement.js';
import { viewOf, type CeremonyView } from '../../domain/view.js';

/** A view that no worker answered for: what was asked, and as much of the rest as is known from outside. */
export function viewOfRequest(
  eventId: string,
  asked: { envelope: SignedStatement; request: Request; request_digest: string } | null,
  known: { state: Phase; requested_at: string; refusal?: { code: string; message: string }; flags?: string[] },
): CeremonyView {
  const envelope = asked?.envelope ?? { payload: '', signature: '' };
  const blank = viewOf(newCeremony(eventId, envelope, Date.parse(known.requested_at)));
  const view: CeremonyView = {
    ...blank,
    state: known.state,
    refusal: known.refusal ?? null,
    flags: known.flags ?? [],
  };
  if (asked === null) return view;
  const { request, request_digest } = asked;
  return {
    ...view,
    profile: request.profile,
    reason_code: request.reason_code,
    justification: request.justification,
    invoker: request.invoker.upn,
    invoker_person: request.invoker.person,
    principal: request.principal.upn,
    principal_id: request.principal.object_id,
    role: request.effect.role_name,
    directory_scope_id: request.effect.directory_scope_id,
    tenant_id: request.effect.tenant_id,
    duration_seconds: request.duration_seconds,
    ticket: request.ticket,
    policy_digest: request.policy_digest,
    request_digest,
  };
}
