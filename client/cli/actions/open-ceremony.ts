import { randomBytes } from 'node:crypto';
import { eventIdSchema, instant } from '../../../domain/identifiers.js';
import { termsOf, type Terms } from '../../../domain/policy.js';
import { REASON_CODES, requestRefusal, requestSchema, type Request } from '../../../domain/request.js';
import { EXIT } from '../../api/exit-status.js';
import type { ResealApi } from '../../api/reseal-api.js';
import { ResealError } from '../../api/reseal-error.js';
import { exitOf, explain, follow, parseFlagDuration, parseWait, reached } from '../await-ceremony.js';
import { ceremonyText } from '../ceremony-text.js';
import { actorOf, type Actor } from '../identity.js';
import type { OpenOptions } from '../options.js';
import { askFor } from '../prompt.js';
import { structured } from '../render.js';
import type { Session } from '../session.js';
import { signRequest } from '../signed-statement.js';

const ADMISSION_MS = 15_000;
/** The request is judged again when its approvals are used, and at each try of the grant. */
const BEYOND_WINDOW_MS = 60 * 60 * 1000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** `reseal breakglass`: signs the request, starts its ceremony, and waits for admission or for what `--wait` names. */
export async function openCeremony(session: Session, options: OpenOptions): Promise<number> {
  const wait = parseWait(options.wait);
  const timeoutMs = options.timeout === undefined ? undefined : parseFlagDuration('--timeout', options.timeout);
  const said = await completed(session, options);
  const api = await session.api();
  const actor = await actorOf(session, api);
  const { policy, digest } = await api.policy();
  const terms = termsOf(policy, said.profile);
  if (terms === undefined) {
    const known = Object.keys(policy.profiles).join(', ');
    throw new ResealError('refused', `the policy has no profile ${said.profile}`, { hint: `it has ${known}` });
  }
  const nowMs = session.now();
  const request = await composeRequest(api, actor, { ...said, terms, digest, nowMs });
  const refusal = requestRefusal(request, terms, digest);
  if (refusal !== undefined) throw new ResealError('refused', `${refusal.code}: ${refusal.message}`);
  const notAfterMs = nowMs + Math.min(terms.approval_window * 1000 + BEYOND_WINDOW_MS, DAY_MS);
  const envelope = await signRequest(actor, request, { issuedMs: nowMs, notAfterMs });
  const { event_id: id } = await api.open(envelope, request.event_id);
  session.say(`accepted: event ${id}`);
  const admission = { timeoutMs: Math.min(ADMISSION_MS, timeoutMs ?? ADMISSION_MS) };
  const awaited =
    wait === undefined
      ? await follow(session, api, id, ({ state }) => state !== 'requested', admission)
      : await follow(session, api, id, (view) => reached(wait, view), timeoutMs === undefined ? {} : { timeoutMs });
  const { view } = awaited;
  session.data((await structured(session.output, view)) ?? ceremonyText(session, view, Date.parse(view.now)));
  if (wait !== undefined) {
    explain(session, awaited);
    return exitOf(wait, awaited);
  }
  if (awaited.why !== 'done') {
    session.warn('no worker has answered yet; the request is kept and will be admitted or refused');
    session.next(`reseal breakglass check ${id}`);
    return EXIT.unreachable;
  }
  if (view.state === 'refused') return EXIT.refused;
  session.next(
    view.state === 'awaiting_approval' ? `an approver runs: reseal approve ${id}` : `reseal breakglass watch ${id}`,
  );
  return exitOf('active', awaited);
}

interface Said {
  profile: string;
  reasonCode: string;
  justification: string;
  duration: string | undefined;
  principal: string | undefined;
  ticket: string | undefined;
  eventId: string | undefined;
}

async function completed(session: Session, options: OpenOptions): Promise<Said> {
  const profile = options.profile ?? (await askFor(session, '--profile', 'profile'));
  const codes = REASON_CODES.join(', ');
  const reasonCode = options.reasonCode ?? (await askFor(session, '--reason-code', `reason code (${codes})`));
  const justification =
    options.justification ?? (await askFor(session, '--justification', 'justification (20 to 1,000 characters)'));
  const { duration, principal, ticket, eventId } = options;
  return { profile, reasonCode, justification: justification.trim(), duration, principal, ticket, eventId };
}

async function composeRequest(
  api: ResealApi,
  actor: Actor,
  from: Said & { terms: Terms; digest: string; nowMs: number },
): Promise<Request> {
  const { terms, digest, nowMs, duration } = from;
  const principal = from.principal === undefined ? actor.person : await api.person(from.principal);
  const candidate = {
    event_id: from.eventId ?? randomBytes(8).toString('hex'),
    profile: from.profile,
    reason_code: from.reasonCode,
    justification: from.justification,
    ticket: from.ticket ?? null,
    duration_seconds: duration === undefined ? terms.timebox.default : parseFlagDuration('--duration', duration) / 1000,
    invoker: { person: actor.person.id, upn: actor.person.upn },
    principal: { object_id: principal.object_id, upn: principal.upn },
    effect: {
      kind: 'entra.directory_role' as const,
      tenant_id: terms.tenant_id,
      role_template_id: terms.role.template_id,
      role_name: terms.role.name,
      directory_scope_id: terms.scope,
      end_sessions: terms.end_sessions,
    },
    policy_digest: digest,
    requested_at: instant(nowMs),
  };
  if (!eventIdSchema.safeParse(candidate.event_id).success) {
    throw new ResealError('usage', '--event-id is 16 lower-case hex characters from a secure source', {
      hint: 'leave it out, and one is made',
    });
  }
  const parsed = requestSchema.safeParse(candidate);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const member = String(issue?.path[0] ?? 'request');
  throw new ResealError('usage', `${FLAGS[member] ?? member}: ${issue?.message ?? 'not valid'}`);
}

const FLAGS: Readonly<Record<string, string>> = {
  profile: '--profile',
  reason_code: '--reason-code',
  justification: '--justification',
  ticket: '--ticket',
  duration_seconds: '--duration',
  principal: '--principal',
};
