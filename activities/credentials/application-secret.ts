import { z } from 'zod';
import { instant } from '../../domain/identifiers.js';
import type { KillOutcome } from '../../domain/kill-state.js';
import type { Rotation } from '../../domain/on-kill.js';
import { Attempt } from '../graph/attempt.js';
import { openSession } from '../graph/effect-deps.js';
import { waitFor } from '../graph/wire/graph-error.js';
import type { GraphSession } from '../graph/wire/graph-session.js';
import { keepApart, NEXT_READ_MS } from '../graph/reading.js';
import * as rotating from './rotation.js';
import type { Asked, CredentialsDeps, Progress } from './rotation.js';
import { Secret } from './secret.js';

type ApplicationSecret = Extract<Rotation, { kind: 'application_secret' }>;

const id = z.string().toLowerCase();
const applicationSchema = z.object({
  id,
  appId: id,
  passwordCredentials: z.array(z.object({ keyId: id, displayName: z.string().nullish() })),
  keyCredentials: z.array(z.unknown()).nullish(),
});
type Application = z.output<typeof applicationSchema>;
/** The answer to addPassword: `secretText` is shown this once. */
const addedSchema = z.object({ keyId: id, secretText: z.string().min(1) });

/** By so many agreeing reads the old secrets are gone and the new one stands (Terraform's number for lists of its kind). */
const AGREEING_READS = 3;
/** A secret that so many reads do not show was removed again by somebody: what is in the sink is dead. */
const GONE_READS = 12;

/** How a secret of ours is recognised on the application, whichever attempt made it. */
export const tagOf = ({ intent, index }: Pick<Asked, 'intent' | 'index'>): string =>
  `reseal:${intent.event_id}:${index}`;

/**
 * Gives an application one new secret and takes all others out of force: what was there before, what was added meanwhile, and
 * what an attempt of ours left whose answer was lost. The new one is in its sink before an old one is removed.
 *
 * addPassword is not idempotent and shows a secret once. So a secret of ours that is not known to be in the sink counts for
 * nothing: it is removed by its tag, and another is made.
 */
export function rotateApplicationSecret(deps: CredentialsDeps, asked: Asked<ApplicationSecret>): Promise<KillOutcome> {
  const { intent, rotation } = asked;
  return Attempt.run(rotating.progressSchema, rotating.NOTHING_YET, async (attempt) => {
    if (deps.protectedIds.has(rotation.application_id))
      return rotating.refusedRotation(deps, asked, 'protected_target', attempt.number);
    keepApart(attempt.details.last_at, deps.clock.now());
    const graph = openSession(deps, intent.tuple.tenant_id, attempt);
    const place = `/applications/${encodeURIComponent(rotation.application_id)}`;
    const query = { $select: 'id,appId,passwordCredentials,keyCredentials' };
    const read = await graph.read(place, applicationSchema, query);
    if (!read.ok) {
      rotating.targetMissing(read.failure, attempt, graph);
      return rotating.refusedRotation(deps, asked, 'target_not_found', attempt.number);
    }
    const application = read.value;
    if (deps.protectedIds.has(application.appId) || deps.protectedIds.has(application.id))
      return rotating.refusedRotation(deps, asked, 'protected_target', attempt.number);
    const made =
      rotating.provenIn(deps, asked, attempt.details) ?? (await make(deps, asked, application, attempt, graph));
    const others = application.passwordCredentials.filter(({ keyId }) => keyId !== made.key_id);
    for (const { keyId } of others) await remove(place, keyId, attempt, graph);
    const agrees = others.length === 0 && application.passwordCredentials.length === 1;
    const reads = agrees ? attempt.details.reads + 1 : 0;
    // Stale, most likely; gone, when it goes on.
    const missing_reads = application.passwordCredentials.length === 0 ? attempt.details.missing_reads + 1 : 0;
    const client_request_ids = rotating.idsOf(attempt, graph);
    const done = missing_reads >= GONE_READS ? null : made;
    attempt.keep({
      reads,
      done,
      missing_reads: done === null ? 0 : missing_reads,
      last_at: deps.clock.now(),
      client_request_ids,
    });
    if (reads < AGREEING_READS)
      throw waitFor('secrets_read_again', 'reading until only the new secret is there', NEXT_READ_MS);
    return rotating.outcomeOf(deps, asked, {
      result: 'done',
      code: null,
      application_id: application.appId,
      key_id: made.key_id,
      delivered_at: made.at,
      removed_key_ids: attempt.details.removed,
      // To remove a certificate takes proof of holding it: they are left, and told.
      certificates_left: application.keyCredentials?.length ?? 0,
      attempt: attempt.number,
      client_request_ids,
    });
  });
}

/** One new secret, in its sink. What an earlier attempt made and lost is removed first. */
async function make(
  deps: CredentialsDeps,
  asked: Asked<ApplicationSecret>,
  application: Application,
  attempt: Attempt<Progress>,
  graph: GraphSession,
): Promise<rotating.Proven> {
  const place = `/applications/${encodeURIComponent(asked.rotation.application_id)}`;
  const displayName = tagOf(asked);
  const orphans = application.passwordCredentials.filter((secret) => secret.displayName === displayName);
  for (const { keyId } of orphans) await remove(place, keyId, attempt, graph);
  attempt.stopIfCancelled();
  const at = instant(deps.clock.now());
  const added = await graph.write(`${place}/addPassword`, { passwordCredential: { displayName } }, addedSchema);
  if (!added.ok) throw rotating.again(added.failure, attempt, graph);
  const { keyId: key_id, secretText } = added.value;
  const delivery = rotating.deliveryOf(asked, { at, key_id, secret: new Secret(secretText) });
  try {
    // Another activity may be at work on the same by now: what this one would deliver late must not be the last.
    attempt.stopIfCancelled();
    await rotating.deliver(deps, asked, delivery, attempt.number);
  } catch (error) {
    // Nobody has it: better gone now than with the next attempt. If this fails, the tag still tells.
    await graph.write(`${place}/removePassword`, { keyId: key_id }, z.unknown());
    attempt.keep({ client_request_ids: rotating.idsOf(attempt, graph) });
    throw error;
  }
  const made = rotating.prove(deps, asked, { at, key_id });
  attempt.keep({ done: made, reads: 0, missing_reads: 0 });
  return made;
}

/** Removes one secret. Graph refuses to remove what is not there: the reads say whether it is gone. */
async function remove(place: string, keyId: string, attempt: Attempt<Progress>, graph: GraphSession): Promise<void> {
  const removed = await graph.write(`${place}/removePassword`, { keyId }, z.unknown());
  if (!removed.ok && removed.failure.kind !== 'refused') throw rotating.again(removed.failure, attempt, graph);
  const before = attempt.details.removed;
  if (removed.ok && !before.includes(keyId)) attempt.keep({ removed: [...before, keyId].slice(-100) });
}
