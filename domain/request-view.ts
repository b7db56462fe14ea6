import { newCeremony, type Phase } from './ceremony-state.js';
import { nameOf, objectOfEffect } from './effects/effects.js';
import type { Refusal } from './refusal.js';
import type { Request } from './request.js';
import { viewOf, type CeremonyView } from './view.js';

/** A view that no worker answered for: what was asked, and as much of the rest as is known from outside. */
export function viewOfRequest(
  eventId: string,
  asked: { request: Request; request_digest: string } | null,
  known: { state: Phase; requested_at: string; refusal?: Refusal; flags?: string[] },
): CeremonyView {
  const blank = viewOf(newCeremony(eventId, { payload: '', signature: '' }, Date.parse(known.requested_at)));
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
    role: nameOf(request.effect),
    directory_scope_id: objectOfEffect(request.effect).scope,
    tenant_id: request.effect.tenant_id,
    duration_seconds: request.duration_seconds,
    ticket: request.ticket,
    policy_digest: request.policy_digest,
    request_digest,
  };
}
