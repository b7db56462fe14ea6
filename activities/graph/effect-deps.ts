import type { KeyObject } from 'node:crypto';
import type { z } from 'zod';

import { toolsOfKind } from '../../domain/effects/effects.js';
import type { KindTools } from '../../domain/effects/kind.js';
import type { Intent, SignedIntent } from '../../domain/intent.js';
import { instant } from '../../domain/identifiers.js';
import type { disownedSchema } from '../../domain/outcomes.js';
import { patienceOf } from '../../domain/reseal.js';
import type { EntryPayload, EntryType, Receipt } from '../../domain/entry.js';
import { digestOf } from '../../proofs/canonical-json.js';
import { keyidOf } from '../../proofs/role-key.js';
import { verifyIntent, type AuthorityKey } from '../../proofs/signed-intent.js';
import type { Clock } from '../clock.js';
import type { GraphAccess } from './wire/graph-access.js';
import { callsOfAttempt, callsTold } from './wire/graph-call.js';
import { waitFor } from './wire/graph-error.js';
import type { Attempt } from './attempt.js';
import { GraphSession } from './wire/graph-session.js';

/** What every activity here is built from. */
export interface GraphDeps {
  readonly access: GraphAccess;
  readonly clock: Clock;
  /** Signs with the role's key. */
  readonly sign: (payload: EntryPayload) => Receipt;
  /** The authority's public keys, old ones included: a rollback must still know what it granted. */
  readonly authorityKeys: readonly KeyObject[];
  /**
   * Who creates Reseal's grants in a tenant: the write identity's application id and, since Graph may report that instead,
   * the object id of its service principal. Lower case.
   */
  readonly writerIds: (tenantId: string) => ReadonlySet<string>;
  /** The same of whoever edits Conditional Access policies; absent where nobody does. */
  readonly accessWriterIds?: ReadonlySet<string>;
  /** The same of whoever assigns roles outside PIM. */
  readonly assignmentWriterIds?: ReadonlySet<string>;
  /** Reseal's own applications, by application id: what they do to an account is not somebody else's. Lower case. */
  readonly ownIds?: ReadonlySet<string>;
  /** Object ids that no write may touch, from this role's own configuration. Lower case. */
  readonly protectedIds: ReadonlySet<string>;
}

export function openSession<D extends object>(deps: GraphDeps, tenantId: string, attempt: Attempt<D>): GraphSession {
  const { access, clock } = deps;
  return new GraphSession(access.clientFor(tenantId), clock, attempt.cancellation, undefined, callsOfAttempt());
}

/** One signed entry of this event that is about no intent. */
export function receiptAlone(
  deps: GraphDeps,
  event_id: string,
  entry: { type: EntryType; transition: string; data: Record<string, unknown> },
): Receipt {
  const { type, transition } = entry;
  const data = { ...callsTold(), ...entry.data };
  return deps.sign({ schema: 'reseal.entry.v1', event_id, transition, type, at: instant(deps.clock.now()), data });
}

/** Of which of a kind's tools an entry is the receipt. */
const USE_OF: Readonly<Partial<Record<EntryType, keyof KindTools>>> = {
  surveyed: 'read',
  granted: 'write',
  extended: 'write',
  not_extended: 'write',
  not_granted: 'write',
  verified: 'read',
  watched: 'read',
  removal: 'remove',
  reappeared: 'read',
  confirmed: 'read',
};

/** One signed entry about this intent, with the contract (`policy_digest`) and the tool that it is the receipt of. */
export function receiptOf(
  deps: GraphDeps,
  intent: Intent,
  entry: { type: EntryType; transition: string; data: Record<string, unknown> },
): Receipt {
  const { type, transition, data } = entry;
  const { policy_digest, tuple, dead_man } = intent;
  const use = USE_OF[type];
  const tool = use === undefined ? {} : { tool: toolsOfKind(intent.kind)[use] };
  const named = { intent_digest: digestOf(intent), policy_digest, ...tool };
  // Of the first kind there was it is not said: entries of it are as they always were.
  const kind = intent.kind === 'entra.directory_role' ? {} : { kind: intent.kind };
  const about = { ...named, ...kind, tuple: { ...tuple }, dead_man };
  return receiptAlone(deps, intent.event_id, { type, transition, data: { ...about, ...data } });
}

/** Whether the authority signed this very intent. The arguments of an activity are anybody's: never throws. */
export const isAuthentic = (signed: SignedIntent, authorityKeys: readonly KeyObject[]): boolean =>
  verifyIntent(signed, authorityKeyAmong(authorityKeys)).ok;

/** One of the authority's keys by its keyid. */
export const authorityKeyAmong =
  (authorityKeys: readonly KeyObject[]): AuthorityKey =>
  (keyid) =>
    authorityKeys.find((key) => keyidOf(key) === keyid);

/**
 * The same of a reseal, which the ceremony cannot end without: an intent that is still not the authority's after as many
 * attempts as the round has patience for is said to be none. Undefined for one that is authentic.
 */
export function disowned(
  { signed, round }: { signed: SignedIntent; round: number },
  deps: GraphDeps,
  attempt: number,
): z.output<typeof disownedSchema> | undefined {
  if (attempt < patienceOf(round)) requireAuthentic(signed, deps);
  if (isAuthentic(signed, deps.authorityKeys)) return undefined;
  return { outcome: 'not_authentic', at: instant(deps.clock.now()) };
}

/** Nothing is signed about, and nobody's sessions end for, an intent that the authority did not sign. Retryable: keys may come. */
export function requireAuthentic(signed: SignedIntent, deps: GraphDeps): void {
  if (isAuthentic(signed, deps.authorityKeys)) return;
  throw waitFor('intent_not_authentic', "the authority's signature on the intent does not verify", 60_000);
}
