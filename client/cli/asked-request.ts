import type { Effect } from '../../domain/effects/effects.js';
import type { Request } from '../../domain/request.js';
import { digestOf } from '../../proofs/canonical-json.js';
import type { EventView, ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import { readRequestStatement } from '../api/statement-shape.js';
import { digestWord } from './ceremony-text.js';
import { oneLine } from './printable.js';
import { block } from './render.js';
import { spanText, timeText } from './times.js';

/** A request as its invoker signed it, and the digest of exactly that. */
export interface Asked {
  request: Request;
  digest: string;
}

/**
 * The request from its invoker's own signed bytes. Its digest is computed here, so that what is shown is what is signed,
 * whatever the gateway says of it.
 *
 * @throws {ResealError} `verification_failed`, `malformed`, and what the api throws.
 */
export async function readAsked(api: ResealApi, id: string): Promise<Asked> {
  const { statement } = readRequestStatement(await api.request(id));
  const digest = digestOf(statement.request);
  if (statement.request.event_id !== id || statement.request_digest !== digest) {
    throw new ResealError(
      'verification_failed',
      'the request that was handed out is not the one that its invoker signed',
      {
        hint: 'nothing was signed. Somebody between you and the ceremony may be lying: ask your responders',
      },
    );
  }
  return { request: statement.request, digest };
}

/** What an approver reads before signing. @throws {ResealError} `verification_failed` when the ceremony is about another request. */
export function requestText({ request, digest }: Asked, view: EventView, at: { nowMs: number; zone: string }): string {
  if (view.request_digest !== null && view.request_digest !== digest) {
    throw new ResealError(
      'verification_failed',
      'the ceremony says that it is about another request than the one shown',
      {
        hint: `nothing was signed. Shown: ${digestWord(digest)}, the ceremony's: ${digestWord(oneLine(view.request_digest))}`,
      },
    );
  }
  const { effect } = request;
  const time = (text: string): string => timeText(text, at.nowMs, at.zone);
  const wanted = view.approvals_wanted;
  return block([
    ['event', request.event_id],
    ...effectLines(effect),
    ['tenant', effect.tenant_id],
    ['to', `${oneLine(request.principal.upn)} (${request.principal.object_id})`],
    ['asked by', `${oneLine(request.invoker.upn)}, ${time(request.requested_at)}`],
    ['for', `${spanText(request.duration_seconds)}${effect.end_sessions ? ', then sessions are ended' : ''}`],
    ['why', `${request.reason_code}: ${oneLine(request.justification)}`],
    ['ticket', request.ticket],
    [
      'approved in',
      request.prerequisites?.map(({ system, approval_id }) => `${system} ${approval_id}`).join(', ') ?? null,
    ],
    ['profile', `${oneLine(request.profile)}, policy ${digestWord(request.policy_digest)}`],
    ['approvals', wanted === null ? null : `${view.approvals.length} of ${wanted} so far`],
    ['approve by', view.approval_by === null ? null : time(view.approval_by)],
    ['request', digestWord(digest)],
  ]);
}

const NO_DEAD_MAN = 'by Reseal alone: the directory itself never ends it';

/** What exactly is asked for, by its kind. */
function effectLines(effect: Effect): [string, string][] {
  switch (effect.kind) {
    case 'entra.directory_role':
      return [
        ['grant', oneLine(effect.role_name)],
        ['role', effect.role_template_id],
        ['scope', oneLine(effect.directory_scope_id)],
      ];
    case 'entra.role_assignment':
      return [
        ['grant', `${oneLine(effect.role_name)}, outside PIM`],
        ['role', effect.role_template_id],
        ['scope', oneLine(effect.directory_scope_id)],
        ['ends', NO_DEAD_MAN],
      ];
    case 'entra.ca_exclusion':
      return [
        ['leave out of', `${oneLine(effect.policy_name)} (${effect.policy_id})`],
        ['ends', NO_DEAD_MAN],
      ];
    case 'entra.ca_policy':
      return [
        ['switch off', `${oneLine(effect.policy_name)} (${effect.policy_id}), for everybody`],
        ['ends', NO_DEAD_MAN],
      ];
    case 'entra.group_membership':
      return [
        ['grant', `membership of ${oneLine(effect.group_name)}`],
        ['group', effect.group_id],
      ];
  }
}
