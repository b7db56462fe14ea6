import { randomBytes } from 'node:crypto';
import { eventIdSchema, instant } from '../../domain/identifiers.js';
import { requestSchema, type Request } from '../../domain/request.js';
import type { PersonName, ResealApi } from '../api/reseal-api.js';
import { ResealError } from '../api/reseal-error.js';
import type { Said } from './request-questions.js';

/**
 * The request with everything in it resolved to ids. `nowMs` is epoch milliseconds.
 *
 * @throws {ResealError} `usage` naming the flag, `unknown_person`, and what the api throws.
 */
export async function composeRequest(
  api: ResealApi,
  invoker: PersonName,
  from: Said & { nowMs: number },
): Promise<Request> {
  const { terms, digest, nowMs } = from;
  const principal = from.principal === undefined ? invoker : await api.person(from.principal);
  const candidate = {
    event_id: from.eventId ?? randomBytes(8).toString('hex'),
    profile: from.profile,
    reason_code: from.reasonCode,
    justification: from.justification,
    ticket: from.ticket ?? null,
    duration_seconds: from.durationSeconds,
    invoker: { person: invoker.id, upn: invoker.upn },
    principal: { object_id: principal.object_id, upn: principal.upn },
    effect: terms.effect,
    policy_digest: digest,
    requested_at: instant(nowMs),
    ...(from.prerequisites.length === 0 ? {} : { prerequisites: from.prerequisites }),
  };
  if (!eventIdSchema.safeParse(candidate.event_id).success) {
    throw new ResealError('usage', '--event-id is 16 lower-case hex characters from a secure source', {
      hint: 'leave it out, and one is made',
    });
  }
  const parsed = requestSchema.safeParse(candidate);
  if (parsed.success) return parsed.data;
  const member = String(parsed.error.issues[0]?.path[0] ?? 'request');
  const [flag, wanted] = FLAGS[member] ?? [member, 'it is not valid'];
  throw new ResealError('usage', `${flag}: ${wanted}`);
}

/** What was said wrong, in the words of whoever typed it. */
const FLAGS: Readonly<Record<string, readonly [flag: string, wanted: string]>> = {
  profile: ['--profile', 'the name of a profile of the policy'],
  reason_code: ['--reason-code', 'incident, maintenance, security, recovery or other'],
  justification: ['--justification', '20 to 1,000 characters, none of them a control character'],
  ticket: ['--ticket', 'expected 1 to 64 of A-Z a-z 0-9 # / . _ : -'],
  duration_seconds: ['--duration', 'a duration such as 30m or 1h30m'],
  principal: ['--principal', 'somebody on the roster'],
  prerequisites: ['--prerequisite', 'SYSTEM=ID, each system once; an approval of entra_pim is named by its GUID'],
};
