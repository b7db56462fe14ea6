import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { receiptSchema } from '../../domain/entry.js';
import { instant } from '../../domain/identifiers.js';
import type { Intent } from '../../domain/intent.js';
import type { KillOutcome } from '../../domain/kill-state.js';
import { targetOf, type Rotation } from '../../domain/on-kill.js';
import type { Attempt } from '../graph/attempt.js';
import { receiptOf, type GraphDeps } from '../graph/effect-deps.js';
import { backoffMs, toApplicationFailure, waitFor, type GraphFailure } from '../graph/wire/graph-error.js';
import type { GraphSession } from '../graph/wire/graph-session.js';
import { SinkFailure, type Delivery, type Sinks } from './sink.js';

export interface CredentialsDeps extends GraphDeps {
  readonly sinks: Sinks;
}

/** One rotation of one intent. */
export interface Asked<Of extends Rotation = Rotation> {
  readonly intent: Intent;
  readonly index: number;
  readonly rotation: Of;
}

/** A target that Graph has not known for so many attempts does not exist, and has nothing to rotate. */
export const MISSING_READS = 12;

/**
 * That something is done, as one attempt leaves it to the next: the heartbeat goes through the server, where others can
 * write, so it carries this role's signature over what it says.
 */
export const provenSchema = z.object({ at: z.string(), key_id: z.string().nullable(), proof: receiptSchema });
export type Proven = z.output<typeof provenSchema>;

export const progressSchema = z.object({
  /** The new secret is in its sink. */
  done: provenSchema.nullable(),
  reads: z.number().int(),
  last_at: z.number().nullable(),
  missing_reads: z.number().int(),
  removed: z.array(z.string()).max(100),
  client_request_ids: z.array(z.string()).max(64),
});
export type Progress = z.output<typeof progressSchema>;
export const NOTHING_YET: Progress = {
  done: null,
  reads: 0,
  last_at: null,
  missing_reads: 0,
  removed: [],
  client_request_ids: [],
};

export function prove(deps: CredentialsDeps, asked: Asked, { at, key_id }: Omit<Proven, 'proof'>): Proven {
  const { intent, rotation, index } = asked;
  const data = { progress: 'delivered', kind: rotation.kind, target_id: targetOf(rotation), key_id };
  const transition = `rotate/${index}/delivered`;
  const { event_id } = intent;
  const proof = deps.sign({ schema: 'reseal.entry.v1', event_id, transition, type: 'credential_rotated', at, data });
  return { at, key_id, proof };
}

/** What an earlier attempt proved. Ed25519 signs alike every time, so making it again tells whether this role made it. */
export function provenIn(deps: CredentialsDeps, asked: Asked, { done }: Progress): Proven | null {
  if (done === null) return null;
  const { at, key_id } = done;
  return isDeepStrictEqual(prove(deps, asked, { at, key_id }), done) ? done : null;
}

/** Hands the secret to the sink that the policy names. Throws, retryable, with the sink's code and nothing else of it. */
export async function deliver(deps: CredentialsDeps, { rotation }: Asked, delivery: Delivery, attempt: number) {
  const sink = deps.sinks.get(rotation.sink);
  try {
    if (sink === undefined) throw new SinkFailure('sink_unknown');
    await sink.deliver(delivery);
  } catch (error) {
    const code = error instanceof SinkFailure ? error.code : 'sink_write_failed';
    throw waitFor(
      code,
      `the sink ${rotation.sink} did not take it`,
      Math.min(60_000, 2000 * 2 ** Math.min(5, attempt)),
    );
  }
}

export const deliveryOf = (
  { intent, rotation }: Asked,
  { at, key_id, secret }: Pick<Delivery, 'at' | 'key_id' | 'secret'>,
): Delivery => ({
  event_id: intent.event_id,
  kind: rotation.kind,
  tenant_id: intent.tuple.tenant_id,
  target_id: targetOf(rotation),
  key_id,
  secret,
  at,
});

/** The ids of this rotation's calls so far. */
export const idsOf = ({ details }: Attempt<Progress>, graph: GraphSession): string[] =>
  [...details.client_request_ids, ...graph.clientRequestIds].slice(-64);

/** A failed read of the target itself: throws, to be tried again, unless the target does not exist. */
export function targetMissing(failure: GraphFailure, attempt: Attempt<Progress>, graph: GraphSession): void {
  const missing_reads = failure.kind === 'not_found' ? attempt.details.missing_reads + 1 : 0;
  attempt.keep({ missing_reads });
  if (missing_reads < MISSING_READS) throw again(failure, attempt, graph);
}

/** A failed call, as what the next attempt is for. */
export function again(failure: GraphFailure, attempt: Attempt<Progress>, graph: GraphSession): Error {
  attempt.keep({ reads: 0, client_request_ids: idsOf(attempt, graph) });
  return toApplicationFailure(failure, backoffMs(failure, attempt.number));
}

export type RotationRefusal = 'protected_target' | 'target_not_found' | 'synced_from_on_premises';

export function refusedRotation(
  deps: CredentialsDeps,
  asked: Asked,
  code: RotationRefusal,
  attempt: number,
): KillOutcome {
  return outcomeOf(deps, asked, { result: 'refused', code, attempt });
}

/** The signed end of a rotation. `told` says what was done to what; there is no secret, no hint and no name among it. */
export function outcomeOf(
  deps: CredentialsDeps,
  { intent, rotation, index }: Asked,
  { result, code, ...told }: { result: 'done' | 'refused'; code: RotationRefusal | null } & Record<string, unknown>,
): KillOutcome {
  const about = { result, code, kind: rotation.kind, target_id: targetOf(rotation), sink: rotation.sink };
  const data = { ...about, ...told };
  const receipt = receiptOf(deps, intent, { type: 'credential_rotated', transition: `rotate/${index}`, data });
  return { result, code, at: instant(deps.clock.now()), receipt };
}
