import { z } from 'zod';
import { epochMs, instant } from '../../domain/identifiers.js';
import type { KillOutcome } from '../../domain/kill-state.js';
import type { Rotation } from '../../domain/on-kill.js';
import { Attempt } from '../graph/attempt.js';
import { openSession } from '../graph/effect-deps.js';
import { waitFor } from '../graph/wire/graph-error.js';
import * as rotating from './rotation.js';
import type { Asked, CredentialsDeps } from './rotation.js';
import { newPassword } from './secret.js';

type UserPassword = Extract<Rotation, { kind: 'user_password' }>;

const userSchema = z.object({
  lastPasswordChangeDateTime: z.string().nullish(),
  onPremisesSyncEnabled: z.boolean().nullish(),
});
/** Graph's clock and ours may differ by this much. */
const SKEW_MS = 5 * 60_000;
const AGAIN_MS = 5_000;

/**
 * Resets a user's password to one that nobody chose, which must be changed at the next sign-in. It is in its sink before
 * Graph hears of it: each attempt makes another, so that the last one delivered is the last one set, whatever was lost.
 */
export function resetUserPassword(deps: CredentialsDeps, asked: Asked<UserPassword>): Promise<KillOutcome> {
  const { intent, rotation } = asked;
  return Attempt.run(rotating.progressSchema, rotating.NOTHING_YET, async (attempt) => {
    const refused = (code: rotating.RotationRefusal) => rotating.refusedRotation(deps, asked, code, attempt.number);
    if (deps.protectedIds.has(rotation.user_id)) return refused('protected_target');
    const graph = openSession(deps, intent.tuple.tenant_id, attempt);
    const place = `/users/${encodeURIComponent(rotation.user_id)}`;
    const query = { $select: 'id,lastPasswordChangeDateTime,onPremisesSyncEnabled' };
    const read = await graph.read(place, userSchema, query);
    if (!read.ok) {
      rotating.targetMissing(read.failure, attempt, graph);
      return refused('target_not_found');
    }
    // Its password lives in another directory, which Graph does not write to.
    if (read.value.onPremisesSyncEnabled === true) return refused('synced_from_on_premises');
    const set = rotating.provenIn(deps, asked, attempt.details);
    if (set === null) {
      const at = instant(deps.clock.now());
      const secret = newPassword();
      await rotating.deliver(deps, asked, rotating.deliveryOf(asked, { at, key_id: null, secret }), attempt.number);
      attempt.stopIfCancelled();
      const passwordProfile = { password: secret.reveal(), forceChangePasswordNextSignIn: true };
      const patched = await graph.amend(place, { passwordProfile });
      if (!patched.ok) throw rotating.again(patched.failure, attempt, graph);
      const done = rotating.prove(deps, asked, { at, key_id: null });
      attempt.keep({ done, missing_reads: 0, client_request_ids: rotating.idsOf(attempt, graph) });
      throw waitFor('password_read_again', 'reading back that it was reset', AGAIN_MS);
    }
    const changed = read.value.lastPasswordChangeDateTime ?? null;
    attempt.keep({ missing_reads: 0, client_request_ids: rotating.idsOf(attempt, graph) });
    if (changed === null || epochMs(changed) < epochMs(set.at) - SKEW_MS)
      throw waitFor('password_not_reset_yet', `the password is of ${changed ?? 'nobody knows when'}`, AGAIN_MS);
    return rotating.outcomeOf(deps, asked, {
      result: 'done',
      code: null,
      delivered_at: set.at,
      password_changed_at: changed,
      attempt: attempt.number,
      client_request_ids: attempt.details.client_request_ids,
    });
  });
}
