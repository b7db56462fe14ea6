import { isEnd } from './ceremony-state.js';
import { denial, notValid, sessionOf, type Allowed, type Step } from './decide-step.js';
import type { DecidableEvent, DecideInput } from './decide.js';
import type { DecisionSource, Denial, DenialCode } from './decision.js';
import { nameOf, objectOfEffect } from './effects/effects.js';
import { epochMs } from './identifiers.js';
import type { Terms } from './policy.js';
import { isValidAt } from './roster.js';

/** The open ceremony with the most left; one that anything speaks against allows nothing. */
export function byCeremony(
  step: Exclude<DecisionSource, 'standing'>,
  input: DecideInput,
  terms: Terms,
  theirs: readonly DecidableEvent[],
): Step {
  const events = theirs.filter((event) => sourceOf(event) === step);
  const reasons: Denial[] = [];
  let best: Allowed | undefined;
  for (const event of [...events].sort((a, b) => (a.event_id < b.event_id ? -1 : 1))) {
    const taken = byEvent(step, input, terms, event);
    if (!taken.ok) reasons.push(...taken.reasons);
    else if (best === undefined || taken.allowed.session_seconds > best.session_seconds) best = taken.allowed;
  }
  if (best !== undefined) return { ok: true, allowed: best };
  if (events.length === 0) {
    const what = step === 'approved_request' ? 'an approved request' : 'a break-glass without approvers';
    const message = `nothing is open that gives ${input.person.id} profile ${input.profile} by ${what}`;
    reasons.push(denial(step, 'no_open_ceremony', message));
  }
  return { ok: false, reasons };
}

/** Granted with nobody's approval, or with at least one; before the grant, by what is wanted. */
function sourceOf({ quorum, approvals_wanted }: DecidableEvent): Exclude<DecisionSource, 'standing'> {
  if (quorum !== null) return quorum === 'immediate' ? 'break_glass' : 'approved_request';
  return approvals_wanted === 0 ? 'break_glass' : 'approved_request';
}

function byEvent(step: DecisionSource, input: DecideInput, terms: Terms, event: DecidableEvent): Step {
  const { event_id } = event;
  const no = (code: DenialCode, message: string): Step => ({
    ok: false,
    reasons: [denial(step, code, `event ${event_id} ${message}`, { event_id })],
  });
  if (event.doubt !== null) return no(event.doubt.code, event.doubt.message);
  const state = objectionToState(event);
  if (state !== undefined) return no(...state);
  if (event.expires_at === null || event.quorum === null) return no('view_incomplete', 'does not say until when');
  const { effect } = terms;
  const object = objectOfEffect(effect);
  const same =
    event.tenant_id === effect.tenant_id &&
    event.role === nameOf(effect) &&
    (event.object_id ?? object.id) === object.id &&
    event.directory_scope_id === object.scope;
  // The policy was changed since: what was approved under this profile's name is not what the name means now.
  if (!same)
    return no('target_differs_from_policy', 'was granted for another role, scope or tenant than the profile names');
  const at = epochMs(event.now);
  if (!isValidAt(input.person, at)) return { ok: false, reasons: [notValid(step, input, at)] };
  const deadline = epochMs(event.expires_at);
  if (at >= deadline) return no('deadline_passed', `had its deadline at ${event.expires_at}`);
  const length = sessionOf(input, at, deadline);
  if (length === undefined) return no('nothing_remains', 'has less than a second left');
  const { proof, principal_id } = event;
  return { ok: true, allowed: { proof, rule: null, break_glass_event_id: event_id, principal_id, ...length } };
}

/**
 * Only `active` allows. In `active_unverified` the provider has said yes and the second identity has not seen it: an answer
 * to a call is no outcome here, and the verifier says `active` as soon as it can read.
 */
function objectionToState({ state }: DecidableEvent): [DenialCode, string] | undefined {
  if (isEnd(state)) return ['ended', `has ended: ${state}`];
  switch (state) {
    case 'active':
      return undefined;
    case 'active_unverified':
      return ['unverified', 'is granted, but the second identity has not seen it yet'];
    case 'resealing':
      return ['resealing', 'is being resealed'];
    default:
      return ['not_active_yet', `is ${state}`];
  }
}
