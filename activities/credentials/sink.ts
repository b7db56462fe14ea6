import type { Rotation } from '../../domain/on-kill.js';
import type { Secret } from './secret.js';

/** A new secret, and what it is of. `key_id` is Graph's id of an application's secret, null for a password. */
export interface Delivery {
  readonly event_id: string;
  readonly kind: Rotation['kind'];
  readonly tenant_id: string;
  readonly target_id: string;
  readonly key_id: string | null;
  readonly secret: Secret;
  /** RFC 3339 UTC. */
  readonly at: string;
}

export type SinkFailureCode =
  | 'sink_unknown'
  | 'sink_directory_missing'
  | 'sink_directory_open_to_others'
  | 'sink_write_failed'
  | 'sink_cannot_start'
  | 'sink_exited'
  | 'sink_timed_out';

/** Why a sink did not take a secret: a code alone, because a message could quote what it was given. */
export class SinkFailure extends Error {
  constructor(readonly code: SinkFailureCode) {
    super(code);
    this.name = 'SinkFailure';
  }
}

/**
 * Where new secrets go. The last delivery for a target is the one that counts: one before it may never have come into
 * force. Resolves once the secret is kept for good; rejects with a SinkFailure.
 */
export interface SecretSink {
  deliver(delivery: Delivery): Promise<void>;
}

/** By the names that policies use. */
export type Sinks = ReadonlyMap<string, SecretSink>;

/** What a sink is given, as JSON. The only place where a secret is written out. */
export function deliveryText({ secret, ...about }: Delivery): string {
  return `${JSON.stringify({ schema: 'reseal.secret.v1', ...about, secret: secret.reveal() })}\n`;
}
