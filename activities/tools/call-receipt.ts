import { randomUUID } from 'node:crypto';

import { cutText } from '../../domain/cut-text.js';
import type { EffectKind } from '../../domain/effects/effects.js';
import { instant } from '../../domain/identifiers.js';
import type { JobClaims } from '../../domain/job.js';
import type { ToolCall, ToolOutcome } from '../../domain/tool-call.js';
import { canonicalJson, digestOf, sha256Hex } from '../../proofs/canonical-json.js';
import type { AdmittedCall } from './admitted-call.js';
import type { ToolDeps } from './tool-deps.js';

/** What a token's authority said, for whoever reads the ledger. */
const underToken = (claims: JobClaims) => ({
  job: claims.sub,
  token_id: claims.jti,
  token_scope_hash_b64u: claims.token_scope_hash_b64u,
});

/** A call that was carried out, once: its entry is named after the proof's id, which no other call has. */
export function doneCall(
  deps: ToolDeps,
  call: AdmittedCall,
  { result, data }: { result: Record<string, unknown>; data: Record<string, unknown> },
): ToolOutcome {
  const { claims, callId, signed, input, verb, body } = call;
  const { intent } = signed;
  const type = deps.entries.done[verb];
  if (type === undefined) throw new TypeError(`no entry is named for ${verb}`);
  const said = {
    ...underToken(claims),
    call_id: callId,
    tool: input.tool,
    intent_digest: digestOf(intent),
    policy_digest: intent.policy_digest,
    ...ofKind(deps),
    tuple: { ...intent.tuple },
    request_digest: digestOf(input.body),
    response_digest: digestOf(result),
    model_receipts: body.receipts,
    ...data,
  };
  const receipt = deps.sign({
    schema: 'reseal.entry.v1',
    event_id: intent.event_id,
    transition: `tool/${callId}`,
    type,
    at: instant(deps.clock.now()),
    data: said,
  });
  return { outcome: 'done', call_id: callId, result, receipt };
}

/**
 * A call that was refused. What was asked is attacker-controlled: cut, and by digest. `job` is known where the authority's
 * signature on the token verified.
 */
export function refusedCall(
  deps: ToolDeps,
  { event_id, tool, body, token }: ToolCall,
  { code, message }: { code: string; message: string },
  job: JobClaims | null,
): ToolOutcome {
  const said = { code, message: cutText(message, 500) };
  const receipt = deps.sign({
    schema: 'reseal.entry.v1',
    event_id,
    transition: `tool_refused/${job === null ? 'unknown/' : ''}${randomUUID()}`,
    type: deps.entries.refused,
    at: instant(deps.clock.now()),
    data: {
      ...said,
      ...ofKind(deps),
      // A token of another event's job is told too: whose it was, and not as this event's.
      ...(job === null ? { job: null, token_sha256: sha256Hex(token) } : underToken(job)),
      tool: cutText(tool, 200),
      asked: cutText(textOf(body), 600),
      request_digest: sha256Hex(textOf(body)),
    },
  });
  return { outcome: 'refused', ...said, receipt };
}

/** Of the first kind there was it is not said, as in every other entry. */
const ofKind = ({ kind }: ToolDeps): { kind?: EffectKind } =>
  kind === undefined || kind === 'entra.directory_role' ? {} : { kind };

function textOf(body: unknown): string {
  try {
    return canonicalJson(body);
  } catch {
    return '';
  }
}
